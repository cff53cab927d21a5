import { MODE } from "../tree/base-tree.ts";
import type { PutChange, RemovedFile, TreeDiff } from "../tree/diff.ts";
import { knownShaOf, modeOf } from "../tree/nodes.ts";

/** One unsaved change. A directory that was moved whole is one entry, `renamed`, with where it was. */
export interface StatusEntry {
  /** Path in the repository. */
  readonly path: string;
  readonly status: "added" | "modified" | "deleted" | "renamed";
  readonly from?: string;
  /** Where the mode of a file is another one now, six digits each. */
  readonly mode?: { readonly from: string; readonly to: string };
}

/** A file that is somewhere else now, with the content it had. */
export interface MovedFile {
  readonly from: RemovedFile;
  readonly put: PutChange;
}

/**
 * Pairs each removed file with a new one of the same content, one to one, those that keep their name first. An empty
 * file is no sign of a rename. Ids of the new files must be known.
 */
export function findMovedFiles(diff: TreeDiff): readonly MovedFile[] {
  const arrivals = new Map<string, PutChange[]>();
  for (const put of diff.puts) {
    if (put.beforeSha !== null) continue;
    const sha = knownShaOf(put.node) ?? "";
    if (sha !== EMPTY_BLOB) arrivals.set(sha, [...(arrivals.get(sha) ?? []), put]);
  }
  const moved: MovedFile[] = [];
  const pair = (from: RemovedFile, fits: (put: PutChange) => boolean): boolean => {
    const puts = arrivals.get(from.beforeSha);
    const index = puts?.findIndex(fits) ?? -1;
    const [put] = index === -1 ? [] : (puts?.splice(index, 1) ?? []);
    if (put !== undefined) moved.push({ from, put });
    return put !== undefined;
  };
  const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
  const isLink = (mode: number | null) => mode === MODE.symlink;
  const kept = diff.removed.filter(
    (from) =>
      !pair(from, ({ path, node }) => {
        return nameOf(path) === nameOf(from.path) && isLink(modeOf(node)) === isLink(from.beforeMode);
      }),
  );
  for (const from of kept) pair(from, ({ node }) => isLink(modeOf(node)) === isLink(from.beforeMode));
  return moved;
}

/** `git hash-object -t blob /dev/null` */
const EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

/** The changes by path. */
export function listStatus(diff: TreeDiff): StatusEntry[] {
  const moved = findMovedFiles(diff);
  const puts = new Set(moved.map(({ put }) => put));
  const gone = new Set(moved.map(({ from }) => from));
  const entries: StatusEntry[] = [
    ...diff.puts
      .filter((put) => !puts.has(put))
      .map(({ path, node, beforeSha, beforeMode }) => ({
        path,
        status: typeof beforeSha === "string" ? ("modified" as const) : ("added" as const),
        ...describeMode(beforeMode === MODE.directory ? null : beforeMode, modeOf(node)),
      })),
    ...diff.removed
      .filter((from) => !gone.has(from))
      .map(({ path }) => ({ path, status: "deleted" as const })),
    ...diff.moved.map(({ path, newPath }) => ({ path: newPath, status: "renamed" as const, from: path })),
    ...moved.map(({ from, put }) => ({
      path: put.path,
      status: "renamed" as const,
      from: from.path,
      ...describeMode(from.beforeMode, modeOf(put.node)),
    })),
  ];
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function describeMode(from: number | null, to: number): Pick<StatusEntry, "mode"> {
  if (from === null || from === to) return {};
  return { mode: { from: from.toString(8), to: to.toString(8) } };
}
