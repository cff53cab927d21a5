import type { RemoteLimits } from "../kernel/remote.ts";
import { findNode, knownShaOf, modeOf, sizeOf, type TreeNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";

/** A file to search. */
export interface PlannedFile {
  readonly path: string;
  readonly node: TreeNode;
  /** null: unsaved content. */
  readonly sha: string | null;
  /** Its bytes are at hand, or the commit that is read has them nowhere: it is searched here. */
  readonly isLocal: boolean;
}

/** Who searches what. */
export interface SearchPlan {
  readonly files: readonly PlannedFile[];
  /** Commit that the server is to search; null when nothing is left for it. */
  readonly commitSha: string | null;
  /** What of it, see `RemoteGrep`; at least all that is wanted. */
  readonly globs: readonly string[];
  readonly paths: readonly string[];
  /** The server searches exactly the files of the plan. */
  readonly isExact: boolean;
}

interface PlanOptions {
  readonly globs: readonly string[];
  readonly limits: RemoteLimits;
  readonly isCached: (sha: string) => boolean;
}

const KIND = 0o170000;
const REGULAR = 0o100000;
/** Pattern signs that the server takes literally and the local matcher does not. */
const LOCAL_ONLY_SIGNS = /[[\]{}()!+@\\]/;

/** Decides who searches which of these files. Symlinks, submodules and files that are too large are left out. */
export function planSearch(
  volume: Volume,
  found: readonly { readonly path: string; readonly node: TreeNode }[],
  options: PlanOptions,
): SearchPlan {
  const regular = found.filter(
    ({ node }) => (modeOf(node) & KIND) === REGULAR && sizeOf(node) <= options.limits.grepFileBytes,
  );
  const located = regular.map(({ path, node }) => {
    const sha = knownShaOf(node);
    const isUnsaved = node.kind === "file" && node.content.kind === "bytes";
    const origin = isUnsaved || sha === null ? null : findOrigin(volume, path, node, sha);
    return { path, node, sha, origin, isCached: options.isCached(sha ?? "") };
  });
  if (located.every(({ origin, isCached }) => origin === null || isCached)) {
    const files = located.map(({ path, node, sha }) => ({ path, node, sha, isLocal: true }));
    return { files, commitSha: null, globs: [], paths: [], isExact: false };
  }
  // The server is asked anyway: what it has where it is here costs nothing more, whether or not it is cached.
  const files: PlannedFile[] = [];
  const moved = new Set<string>();
  for (const { path, node, sha, origin, isCached } of located) {
    const isLocal = origin === null || (origin !== path && isCached);
    files.push({ path, node, sha, isLocal });
    if (!isLocal && origin !== path) moved.add(origin);
  }
  return { files, commitSha: volume.commitSha, ...chooseFiles(options, moved) };
}

/** A path where the commit that is read has this blob as a regular file; null when it is known at none. */
function findOrigin(volume: Volume, path: string, node: TreeNode, sha: string): string | null {
  const isThere = (at: string) => {
    const there = findNode(volume.committed, at);
    return there !== null && knownShaOf(there) === sha && (modeOf(there) & KIND) === REGULAR;
  };
  if (isThere(path)) return path;
  const origin = volume.locate(path, node)?.path ?? path;
  return origin !== path && isThere(origin) ? origin : null;
}

/** What the server is asked to search: by the patterns where it reads them as we do, else by their literal beginnings. */
function chooseFiles(
  { globs, limits }: PlanOptions,
  moved: ReadonlySet<string>,
): Pick<SearchPlan, "globs" | "paths" | "isExact"> {
  const everything = { globs: [], paths: [], isExact: false };
  if (globs.includes("**")) return { ...everything, isExact: true };
  const plain = globs.filter((glob) => !LOCAL_ONLY_SIGNS.test(glob));
  const roots = globs.filter((glob) => LOCAL_ONLY_SIGNS.test(glob)).map(literalRoot);
  const paths = [...new Set([...roots, ...moved])];
  if (paths.includes("") || paths.length > limits.grepPaths || plain.length > limits.prefetchGlobs) {
    return everything;
  }
  return { globs: plain, paths, isExact: false };
}

/** The directory that a pattern begins with; "" when it begins with a wildcard. */
function literalRoot(glob: string): string {
  const segments = glob.split("/");
  const wild = segments.findIndex((segment) => /[*?]/.test(segment) || LOCAL_ONLY_SIGNS.test(segment));
  return segments.slice(0, wild).join("/");
}

/** Git's order of paths: by their UTF-8 bytes. Only surrogates stand elsewhere among UTF-16's code units. */
export function compareAsBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
