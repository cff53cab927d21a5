import { errnoError } from "../kernel/errno.ts";
import { type CompiledGlob, compileGlob } from "../kernel/glob.ts";
import { LOCAL_NAME } from "../kernel/paths.ts";
import { childrenOf, findNode, isDirectory, type TreeNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import type { CallContext } from "./call-context.ts";

/** A pattern and the repository that it is about, in that repository's own paths. */
export interface RoutedGlob {
  readonly volume: Volume;
  readonly pattern: string;
}

/**
 * Which repositories a pattern is about. A pattern that begins with a repository's name (`/name/src/**`) is about that
 * one; with a single repository any other one is too, and with several a pattern that begins with a wildcard means all.
 */
async function routeGlob(context: CallContext, pattern: string): Promise<readonly RoutedGlob[]> {
  const text = pattern.replace(/^(?:\.?\/)+/, "");
  const slash = text.indexOf("/");
  const first = slash === -1 ? text : text.slice(0, slash);
  const rest = slash === -1 ? "**" : text.slice(slash + 1);
  const named = context.table.find(first);
  if (named !== null && first !== "") return [{ volume: named, pattern: rest }];
  const { single, volumes } = context.table;
  if (single !== null) return [{ volume: single, pattern: text }];
  if (first === "**") return volumes.map((volume) => ({ volume, pattern: text }));
  const names = await compileGlob(first);
  return volumes.filter((volume) => names.match(volume.name)).map((volume) => ({ volume, pattern: rest }));
}

/** Every pattern with the repositories that it is about. */
export async function routeGlobs(
  context: CallContext,
  patterns: readonly string[],
): Promise<readonly RoutedGlob[]> {
  return (await Promise.all(patterns.map((pattern) => routeGlob(context, pattern)))).flat();
}

export function groupByVolume(globs: readonly RoutedGlob[]): ReadonlyMap<Volume, readonly string[]> {
  const groups = new Map<Volume, string[]>();
  for (const { volume, pattern } of globs) {
    const group = groups.get(volume);
    if (group === undefined) groups.set(volume, [pattern]);
    else group.push(pattern);
  }
  return groups;
}

/** A file that a pattern matches. */
export interface Match {
  readonly volume: Volume;
  readonly path: string;
  readonly node: TreeNode;
}

/** Files and links that any of the patterns matches, unsaved changes included, without a request. */
export async function matchFiles(globs: readonly RoutedGlob[]): Promise<readonly Match[]> {
  const matches: Match[] = [];
  for (const [volume, patterns] of groupByVolume(globs)) {
    const compiled = await Promise.all(patterns.map((pattern) => compileGlob(pattern)));
    const seen = new Set<string>();
    for (const root of commonRoots(compiled)) {
      const node = findNode(volume.editor.root, root);
      if (node === null) continue;
      for (const match of walkMatches(volume, { path: root, node }, compiled)) {
        if (!seen.has(match.path)) matches.push(match);
        seen.add(match.path);
      }
    }
  }
  return matches;
}

/** Where a walk has to begin: the literal directories that patterns start with, those inside another left out. */
function commonRoots(globs: readonly CompiledGlob[]): readonly string[] {
  const roots = [...new Set(globs.map((glob) => glob.root))];
  return roots.filter(
    (root) => !roots.some((other) => other !== root && (other === "" || root.startsWith(`${other}/`))),
  );
}

function* walkMatches(
  volume: Volume,
  start: { readonly path: string; readonly node: TreeNode },
  globs: readonly CompiledGlob[],
): Generator<Match> {
  const pending = [start];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, node } = next;
    if (!isDirectory(node)) {
      if (globs.some((glob) => glob.match(path))) yield { volume, path, node };
      continue;
    }
    for (const [name, child] of childrenOf(node)) {
      if (name !== LOCAL_NAME) pending.push({ path: path === "" ? name : `${path}/${name}`, node: child });
    }
  }
}

/** Mount paths of the files and links that any pattern matches, sorted. Rejects with EINVAL, EBADF. */
export async function findPaths(
  context: CallContext,
  patterns: string | readonly string[],
): Promise<string[]> {
  context.checkOpen({ syscall: "glob" });
  const matches = await matchFiles(await routeGlobs(context, parsePatterns(patterns, "glob")));
  return matches.map(({ volume, path }) => context.table.format(volume, path)).sort();
}

/** Patterns as given, one or several, checked. */
export function parsePatterns(patterns: string | readonly string[], syscall: string): readonly string[] {
  const list = typeof patterns === "string" ? [patterns] : [...patterns];
  if (list.some((pattern) => typeof pattern !== "string" || pattern === ""))
    throw errnoError("EINVAL", { syscall });
  return list;
}
