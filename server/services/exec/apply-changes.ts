import type { Oid } from "../../git/hash/oid.ts";
import { EXECUTABLE_MODE, FILE_MODE, GITLINK_MODE, SYMLINK_MODE } from "../../git/object/tree.ts";
import type { TreeChange } from "../../ports/commit.ts";
import type { ChangeDraft } from "../commits/change-drafts.ts";
import { type DerivationFailure, deriveChanges } from "../commits/derive-changes.ts";
import type { Content, ExecNode, LeafNode } from "./exec-node.ts";
import type { ExecTree, FoundPlace } from "./exec-tree.ts";
import type { VolumeReader } from "./volume-reader.ts";

export type AppliedChanges =
  | { readonly kind: "applied"; readonly sent: ReadonlySet<Oid> }
  | DerivationFailure;

interface Made {
  readonly change: TreeChange;
  readonly bytes: Uint8Array | null;
}

/**
 * Puts a caller's changes into the tree before the command runs, by the rules of a commit: every precondition and every
 * source is looked up in the commit that is read, removals come before writes.
 */
export async function applyChanges(
  tree: ExecTree,
  reader: VolumeReader,
  drafts: readonly ChangeDraft[],
): Promise<AppliedChanges> {
  const derived = await deriveChanges(
    reader.repo.objects,
    reader.volume.commit,
    drafts.filter((draft) => draft.kind === "derived"),
  );
  if (derived.kind !== "derived") return derived;
  const made: Made[] = derived.changes.map(({ change, blob }) => ({ change, bytes: blob.data }));
  const sent = new Set<Oid>();
  for (const draft of drafts) {
    if (draft.kind !== "ready") continue;
    made.push({ change: draft.change, bytes: draft.blob?.data ?? null });
    if (draft.blob) sent.add(draft.blob.oid);
  }
  const sources = new Map<TreeChange, FoundPlace | null>();
  for (const { change } of made) {
    const source = await findSource(tree, reader, change.path);
    const refused = checkChange(reader, change, source);
    if (refused) return refused;
    sources.set(change, source);
  }
  for (const { change } of made) {
    if (change.kind !== "delete" && change.kind !== "move") continue;
    const source = sources.get(change);
    if (source) tree.detach(source, "unlink");
  }
  for (const entry of made) await write(tree, reader, entry, sources.get(entry.change) ?? null);
  return { kind: "applied", sent };
}

function pathOf(reader: VolumeReader, path: string): string {
  return `/${reader.volume.name}/${path}`;
}

async function findSource(tree: ExecTree, reader: VolumeReader, path: string): Promise<FoundPlace | null> {
  try {
    const place = await tree.resolve(pathOf(reader, path), "open", false);
    return place.node === null ? null : { ...place, node: place.node };
  } catch (error) {
    tree.meter.checkUsable();
    if (error instanceof Error && "code" in error) return null;
    throw error;
  }
}

function checkChange(
  reader: VolumeReader,
  change: TreeChange,
  source: FoundPlace | null,
): DerivationFailure | null {
  const { field, path } = change;
  const head = reader.volume.commit;
  const current = source && source.node.kind !== "dir" ? oidOf(source.node) : null;
  if (change.ifMatch !== undefined && change.ifMatch !== current) {
    return { kind: "path-conflict", field, path, expected: change.ifMatch, current, head };
  }
  const rejected = { kind: "rejected", field, path, head } as const;
  if (change.kind !== "put" && source === null) {
    return { ...rejected, reason: "not-found", message: `there is no ${path}` };
  }
  if (change.kind === "chmod" && source?.node.kind !== "file") {
    return { ...rejected, reason: "not-a-file", message: `${path} is no file` };
  }
  if (change.kind === "put" && change.mode === GITLINK_MODE) {
    return { ...rejected, reason: "not-a-file", message: `${path} is a submodule: a shell cannot hold one` };
  }
  return null;
}

/** Nothing has been written yet, so that every leaf is a blob. */
function oidOf({ content }: LeafNode): Oid | null {
  return content.kind === "blob" ? content.oid : null;
}

async function write(
  tree: ExecTree,
  reader: VolumeReader,
  { change, bytes }: Made,
  source: FoundPlace | null,
): Promise<void> {
  const { meter } = tree;
  meter.checkUsable();
  if (change.kind === "delete") return;
  if (change.kind === "put") {
    const content: Content = bytes ? { kind: "bytes", bytes } : { kind: "blob", oid: change.oid };
    await put(
      tree,
      pathOf(reader, change.path),
      toLeaf(source?.node ?? null, change.mode, content, tree.now()),
    );
    return;
  }
  if (source === null) return;
  if (change.kind === "chmod") {
    await put(tree, source.path, withMode(source.node, change.mode));
    return;
  }
  const target = pathOf(reader, change.newPath);
  await makeParents(tree, target);
  const to = await tree.resolve(target, "open", false);
  const node = change.mode === undefined ? source.node : withMode(source.node, change.mode);
  if (change.kind === "move") tree.set(tree.requireWritable(to, "rename"), to.name, node);
  else await tree.copyInto(node, source, to);
}

function toLeaf(
  before: ExecNode | null,
  mode: string | undefined,
  content: Content,
  mtimeMs: number,
): LeafNode {
  if (mode === SYMLINK_MODE) return { kind: "link", executable: false, content, mtimeMs };
  if (mode !== undefined) return { kind: "file", executable: mode === EXECUTABLE_MODE, content, mtimeMs };
  if (before && before.kind !== "dir") return { ...before, content, mtimeMs };
  return { kind: "file", executable: false, content, mtimeMs };
}

function withMode(node: ExecNode, mode: string): ExecNode {
  return node.kind === "file" ? { ...node, executable: mode !== FILE_MODE } : node;
}

async function put(tree: ExecTree, path: string, node: ExecNode): Promise<void> {
  await makeParents(tree, path);
  const place = await tree.resolve(path, "open", false);
  if (node.kind === "dir") tree.set(tree.requireWritable(place, "open"), place.name, node);
  else tree.putLeaf(place, node);
}

async function makeParents(tree: ExecTree, path: string): Promise<void> {
  const parts = path.split("/");
  for (let end = 3; end < parts.length; end++) {
    const place = await tree.resolve(parts.slice(0, end).join("/"), "mkdir", false);
    if (place.node === null) tree.makeDirectory(place);
  }
}
