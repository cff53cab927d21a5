import { type ByteString, formatByteString, toByteString } from "../bytes/text.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { entryKind, type TreeEntry } from "../object/tree.ts";
import type { GitObject, ObjectReader } from "../ports.ts";
import { editTree, type PutEntry, type TreeEdit } from "../tree/edit-tree.ts";
import type { ConflictType, PathConflict } from "./conflict.ts";
import { type BlobVersions, measureVersions, mergeBlobs } from "./merge-blobs.ts";
import { isSameEntry, listFoldersOf, listMergePaths, type MergePath, type MergeTrees } from "./pair-paths.ts";

export interface TreeMergeOptions {
  /** Names of the sides in conflict markers. */
  readonly oursName?: string;
  readonly theirsName?: string;
  /** How deep inside a merge of merge bases: conflicts then stay in the tree, under longer markers. */
  readonly depth?: number;
}

export interface TreeMerge {
  /** The merged tree; where there are conflicts, ours stands for what could not be merged. */
  readonly tree: Oid;
  /** Merged blobs and new trees. */
  readonly objects: readonly GitObject[];
  readonly conflicts: readonly PathConflict[];
}

interface Work {
  readonly paths: ReadonlyMap<ByteString, MergePath>;
  readonly edits: TreeEdit[];
  readonly conflicts: PathConflict[];
  readonly pending: (BlobVersions & { readonly entry: MergePath; readonly mode: string })[];
  readonly options: TreeMergeOptions;
}

/**
 * Merges two trees by their base, as `git merge-tree --write-tree` does: files by content, renames followed, modes,
 * links and submodules three-way. Reads only what differs.
 * @throws GitError missing-object, wrong-type, corrupt-object
 */
export async function mergeTrees(
  reader: ObjectReader,
  trees: MergeTrees,
  options: TreeMergeOptions = {},
): Promise<TreeMerge> {
  if (trees.ours === trees.theirs || trees.base === trees.theirs) return keepTree(trees.ours);
  if (trees.base === trees.ours) return keepTree(trees.theirs);
  const paths = await listMergePaths(reader, trees);
  const work: Work = { paths, edits: [], conflicts: [], pending: [], options };
  for (const entry of paths.values()) decide(work, entry);
  const blobs = await mergePending(reader, work);
  giveWay(work);
  const { tree, objects } = await applyEdits(reader, trees.ours, work);
  work.conflicts.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { tree, objects: [...blobs, ...objects], conflicts: work.conflicts };
}

function keepTree(tree: Oid): TreeMerge {
  return { tree, objects: [], conflicts: [] };
}

/** What one path comes to, or that its texts are to be merged. */
function decide(work: Work, entry: MergePath): void {
  const decided = choose(work, entry);
  if (decided !== "pending") take(work, entry, decided);
}

function choose(work: Work, entry: MergePath): PutEntry | null | "pending" {
  const { path, base, ours, theirs } = entry;
  const isVirtual = (work.options.depth ?? 0) > 0;
  if (entry.conflict) {
    refuse(work, entry, entry.conflict);
    if (!isVirtual) return ours ?? theirs;
    return entry.apart ? mergeApart(work, entry, entry.apart) : (base ?? ours ?? theirs);
  }
  if (isSameEntry(ours, theirs) || isSameEntry(base, theirs)) return ours;
  if (isSameEntry(base, ours)) return theirs;
  if (!ours || !theirs) {
    refuse(work, entry, "modify-delete");
    return isVirtual ? base : (ours ?? theirs);
  }
  const kind = entryKind(ours);
  const baseOfKind = base && entryKind(base) === kind ? base : null;
  if (kind !== entryKind(theirs)) {
    refuse(work, entry, base ? "type" : "add-add");
    return isVirtual ? base : ours;
  }
  const mode = mergeModes(baseOfKind, ours, theirs);
  if (mode === null) refuse(work, entry, "mode");
  const put = (oid: Oid) => ({ mode: mode ?? ours.mode, oid });
  if (ours.oid === theirs.oid || baseOfKind?.oid === theirs.oid) return put(ours.oid);
  if (baseOfKind?.oid === ours.oid) return put(theirs.oid);
  if (kind === "file") {
    work.pending.push({
      entry,
      path: formatByteString(path),
      base: baseOfKind?.oid ?? null,
      ours: ours.oid,
      theirs: theirs.oid,
      mode: mode ?? ours.mode,
      type: base ? "content" : "add-add",
      text: nameMarkers(work.options, entry),
    });
    return "pending";
  }
  const type = kind === "symlink" ? "symlink" : "submodule";
  refuse(work, entry, base ? type : "add-add");
  return put(isVirtual && baseOfKind ? baseOfKind.oid : ours.oid);
}

/** Inside a merge of bases, a file that both sides renamed apart is merged all the same, and stands under both names. */
function mergeApart(
  work: Work,
  entry: MergePath,
  { ours, theirs }: NonNullable<MergePath["apart"]>,
): PutEntry | "pending" {
  const { base } = entry;
  const mode = mergeModes(base, ours, theirs) ?? ours.mode;
  if (ours.oid === theirs.oid || base?.oid === theirs.oid) return { mode, oid: ours.oid };
  if (base?.oid === ours.oid) return { mode, oid: theirs.oid };
  if (!base || [base, ours, theirs].some((side) => entryKind(side) !== "file")) return base ?? ours;
  const text = nameMarkers(work.options, entry);
  work.pending.push({
    entry,
    path: formatByteString(entry.path),
    base: base.oid,
    ours: ours.oid,
    theirs: theirs.oid,
    mode,
    type: "content",
    text: { ...text, markerSize: text.markerSize + 1 },
  });
  return "pending";
}

/** Markers name the side, and its name for the file where the sides have two. */
function nameMarkers(
  { oursName = "ours", theirsName = "theirs", depth = 0 }: TreeMergeOptions,
  entry: MergePath,
) {
  const { names } = entry;
  const name = (side: string, path: ByteString) => `${side}:${formatByteString(path)}`;
  return {
    oursName: names ? name(oursName, names.ours) : oursName,
    theirsName: names ? name(theirsName, names.theirs) : theirsName,
    markerSize: 7 + 2 * depth,
  };
}

function mergeModes(base: TreeEntry | null, ours: TreeEntry, theirs: TreeEntry): string | null {
  if (ours.mode === theirs.mode || base?.mode === theirs.mode) return ours.mode;
  return base?.mode === ours.mode ? theirs.mode : null;
}

function refuse({ conflicts }: Work, entry: MergePath, type: ConflictType): void {
  const { base, ours, theirs } = entry;
  conflicts.push({
    path: formatByteString(entry.path),
    type,
    base: base?.oid ?? null,
    ours: ours?.oid ?? null,
    theirs: theirs?.oid ?? null,
  });
}

function take({ edits }: Work, { path }: MergePath, entry: PutEntry | null): void {
  edits.push({ path, entry: entry && { mode: entry.mode, oid: entry.oid } });
}

async function mergePending(reader: ObjectReader, work: Work): Promise<GitObject[]> {
  const { pending, options } = work;
  if (pending.length === 0) return [];
  const blobs: GitObject[] = [];
  const merges = await mergeBlobs(reader, pending, await measureVersions(reader, pending));
  for (const [index, merge] of merges.entries()) {
    const file = pending[index] as (typeof pending)[number]; // one merge for each pending file
    if (merge.kind === "merged") {
      blobs.push(merge.blob);
      take(work, file.entry, { mode: file.mode, oid: merge.blob.oid });
      continue;
    }
    work.conflicts.push(merge.conflict);
    const isVirtual = (options.depth ?? 0) > 0;
    if (isVirtual && merge.content) {
      const blob = toBlob(merge.content);
      blobs.push(blob);
      take(work, file.entry, { mode: file.mode, oid: blob.oid });
    } else if (isVirtual && !file.base) {
      // Nothing in common, and nothing that can be shown between markers.
      const blob = toBlob(new Uint8Array(0));
      blobs.push(blob);
      take(work, file.entry, { mode: file.mode, oid: blob.oid });
    } else {
      take(work, file.entry, { mode: file.mode, oid: isVirtual && file.base ? file.base : file.ours });
    }
  }
  return blobs;
}

/**
 * A file and a directory of one name is a conflict, and the file gives way: inside a merge of bases to the name that
 * git makes up for it, else out of the tree, which nobody is shown then.
 */
function giveWay(work: Work): void {
  const { edits, options } = work;
  const folders = new Set(edits.flatMap(({ path, entry }) => (entry ? listFoldersOf(path) : [])));
  const taken = new Set(edits.flatMap(({ path, entry }) => (entry ? [path] : [])));
  for (const [index, { path, entry }] of edits.entries()) {
    if (!entry || !folders.has(path)) continue;
    const merged = work.paths.get(path);
    const known = work.conflicts.findIndex((conflict) => conflict.path === formatByteString(path));
    if (known >= 0) work.conflicts.splice(known, 1);
    if (merged) refuse(work, merged, "file-directory");
    edits[index] = { path, entry: null };
    if ((options.depth ?? 0) === 0) continue;
    const aside = nameAside(path, merged?.fileSide === "theirs" ? options.theirsName : options.oursName);
    const free = findFreeName(aside, (name) => taken.has(name) || folders.has(name));
    taken.add(free);
    edits.push({ path: free, entry });
  }
}

function nameAside(path: ByteString, side = "ours"): ByteString {
  return `${path}~${toByteString(side.replaceAll("/", "_"))}` as ByteString;
}

function findFreeName(name: ByteString, isTaken: (name: ByteString) => boolean): ByteString {
  let free = name;
  for (let n = 0; isTaken(free); n++) free = `${name}_${n}` as ByteString;
  return free;
}

/** Writes the result over ours. */
async function applyEdits(
  reader: ObjectReader,
  ours: Oid,
  { edits }: Work,
): Promise<{ readonly tree: Oid; readonly objects: readonly GitObject[] }> {
  // A path is first taken away, so that a directory can take a file's place and the reverse.
  const removals = edits.map(({ path }): TreeEdit => ({ path, entry: null }));
  const puts = edits.filter(({ entry }) => entry !== null);
  const edited = await editTree(reader, ours === EMPTY_TREE_OID ? null : ours, [...removals, ...puts]);
  if (edited.kind === "edited") return { tree: edited.root, objects: edited.objects };
  throw new Error(`a merge was to put ${edited.path} where ${edited.at} is in the way`);
}

function toBlob(data: Uint8Array): GitObject {
  return { oid: hashObject("blob", data), type: "blob", data };
}
