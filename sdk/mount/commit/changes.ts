import { type CallSite, errnoError } from "../kernel/errno.ts";
import type { RemoteChange, RemoteLimits } from "../kernel/remote.ts";
import { MODE } from "../tree/base-tree.ts";
import { diffTrees, type PutChange, type TreeDiff } from "../tree/diff.ts";
import { hashFile } from "../tree/git-id.ts";
import { type DirNode, type FileNode, knownShaOf, modeOf } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";

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

/** One commit's changes, and what has to be with the server before it. */
export interface ChangeList {
  readonly changes: readonly RemoteChange[];
  /** Contents by request, each within what one may hold; empty when the commit itself has room for all. */
  readonly uploads: readonly (readonly Uint8Array[])[];
}

/**
 * The changes as one commit's list: removals and moves, then files. Each names the blob that it was made from, so that
 * another writer's change of the same path is found out. Contents that the server has are named, not sent, and equal
 * ones are sent once; a mode is sent only when it is new.
 *
 * @param resend send contents although the server should have them: it has said that it does not.
 * @throws MountError E2BIG beyond the changes that one commit takes. It is all or nothing, so it is not split.
 */
export function buildChanges(
  diff: TreeDiff,
  volume: Volume,
  options: { readonly limits: RemoteLimits; readonly site: CallSite; readonly resend: boolean },
): ChangeList {
  const count = countChanges(diff);
  const { changesPerCommit, contentBytes } = options.limits;
  if (count > changesPerCommit) {
    const detail = `${count} changes, one commit takes ${changesPerCommit}; commit more often`;
    throw errnoError("E2BIG", options.site, { detail });
  }
  const unsent = findUnsent(diff, volume, options.resend);
  const uploads = groupContents(unsent, contentBytes);
  // The last group travels with the commit.
  const inline = new Set(uploads.pop()?.map(({ sha }) => sha));
  const { overlaps } = volume;
  return {
    changes: [
      ...diff.removed.map(({ path, beforeSha }) => {
        return { kind: "delete" as const, path, ifMatch: overlaps.get(path)?.sha ?? beforeSha };
      }),
      ...diff.moved.map((move) => ({ kind: "move" as const, ...move })),
      ...diff.puts.map((put) => {
        const base = overlaps.get(put.path) ?? { sha: put.beforeSha, mode: put.beforeMode };
        return toPut(put, base, inline);
      }),
    ],
    uploads: uploads.map((group) => group.map(({ bytes }) => bytes)),
  };
}

interface Unsent {
  readonly sha: string;
  readonly bytes: Uint8Array;
}

/** Distinct contents that only the mount has, as far as it knows. Ids are known: the changes were found by them. */
function findUnsent(diff: TreeDiff, volume: Volume, resend: boolean): readonly Unsent[] {
  const unsent = new Map<string, Uint8Array>();
  for (const { node } of diff.puts) {
    if (node.kind === "file" && node.content.kind === "bytes" && node.content.sha !== null) {
      unsent.set(node.content.sha, node.content.bytes);
    }
  }
  if (!resend && unsent.size > 0) {
    for (const sha of unsent.keys()) if (volume.known.has(sha)) unsent.delete(sha);
    for (const sha of volume.base.findShas(new Set(unsent.keys()))) unsent.delete(sha);
  }
  return [...unsent].map(([sha, bytes]) => ({ sha, bytes }));
}

function groupContents(unsent: readonly Unsent[], limit: number): Unsent[][] {
  const groups: Unsent[][] = [];
  let room = 0;
  for (const content of unsent) {
    if (groups.length === 0 || content.bytes.length > room) {
      groups.push([]);
      room = limit;
    }
    room -= content.bytes.length;
    groups.at(-1)?.push(content);
  }
  return groups;
}

/** @param inline ids still to be sent with the commit; taken out once they are. */
function toPut(
  { path, node }: PutChange,
  base: { readonly sha: string | null | undefined; readonly mode: number | null },
  inline: Set<string>,
): RemoteChange {
  const mode = modeOf(node);
  const isFile = mode === MODE.file || mode === MODE.executable;
  const sha = knownShaOf(node);
  // Changes were found by their ids. One without would be refused, and in mode "auto" the write be taken back.
  if (sha === null) throw new Error(`the id of ${path} is not known`);
  const bytes = node.kind === "file" && node.content.kind === "bytes" ? node.content.bytes : null;
  const isInline = bytes !== null && inline.delete(sha);
  return {
    kind: "put",
    path,
    // A mode that stays as it was is nobody's change: others may have made one.
    mode: isFile && mode === base.mode ? null : mode.toString(8),
    content: isInline ? { bytes } : { sha },
    ifMatch: base.sha,
  };
}

/** Files of a diff whose bytes only the mount has. */
export function listUnsentFiles(diff: TreeDiff): { readonly path: string; readonly node: FileNode }[] {
  return diff.puts.flatMap(({ path, node }) =>
    node.kind === "file" && node.content.kind === "bytes" ? [{ path, node }] : [],
  );
}
