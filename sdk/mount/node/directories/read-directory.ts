import { MountPathError } from "../../../errors.ts";
import type { Listed } from "../../calls/read-calls.ts";
import { errnoError } from "../../kernel/errno.ts";
import { isDirectory, isSymlink } from "../../tree/nodes.ts";
import { encodeName, type GivenOptions } from "../arguments/encoding.ts";
import { parsePathArgument } from "../arguments/path-argument.ts";
import type { Calls } from "../shapes/calls.ts";
import type { Bytes } from "../shapes/node-types.ts";
import { MountDirent } from "../shapes/stats.ts";

/** Entries of one answer: links that lead up make a tree of their own, which ends only by this or by ELOOP. */
const MAX_ENTRIES = 2_000_000;

/** A path below another, as node's path.join writes it for plain names. */
export function below(directory: string, name: string): string {
  const text = normalize(directory);
  if (text === ".") return name;
  return text.endsWith("/") ? text + name : `${text}/${name}`;
}

/** A path without `.`, `..` and empty segments where the text alone tells, as node's path.normalize has it. */
export function normalize(path: string): string {
  const absolute = path.startsWith("/");
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.length > 0 && segments.at(-1) !== "..") segments.pop();
    else if (!absolute) segments.push(segment);
  }
  const text = segments.join("/");
  return absolute ? `/${text}` : text === "" ? "." : text;
}

/**
 * readdir with any option. With `recursive` node follows links to directories when it gives names, and does not when it
 * gives Dirents; so does this.
 */
export async function readDirectory(
  { reads }: Calls,
  path: unknown,
  options: GivenOptions,
): Promise<(string | Bytes)[] | MountDirent<string | Bytes>[]> {
  const top = parsePathArgument(path, "path");
  const { encoding } = options;
  const typed = Boolean(options.withFileTypes);
  const names: (string | Bytes)[] = [];
  const entries: MountDirent<string | Bytes>[] = [];
  const pending = [{ path: top, inside: "" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const child of await reads.list(next.path, { syscall: "scandir", path: next.path })) {
      const inside = next.inside === "" ? child.name : `${next.inside}/${child.name}`;
      if (typed) entries.push(new MountDirent(encodeName(child.name, encoding), next.path, child.node));
      else names.push(encodeName(inside, encoding));
      if (names.length + entries.length > MAX_ENTRIES)
        throw errnoError(
          "ELOOP",
          { syscall: "scandir", path: top },
          { detail: `more than ${MAX_ENTRIES} entries` },
        );
      if (!options.recursive) continue;
      const childPath = below(next.path, child.name);
      if (await leadsOn(reads, child, childPath, typed)) pending.push({ path: childPath, inside });
    }
  }
  return typed ? entries : names;
}

async function leadsOn(
  reads: Calls["reads"],
  { node }: Listed,
  path: string,
  typed: boolean,
): Promise<boolean> {
  if (typed || !isSymlink(node)) return isDirectory(node);
  try {
    const found = await reads.find(path, { syscall: "stat", path }, true);
    return found === null || isDirectory(found.node);
  } catch (error) {
    if (error instanceof MountPathError) return false;
    throw error;
  }
}
