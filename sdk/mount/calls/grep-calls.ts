import { ApiError } from "../../errors.ts";
import { type CallSite, errnoError, remoteError } from "../kernel/errno.ts";
import { compileGlob } from "../kernel/glob.ts";
import type { RemoteGrep, RemoteMatch } from "../kernel/remote.ts";
import { compileMatcher, type LineFound, type LineMatcher, searchBytes } from "../search/local-matcher.ts";
import { compareAsBytes, type PlannedFile, planSearch, type SearchPlan } from "../search/plan-search.ts";
import { isDirectory } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import type { CallContext } from "./call-context.ts";
import { groupByVolume, matchFiles, parsePatterns, routeGlobs } from "./glob-calls.ts";

/** How to search. */
export interface GrepOptions {
  /** The pattern is an expression of RE2's syntax. Not for a RegExp, which is one. */
  readonly regex?: boolean | undefined;
  readonly ignoreCase?: boolean | undefined;
  /** Only whole words, as `git grep -w` has it. */
  readonly word?: boolean | undefined;
  /** Files to search, as in `glob`; all when absent. */
  readonly globs?: string | readonly string[] | undefined;
  readonly exclude?: string | readonly string[] | undefined;
  /** Lines before and after each match, at most 10. */
  readonly context?: number | undefined;
  /** Stop after so many lines, in order of paths. */
  readonly maxMatches?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A matching line. */
export interface GrepMatch extends LineFound {
  /** Mount path. */
  readonly path: string;
}

const MAX_CONTEXT = 10;
/** Lines that one call gives at most; more are an error, unless the caller asked for fewer. */
const MAX_LINES = 100_000;
/** Flags of a RegExp that change nothing here: lines are matched one by one, as Unicode. */
const HARMLESS_FLAGS = /^[gimsu]*$/;

type Query = Pick<RemoteGrep, "pattern" | "regex" | "ignoreCase" | "word" | "contextLines">;

interface Search {
  readonly context: CallContext;
  readonly query: Query;
  readonly site: CallSite;
  readonly options: GrepOptions;
  /** Made once, and only if something is searched here. */
  readonly matcher: () => Promise<LineMatcher>;
}

/**
 * Searches base and unsaved changes as one: the server searches the blobs that it has and the cache has not, in one
 * request per repository and pinned to the commit that the mount reads; everything else is searched here.
 */
export async function grepFiles(
  context: CallContext,
  pattern: string | RegExp,
  options: GrepOptions,
): Promise<GrepMatch[]> {
  const site = { syscall: "grep" };
  context.checkOpen(site);
  options.signal?.throwIfAborted();
  const query = readQuery(pattern, options, site);
  let compiled: Promise<LineMatcher> | null = null;
  const matcher = () => (compiled ??= compileMatcher(query));
  const search: Search = { context, query, site, options, matcher };
  const patterns = parsePatterns(options.globs ?? "**", "grep");
  const groups = await routeFiles(context, patterns);
  const excluded = await routeFiles(context, parsePatterns(options.exclude ?? [], "grep"));
  try {
    const parts = context.table.volumes.map(async (volume) => {
      const globs = groups.get(volume);
      if (globs === undefined) return [];
      return await grepVolume(search, volume, { globs, exclude: excluded.get(volume) ?? [] });
    });
    const matches = (await Promise.all(parts)).flat();
    if (options.maxMatches !== undefined) return matches.slice(0, options.maxMatches);
    if (matches.length > MAX_LINES) throw tooMany(site);
    return matches;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw toMountError(error, site);
  }
}

/** Patterns by repository; one that names a directory means all that is below it. */
async function routeFiles(context: CallContext, patterns: readonly string[]) {
  const routed = await routeGlobs(context, patterns);
  const expanded = routed.map(({ volume, pattern }) => {
    const path = pattern.replace(/\/+$/, "");
    const node = volume.find(path);
    return {
      volume,
      pattern: path === "" ? "**" : node !== null && isDirectory(node) ? `${path}/**` : pattern,
    };
  });
  return groupByVolume(expanded);
}

function readQuery(pattern: string | RegExp, options: GrepOptions, site: CallSite): Query {
  const invalid = (detail: string) => errnoError("EINVAL", site, { detail });
  const { context: contextLines = 0, maxMatches = 1, word = false } = options;
  if (!Number.isInteger(contextLines) || contextLines < 0 || contextLines > MAX_CONTEXT) {
    throw invalid(`context is 0 to ${MAX_CONTEXT} lines`);
  }
  if (!Number.isInteger(maxMatches) || maxMatches < 1) throw invalid("maxMatches is a number above 0");
  if (typeof pattern === "string") {
    if (pattern === "") throw invalid("the pattern is empty");
    return {
      pattern,
      regex: options.regex ?? false,
      ignoreCase: options.ignoreCase ?? false,
      word,
      contextLines,
    };
  }
  if (!HARMLESS_FLAGS.test(pattern.flags))
    throw invalid(`flags other than i are not supported: ${pattern.flags}`);
  // What RE2 writes otherwise: characters by their number.
  const source = pattern.source.replace(
    /\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|([^u]))/gi,
    (all, braced, four) => (braced === undefined && four === undefined ? all : `\\x{${braced ?? four}}`),
  );
  return { pattern: source, regex: true, ignoreCase: pattern.ignoreCase, word, contextLines };
}

async function grepVolume(
  search: Search,
  volume: Volume,
  chosen: { readonly globs: readonly string[]; readonly exclude: readonly string[] },
): Promise<GrepMatch[]> {
  const { context, options } = search;
  const found = await matchFiles(chosen.globs.map((pattern) => ({ volume, pattern })));
  const excluded = await Promise.all(chosen.exclude.map((pattern) => compileGlob(pattern)));
  const files = found.filter(({ path }) => !excluded.some((glob) => glob.match(path)));
  const plan = planSearch(volume, files, {
    globs: chosen.globs,
    limits: context.remote.limits,
    isCached: (sha) => context.content.has(sha),
  });
  // With nothing changed or left out here, the first lines of the server are the first lines of all.
  const isServersAlone =
    volume.editor.root === volume.committed && chosen.exclude.length === 0 && plan.isExact;
  const wanted = isServersAlone ? (options.maxMatches ?? null) : null;
  const remote = plan.commitSha === null ? new Map() : await askServer(search, volume, plan, wanted);
  return await collect(search, volume, plan.files, remote);
}

/** Lines by blob. An answer that was cut short is asked for again from there. */
async function askServer(
  { context, query, options, site }: Search,
  volume: Volume,
  plan: SearchPlan,
  wanted: number | null,
): Promise<ReadonlyMap<string, readonly RemoteMatch[]>> {
  const bySha = new Map<string, RemoteMatch[]>();
  const { commitSha, globs, paths } = plan;
  if (commitSha === null) return bySha;
  let lines = 0;
  for (let cursor: string | null = null; ; ) {
    const maxMatches = Math.min(context.remote.limits.grepMatches, wanted ?? Number.POSITIVE_INFINITY);
    const request = { ...query, commitSha, globs, paths, maxMatches, cursor, signal: options.signal };
    const stream = context.remote.grep(volume.repo, request);
    let next = await stream.next();
    try {
      for (; !next.done; next = await stream.next()) {
        const match = next.value;
        const known = bySha.get(match.sha);
        lines += 1;
        // A blob that is at several paths is told for each: the first says it all.
        if (known === undefined) bySha.set(match.sha, [match]);
        else if (known[0]?.path === match.path) known.push(match);
      }
    } finally {
      await stream.return({ nextCursor: null }); // Does nothing at the end; after an abort the rest is not to be sent.
    }
    cursor = next.value.nextCursor;
    if (cursor === null || (wanted !== null && lines >= wanted)) return bySha;
    if (lines > MAX_LINES) throw tooMany(site);
  }
}

async function collect(
  search: Search,
  volume: Volume,
  files: readonly PlannedFile[],
  remote: ReadonlyMap<string, readonly RemoteMatch[]>,
): Promise<GrepMatch[]> {
  const { context, query, site } = search;
  const limits = { contextLines: query.contextLines, lineBytes: context.remote.limits.grepLineBytes };
  const local = files.filter((file) => file.isLocal);
  const matches = local.length === 0 ? () => false : await search.matcher();
  // All are asked for in one tick and so travel together.
  const reads = local.map(async ({ path, node }) => {
    const { bytes } = await context.read({ volume, path, node }, site);
    return [path, [...searchBytes(bytes, matches, limits)]] as const;
  });
  const here = new Map(await Promise.all(reads));
  return files
    .toSorted((a, b) => compareAsBytes(a.path, b.path))
    .flatMap(({ path, sha, isLocal }) => {
      const lines = isLocal ? here.get(path) : remote.get(sha ?? "");
      const mountPath = context.table.format(volume, path);
      return (lines ?? []).map(({ line, content, lineBytes, before, after }) => ({
        path: mountPath,
        line,
        content,
        lineBytes,
        before,
        after,
      }));
    });
}

function tooMany(site: CallSite) {
  return errnoError("E2BIG", site, {
    detail: `more than ${MAX_LINES} lines match: say maxMatches, or search fewer files`,
  });
}

/** An expression that is not understood is the caller's, wherever that was found out. */
function toMountError(error: unknown, site: CallSite): unknown {
  const isRefused = error instanceof ApiError && error.code === "VALIDATION_ERROR";
  if (isRefused || error instanceof SyntaxError) {
    return errnoError("EINVAL", site, { detail: error.message, cause: error });
  }
  return remoteError(error, site);
}
