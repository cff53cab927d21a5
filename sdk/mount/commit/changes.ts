import type { MountConflict } from "../../errors.ts";
import { type CallSite, errnoError } from "../kernel/errno.ts";
import type { RemoteChange, RemoteLimits } from "../kernel/remote.ts";
import { diffTrees, type PutChange, type TreeDiff } from "../tree/diff.ts";
import { hashFile } from "../tree/git-id.ts";
import { type DirNode, type FileNode, findNode, knownShaOf, modeOf } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";

/** Contents of one commit, before encoding: base64 and JSON keep it below the 100 MB that a request may have. */
const MAX_CONTENT_BYTES = 64 * 1024 * 1024;

/** One unsaved change. A directory that was moved whole is one entry, `renamed`, with where it was. */
export interface StatusEntry {
  /** Path in the repository. */
  readonly path: string;
  readonly status: "added" | "modified" | "deleted" | "renamed";
  readonly from?: string;
}

/**
 * The net difference between what was committed and a frozen tree. Contents that turn out to be what was committed, by
 * their ids, are left out.
 */
export async function findChanges(committed: DirNode, saved: DirNode): Promise<TreeDiff> {
  const diff = diffTrees(committed, saved);
  const puts: PutChange[] = [];
  for (const put of diff.puts) {
    const sha = put.node.kind === "file" ? await hashFile(put.node) : knownShaOf(put.node);
    if (sha !== put.beforeSha || modeOf(put.node) !== put.beforeMode) puts.push(put);
  }
  return { ...diff, puts };
}

export function countChanges(diff: TreeDiff): number {
  return diff.puts.length + diff.removed.length + diff.moved.length;
}

export function listStatus(diff: TreeDiff): StatusEntry[] {
  const entries: StatusEntry[] = [
    ...diff.puts.map(({ path, beforeSha }) => ({
      path,
      status: typeof beforeSha === "string" ? ("modified" as const) : ("added" as const),
    })),
    ...diff.removed.map(({ path }) => ({ path, status: "deleted" as const })),
    ...diff.moved.map(({ path, newPath }) => ({ path: newPath, status: "renamed" as const, from: path })),
  ];
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Unsaved changes of paths that a refresh found changed by others: known conflicts, before any request. */
export function listKnownConflicts(volume: Volume, diff: TreeDiff): MountConflict[] {
  const conflicts: MountConflict[] = [];
  for (const { path } of [...diff.puts, ...diff.removed]) {
    const baseSha = volume.overlaps.get(path);
    if (baseSha === undefined) continue;
    const current = findNode(volume.committed, path);
    conflicts.push({ path, baseSha, currentSha: current === null ? null : knownShaOf(current) });
  }
  return conflicts;
}

/**
 * The changes as one commit's list: removals and moves, then files. Each names the blob that it replaces, so that another
 * writer's change of the same path is found out; contents that the server has are named, not sent.
 *
 * @throws MountError E2BIG beyond 1,000 changes or 64 MiB of contents. One commit is all or nothing, so it is not split.
 */
export function buildChanges(diff: TreeDiff, limits: RemoteLimits, site: CallSite): RemoteChange[] {
  const count = countChanges(diff);
  if (count > limits.changesPerCommit) {
    throw tooBig(`${count} changes, one commit takes ${limits.changesPerCommit}; commit more often`, site);
  }
  const bytes = diff.puts.reduce((sum, { node }) => sum + unsentBytes(node), 0);
  if (bytes > MAX_CONTENT_BYTES) {
    throw tooBig(
      `${bytes} bytes of new content, one commit takes ${MAX_CONTENT_BYTES}; commit more often`,
      site,
    );
  }
  return [
    ...diff.removed.map(({ path, beforeSha }) => ({ kind: "delete" as const, path, ifMatch: beforeSha })),
    ...diff.moved.map((move) => ({ kind: "move" as const, ...move })),
    ...diff.puts.map(toPut),
  ];
}

function toPut({ path, node, beforeSha }: PutChange): RemoteChange {
  const mode = modeOf(node).toString(8);
  const content =
    node.kind === "file" && node.content.kind === "bytes"
      ? { bytes: node.content.bytes }
      : { sha: knownShaOf(node) ?? "" };
  return { kind: "put", path, mode, content, ifMatch: beforeSha };
}

function unsentBytes(node: PutChange["node"]): number {
  return node.kind === "file" && node.content.kind === "bytes" ? node.content.bytes.length : 0;
}

function tooBig(detail: string, site: CallSite): Error {
  return errnoError("E2BIG", site, { detail });
}

/** Files of a diff whose bytes only the mount has. */
export function listUnsentFiles(diff: TreeDiff): { readonly path: string; readonly node: FileNode }[] {
  return diff.puts.flatMap(({ path, node }) =>
    node.kind === "file" && node.content.kind === "bytes" ? [{ path, node }] : [],
  );
}
