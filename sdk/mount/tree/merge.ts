import { joinPath } from "../kernel/paths.ts";
import { differingNames, isSame } from "./compare.ts";
import {
  childrenOf,
  type DirNode,
  findChild,
  isDirectory,
  isEmptyDirectory,
  knownShaOf,
  modeOf,
  type TreeNode,
} from "./nodes.ts";

/** A file that a change was made from; nulls: there was none. */
export interface FileVersion {
  readonly sha: string | null;
  readonly mode: number | null;
  /** It is what somebody else made, and the change was made in sight of it. */
  readonly seen?: boolean;
}

/** A path that the mount changed and somebody else did too. */
export interface Overlap {
  readonly path: string;
  /** What the mount's change was made from. */
  readonly base: FileVersion;
}

export interface Merged {
  readonly root: DirNode;
  readonly overlaps: readonly Overlap[];
}

/**
 * Carries the mount's changes (`before` → `current`) over to a newer commit. What only one side changed is taken from
 * that side; where both did, the mount keeps seeing its own and the path is reported, so that a commit can refuse it.
 */
export function mergeTrees(current: DirNode, before: DirNode, newer: DirNode): Merged {
  const overlaps: Overlap[] = [];
  const root = mergeNode("", { current, before, newer }, overlaps);
  return { root: root?.kind === "dir" ? root : newer, overlaps };
}

interface Sides {
  readonly current: TreeNode | null;
  readonly before: TreeNode | null;
  readonly newer: TreeNode | null;
}

function mergeNode(path: string, sides: Sides, overlaps: Overlap[]): TreeNode | null {
  const { current, before, newer } = sides;
  if (isSame(current, before)) return keepEmptyDirectories(current, newer);
  if (isSame(before, newer) || isSame(current, newer)) return current;
  if ([current, before, newer].every((node) => node === null || isDirectory(node))) {
    return mergeDirectory(path, sides, overlaps);
  }
  reportFiles(path, before, newer, overlaps);
  return current;
}

/**
 * What `newer` has, and the directories that only the mount knows because nothing is in them: git has no such, so no
 * commit can have removed them.
 */
function keepEmptyDirectories(ours: TreeNode | null, newer: TreeNode | null): TreeNode | null {
  if (ours?.kind !== "dir" || ours.changes.size === 0 || newer === ours) {
    return newer === null && ours?.kind === "dir" && isEmptyDirectory(ours) ? ours : newer;
  }
  if (newer !== null && !isDirectory(newer)) return newer;
  const kept = new Map<string, TreeNode>();
  for (const [name, child] of ours.changes) {
    const theirs = newer === null ? null : findChild(newer, name);
    const node = child === null ? theirs : keepEmptyDirectories(child, theirs);
    if (node !== null && node !== theirs) kept.set(name, node);
  }
  if (kept.size === 0) return newer === null && isEmptyDirectory(ours) ? ours : newer;
  const changes = new Map([...(newer?.kind === "dir" ? newer.changes : []), ...kept]);
  const base = newer?.kind === "base" ? newer : newer?.kind === "dir" ? newer.base : null;
  return { kind: "dir", base, changes, epoch: 0, mtimeMs: ours.mtimeMs };
}

function mergeDirectory(path: string, sides: Sides, overlaps: Overlap[]): TreeNode | null {
  const { current, before, newer } = sides;
  const changes = new Map(newer?.kind === "dir" ? newer.changes : []);
  const base = newer?.kind === "base" ? newer : newer?.kind === "dir" ? newer.base : null;
  const mtimeMs = current?.kind === "dir" ? current.mtimeMs : 0;
  const result: DirNode = { kind: "dir", base, changes, epoch: 0, mtimeMs };
  for (const name of differingNames(current, before)) {
    const theirs = newer === null ? null : findChild(newer, name);
    const child = mergeNode(
      joinPath(path, name),
      {
        current: current === null ? null : findChild(current, name),
        before: before === null ? null : findChild(before, name),
        newer: theirs,
      },
      overlaps,
    );
    if (child === theirs) continue;
    if (child !== null || (base !== null && findChild(base, name) !== null)) changes.set(name, child);
    else changes.delete(name);
  }
  return current === null && isEmptyDirectory(result) ? null : result;
}

/** Reports each file that `newer` has otherwise than `before` at or below a path where the mount's own change wins. */
function reportFiles(
  path: string,
  before: TreeNode | null,
  newer: TreeNode | null,
  overlaps: Overlap[],
): void {
  if (isSame(before, newer)) return;
  const isFile = (node: TreeNode | null) => node !== null && !isDirectory(node);
  if (isFile(before) || isFile(newer) || newer === null) {
    const base = before !== null && isFile(before) ? before : null;
    overlaps.push({
      path,
      base: base === null ? { sha: null, mode: null } : { sha: knownShaOf(base), mode: modeOf(base) },
    });
  }
  if (newer === null || !isDirectory(newer)) return;
  for (const [name, child] of childrenOf(newer)) {
    const counterpart = before === null ? null : findChild(before, name);
    reportFiles(joinPath(path, name), counterpart, child, overlaps);
  }
}
