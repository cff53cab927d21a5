import type { GrepMatch, GrepOptions } from "../../mount/calls/grep-calls.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { escapeGlob } from "../files/glob-escape.ts";

/** A matching line, with its file's path below what was searched; a file that was named itself has its name. */
export interface LineBelow extends Omit<GrepMatch, "path"> {
  readonly inside: string;
}

/** Where to search. */
export interface Place {
  /** A directory or a file; links on the way are followed. */
  readonly path: string;
  /** Files below the directory; all when absent. What matches more is for the caller to leave out. */
  readonly glob?: string;
}

/**
 * Matching lines of the files at or below a path, by path and line, in one request for what is not cached. Links below
 * it are not followed.
 *
 * @throws as `stat` and `grep`: ENOENT, ENOTDIR, EINVAL, E2BIG above 100,000 lines
 */
export async function searchBelow(
  mount: MountedFS,
  { path, glob = "**" }: Place,
  query: { readonly pattern: string } & Pick<GrepOptions, "regex" | "ignoreCase" | "context">,
): Promise<LineBelow[]> {
  const { pattern, ...options } = query;
  const real = await mount.promises.realpath(path);
  const isDirectory = (await mount.promises.stat(real)).isDirectory();
  const parent = isDirectory ? real.replace(/\/$/, "") : real.slice(0, real.lastIndexOf("/"));
  const inside = isDirectory ? glob : escapeGlob(real.slice(parent.length + 1));
  const globs = parent === "" ? inside : `${escapeGlob(parent.slice(1))}/${inside}`;
  const matches = await mount.grep(pattern, { ...options, globs });
  return matches.map(({ path: found, ...line }) => ({ ...line, inside: found.slice(parent.length + 1) }));
}

/** A line's text; one that is told only in part says so. */
export function showLine({ content, lineBytes }: Pick<GrepMatch, "content" | "lineBytes">): string {
  return lineBytes === null ? content : `${content} [line cut: ${lineBytes} bytes]`;
}
