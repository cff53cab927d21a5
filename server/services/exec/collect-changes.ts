import { LIMITS } from "../../../sdk/contract/limits.ts";
import { formatByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import {
  EXECUTABLE_MODE,
  entryKind,
  FILE_MODE,
  type FileMode,
  GITLINK_MODE,
  SYMLINK_MODE,
  type TreeEntry,
} from "../../git/object/tree.ts";
import { listTree } from "../../git/tree/list-tree.ts";
import type { DirNode, ExecNode, LeafNode } from "./exec-node.ts";
import type { VolumeReader } from "./volume-reader.ts";

/** One path that is not as in the commit that was read. */
export interface ExecDifference {
  readonly path: string;
  /** null: there is nothing any more. */
  readonly after: {
    readonly mode: FileMode;
    readonly oid: Oid;
    /** null: the repository has the blob. */
    readonly bytes: Uint8Array | null;
  } | null;
  /** Blob that the path had; null = none, undefined = a directory. */
  readonly before: Oid | null | undefined;
}

interface Pair {
  readonly path: string;
  readonly node: ExecNode | null;
  readonly entry: TreeEntry | null;
}

/**
 * What a command changed in a repository. Looks only into directories that were loaded or that are not where they were;
 * content that turns out to be what it was is no change. Empty directories are none either: git cannot keep them.
 *
 * @throws GitError limit-exceeded
 */
export async function collectChanges(
  reader: VolumeReader,
  root: DirNode,
): Promise<readonly ExecDifference[]> {
  const found: ExecDifference[] = [];
  const pending: Pair[] = await pairChildren(reader, { path: "", node: root, baseTree: reader.volume.tree });
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    pending.push(...(await compare(reader, pair, found)));
    if (found.length > LIMITS.execChanges) {
      const limit = LIMITS.execChanges;
      throw new GitError("limit-exceeded", `the command changed more than ${limit} files`, { limit });
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function compare(
  reader: VolumeReader,
  { path, node, entry }: Pair,
  found: ExecDifference[],
): Promise<readonly Pair[]> {
  const wasTree = entry !== null && entryKind(entry) === "directory";
  const isTree = node?.kind === "dir" && node.submodule === null;
  if (isTree) {
    if (entry && !wasTree) found.push({ path, after: null, before: entry.oid });
    if (wasTree && node.tree === entry.oid && node.children === null) return [];
    return await pairChildren(reader, { path, node, baseTree: wasTree ? entry.oid : null });
  }
  if (wasTree) await removeBelow(reader, path, entry.oid, found);
  if (node === null) {
    if (entry && !wasTree) found.push({ path, after: null, before: entry.oid });
    return [];
  }
  const after = describe(node);
  const before = wasTree ? undefined : (entry?.oid ?? null);
  if (!entry || before !== after.oid || !sameMode(entry, after.mode)) found.push({ path, after, before });
  return [];
}

/** Old trees hold modes such as 100664: a file that was left alone keeps its own. */
function sameMode(entry: TreeEntry, mode: FileMode): boolean {
  if (entry.mode === mode) return true;
  return entryKind(entry) === "file" && mode === FILE_MODE && entry.mode !== EXECUTABLE_MODE;
}

async function pairChildren(
  reader: VolumeReader,
  directory: { readonly path: string; readonly node: DirNode; readonly baseTree: Oid | null },
): Promise<Pair[]> {
  const { node, baseTree } = directory;
  if (node.tree === baseTree && node.children === null) return [];
  const children = await reader.children(node);
  const base = new Map<string, TreeEntry>();
  if (baseTree !== null) {
    for (const entry of await reader.entries(baseTree)) base.set(formatByteString(entry.name), entry);
  }
  const prefix = directory.path === "" ? "" : `${directory.path}/`;
  const names = new Set([...base.keys(), ...children.keys()]);
  return [...names].flatMap((name) => {
    const pair = { path: prefix + name, node: children.get(name) ?? null, entry: base.get(name) ?? null };
    return isUntouched(pair) ? [] : [pair];
  });
}

function isUntouched({ node, entry }: Pair): boolean {
  if (!node || !entry) return false;
  if (node.kind === "dir") return node.submodule === entry.oid;
  return node.content.kind === "blob" && node.content.oid === entry.oid && sameMode(entry, modeOf(node));
}

async function removeBelow(
  reader: VolumeReader,
  path: string,
  tree: Oid,
  found: ExecDifference[],
): Promise<void> {
  const limit = LIMITS.execChanges;
  const listed = await listTree(reader.repo.objects, tree, { recursive: true, maxEntries: 4 * limit });
  for (const entry of listed) {
    if (entryKind(entry) === "directory") continue;
    found.push({ path: `${path}/${formatByteString(entry.path)}`, after: null, before: entry.oid });
  }
}

function modeOf(leaf: LeafNode): FileMode {
  return leaf.kind === "link" ? SYMLINK_MODE : leaf.executable ? EXECUTABLE_MODE : FILE_MODE;
}

function describe(node: ExecNode): NonNullable<ExecDifference["after"]> {
  if (node.kind === "dir") {
    // Only a submodule's directory comes here, and it has a commit.
    return { mode: GITLINK_MODE, oid: node.submodule as Oid, bytes: null };
  }
  const mode = modeOf(node);
  const { content } = node;
  return content.kind === "blob"
    ? { mode, oid: content.oid, bytes: null }
    : { mode, oid: hashObject("blob", content.bytes), bytes: content.bytes };
}
