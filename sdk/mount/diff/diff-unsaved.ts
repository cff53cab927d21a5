import type { CallContext } from "../calls/call-context.ts";
import type { CommitBuffer } from "../commit/commit-buffer.ts";
import type { Saver } from "../commit/saver.ts";
import { findMovedFiles } from "../commit/status.ts";
import { joinPath } from "../kernel/paths.ts";
import { encodeText } from "../kernel/text.ts";
import { MODE } from "../tree/base-tree.ts";
import { childrenOf, findNode, isDirectory, knownShaOf, modeOf, type TreeNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import { type FileSide, formatFileDiff } from "./format-patch.ts";

/** What to diff. */
export interface DiffOptions {
  /** Repositories, by the names they are mounted by; all when absent. */
  readonly repos?: readonly string[];
  /** Mount paths of files and directories; a change is shown when it is at one of them, above or below. */
  readonly paths?: readonly string[];
}

/** A file before and after; null where it is not there. */
interface Pair {
  readonly before: { readonly path: string; readonly node: TreeNode } | null;
  readonly after: { readonly path: string; readonly node: TreeNode } | null;
}

/**
 * Unsaved changes as a patch for `git apply`. Contents that are not in memory are read, 100 files a request; of renames
 * and deletions as of any other change. With several repositories each path begins with the name of its own.
 */
export async function diffUnsaved(
  { context, saver }: { readonly context: CallContext; readonly saver: Saver },
  options: DiffOptions,
): Promise<string> {
  const buffers = saver.select(options.repos, "diff");
  const places = options.paths === undefined ? null : saver.route(options.paths, "diff");
  const parts: string[] = [];
  for (const buffer of buffers) {
    const { volume } = buffer;
    const wanted = places?.filter((place) => place.volume === volume).map(({ path }) => path) ?? null;
    const prefix = buffers.length > 1 ? volume.name : "";
    const pairs = (await listPairs(buffer)).filter((pair) => isWanted(pair, wanted));
    parts.push(...(await Promise.all(pairs.map((pair) => formatPair(context, { volume, prefix }, pair)))));
  }
  return parts.join("");
}

async function listPairs(buffer: CommitBuffer): Promise<readonly Pair[]> {
  const { volume } = buffer;
  const diff = await buffer.findUnsaved();
  const { committed } = volume;
  const pairs: Pair[] = [];
  const find = (path: string) => {
    const node = findNode(committed, path);
    return node === null ? null : { path, node };
  };
  const moved = findMovedFiles(diff);
  const movedPuts = new Set(moved.map(({ put }) => put));
  const movedFrom = new Set(moved.map(({ from }) => from));
  for (const from of diff.removed)
    if (!movedFrom.has(from)) pairs.push({ before: find(from.path), after: null });
  for (const { path, newPath } of diff.moved) {
    const root = findNode(committed, path);
    for (const file of listFiles(root)) {
      const before = { path: joinPath(path, file.path), node: file.node };
      pairs.push({ before, after: { path: joinPath(newPath, file.path), node: file.node } });
    }
  }
  for (const { from, put } of moved) pairs.push({ before: find(from.path), after: put });
  for (const put of diff.puts) {
    if (movedPuts.has(put)) continue;
    const before = typeof put.beforeSha === "string" ? find(put.path) : null;
    // A file that became a link, or the reverse, is another thing: git shows it as gone and new.
    if (before !== null && kindOf(before.node) !== kindOf(put.node)) {
      pairs.push({ before, after: null }, { before: null, after: put });
    } else {
      pairs.push({ before, after: put });
    }
  }
  return pairs;
}

function kindOf(node: TreeNode): number {
  const mode = modeOf(node);
  return mode === MODE.executable ? MODE.file : mode;
}

function* listFiles(root: TreeNode | null) {
  const pending = root === null ? [] : [{ path: "", node: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!isDirectory(next.node) || modeOf(next.node) === MODE.gitlink) yield next;
    else
      for (const [name, node] of childrenOf(next.node))
        pending.push({ path: joinPath(next.path, name), node });
  }
}

function isWanted({ before, after }: Pair, wanted: readonly string[] | null): boolean {
  if (wanted === null) return true;
  const touches = (path: string) =>
    wanted.some(
      (place) =>
        place === "" || place === path || path.startsWith(`${place}/`) || place.startsWith(`${path}/`),
    );
  return [before, after].some((side) => side !== null && touches(side.path));
}

async function formatPair(
  context: CallContext,
  place: { readonly volume: Volume; readonly prefix: string },
  { before, after }: Pair,
): Promise<string> {
  const read = async (side: Pair["before"]): Promise<FileSide | null> => {
    if (side === null) return null;
    const { path, node } = side;
    const bytes = await readContent(context, place.volume, side);
    return { path: joinPath(place.prefix, path), mode: modeOf(node).toString(8), bytes };
  };
  const [old, next] = await Promise.all([read(before), read(after)]);
  return await formatFileDiff(old, next);
}

/** A submodule has no content here; git shows the commit that it is at. */
async function readContent(
  context: CallContext,
  volume: Volume,
  { path, node }: { readonly path: string; readonly node: TreeNode },
): Promise<Uint8Array> {
  if (modeOf(node) === MODE.gitlink) return encodeText(`Subproject commit ${knownShaOf(node)}\n`);
  const site = { syscall: "diff", path: context.table.format(volume, path) };
  return (await context.read({ volume, path, node }, site)).bytes;
}
