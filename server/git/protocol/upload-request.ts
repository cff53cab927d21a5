/** What both protocol generations ask of upload-pack, in one shape; their decoders are v0-upload.ts and v2-fetch.ts. */
import { GitError } from "../errors.ts";
import { isOid, type Oid } from "../hash/oid.ts";
import type { ObjectFilter } from "./object-filter.ts";

/** How much history a shallow client wants; the kinds exclude each other. */
export type Deepen =
  /** Commits at most `depth` steps from a tip; `relative` counts from the client's present boundary. */
  | { readonly kind: "depth"; readonly depth: number; readonly relative: boolean }
  /** Commits not older than `sinceSeconds` and not reachable from `notRefs` (ref names). */
  | { readonly kind: "cut"; readonly sinceSeconds: number | null; readonly notRefs: readonly string[] };

/** `git fetch --unshallow` asks for this depth (INFINITE_DEPTH). */
export const INFINITE_DEPTH = 0x7fffffff;

export interface UploadRequest {
  readonly wants: readonly Oid[];
  readonly haves: readonly Oid[];
  readonly done: boolean;
  /** Commits whose parents the client does not have. */
  readonly shallow: readonly Oid[];
  readonly deepen: Deepen | null;
  readonly filter: ObjectFilter | null;
  readonly thinPack: boolean;
  readonly ofsDelta: boolean;
  readonly includeTag: boolean;
  readonly noProgress: boolean;
}

/** Deepening arguments as they are gathered from lines. */
export interface DeepenArguments {
  depth: number | null;
  relative: boolean;
  sinceSeconds: number | null;
  readonly notRefs: string[];
}

/** @throws GitError protocol when depth and a cut are both asked for, as git refuses them */
export function resolveDeepen(args: DeepenArguments): Deepen | null {
  const cut = args.sinceSeconds !== null || args.notRefs.length > 0;
  if (args.depth !== null) {
    if (cut)
      throw new GitError("protocol", "deepen and deepen-since (or deepen-not) cannot be used together");
    return { kind: "depth", depth: args.depth, relative: args.relative };
  }
  return cut ? { kind: "cut", sinceSeconds: args.sinceSeconds, notRefs: args.notRefs } : null;
}

/** An object id that a line names. @throws GitError protocol */
export function parseWireOid(text: string, line: string): Oid {
  if (!isOid(text)) throw new GitError("protocol", `bad object id in '${line.slice(0, 80)}'`);
  return text;
}

/** A positive count. @throws GitError protocol */
export function parseWireCount(text: string, line: string): number {
  if (!/^\d{1,12}$/.test(text) || Number(text) === 0) {
    throw new GitError("protocol", `bad number in '${line.slice(0, 80)}'`);
  }
  return Number(text);
}
