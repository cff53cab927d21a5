import { MountPathError } from "../../../errors.ts";
import { compileGlob } from "../../kernel/glob.ts";
import { childNames, findChild, isDirectory, type TreeNode } from "../../tree/nodes.ts";
import { typeError } from "../arguments/argument-errors.ts";
import { checkObject } from "../arguments/check-values.ts";
import { parsePathArgument } from "../arguments/path-argument.ts";
import type { Calls } from "../shapes/calls.ts";
import { MountDirent } from "../shapes/stats.ts";
import { below, normalize } from "./read-directory.ts";

type Excluder = (path: string, entry: () => MountDirent) => boolean;

/** node's glob: files, links and directories that match, as they are walked; links are not followed. */
export async function glob(
  calls: Calls,
  pattern: unknown,
  options: unknown,
): Promise<AsyncIterator<string | MountDirent>> {
  const patterns = typeof pattern === "string" ? [pattern] : pattern;
  if (!Array.isArray(patterns))
    throw typeError("patterns", "of type string or an instance of Array", pattern);
  for (const [index, one] of patterns.entries())
    if (typeof one !== "string") throw typeError(`patterns[${index}]`, "of type string", one);
  if (options !== undefined && options !== null) checkObject(options, "options");
  const given: { cwd?: unknown; exclude?: unknown; withFileTypes?: unknown } = options ?? {};
  const cwd = given.cwd === undefined ? "/" : parsePathArgument(given.cwd, "options.cwd");
  const typed = Boolean(given.withFileTypes);
  const excludes = await parseExclude(given.exclude, typed);
  return walkAll(calls, { patterns, cwd, typed, excludes });
}

async function parseExclude(exclude: unknown, typed: boolean): Promise<Excluder> {
  if (exclude === undefined || exclude === null) return () => false;
  if (typeof exclude === "function") return (path, entry) => Boolean(exclude(typed ? entry() : path));
  if (!Array.isArray(exclude))
    throw typeError("options.exclude", "of type function or an instance of Array", exclude);
  const globs = await Promise.all(exclude.map((one: string) => compileGlob(one, { dot: false })));
  return (path) => globs.some((one) => one.match(path));
}

interface Walk {
  readonly patterns: readonly string[];
  readonly cwd: string;
  readonly typed: boolean;
  readonly excludes: Excluder;
}

async function* walkAll(calls: Calls, walk: Walk): AsyncGenerator<string | MountDirent> {
  const seen = new Set<string>();
  for (const pattern of walk.patterns) {
    for await (const [path, entry] of walkPattern(calls, pattern, walk)) {
      if (seen.has(path)) continue;
      seen.add(path);
      yield walk.typed ? entry : path;
    }
  }
}

/** Splits what leads to where a walk starts from the part that is matched. */
function splitPattern(pattern: string): { readonly lead: string; readonly rest: string } {
  const lead = /^(?:\/+|(?:\.{1,2}\/+)*)/.exec(pattern)?.[0] ?? "";
  const rest = pattern.slice(lead.length);
  return {
    lead: lead === "" ? "" : normalize(lead) === "." ? "" : normalize(lead),
    rest: rest.replace(/\/{2,}/g, "/"),
  };
}

async function* walkPattern(
  { reads }: Calls,
  pattern: string,
  { cwd, excludes }: Walk,
): AsyncGenerator<[path: string, entry: MountDirent]> {
  const { lead, rest } = splitPattern(pattern);
  const top = lead.startsWith("/") ? lead : lead === "" ? cwd : below(cwd, lead);
  const matches = await compileRest(rest);
  // What a pattern spells out is looked up, through links if need be; only what its wildcards may mean is walked.
  const start = matches.root;
  const node = await findTop(reads, start === "" ? top : below(top, start), !matches.literal);
  const pending: { readonly path: string; readonly node: TreeNode }[] =
    node === null ? [] : [{ path: start, node }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, node: here } = next;
    const shown = path === "" ? lead || "." : lead === "" ? path : below(lead, path);
    const slash = path.lastIndexOf("/");
    const parent = slash === -1 ? top : below(top, path.slice(0, slash));
    const entry = () => new MountDirent(path === "" ? "." : path.slice(slash + 1), parent, here);
    if (path !== "" && excludes(shown, entry)) continue;
    if (matches.match(path, isDirectory(here))) yield [shown, entry()];
    if (!isDirectory(here) || matches.literal) continue;
    for (const name of childNames(here).reverse()) {
      const child = findChild(here, name);
      if (child !== null) pending.push({ path: path === "" ? name : `${path}/${name}`, node: child });
    }
  }
}

interface Rest {
  readonly root: string;
  /** There is nothing in it that a pattern language could mean. */
  readonly literal: boolean;
  match(path: string, directory: boolean): boolean;
}

/** A slash at the end asks for directories; `x/**` matches x too. */
async function compileRest(rest: string): Promise<Rest> {
  const pattern = rest === "" ? "" : normalize(rest);
  const glob = await compileGlob(pattern, { dot: false });
  const above = pattern.endsWith("/**") ? await compileGlob(pattern.slice(0, -3), { dot: false }) : null;
  return {
    root: glob.root,
    literal: glob.root === pattern,
    match(path, directory) {
      if (rest.endsWith("/") && !directory) return false;
      if (path === "") return pattern === "**";
      return glob.match(path) || (directory && above?.match(path) === true);
    },
  };
}

/** Where a walk starts; null when nothing is there, which is no error. */
async function findTop(reads: Calls["reads"], path: string, follow: boolean): Promise<TreeNode | null> {
  try {
    return (await reads.find(path, { syscall: "lstat", path }, follow))?.node ?? null;
  } catch (error) {
    if (error instanceof MountPathError) return null;
    throw error;
  }
}
