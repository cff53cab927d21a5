/** Partial-clone filters. Source: git-rev-list(1), `--filter`. */
import { GitError } from "../errors.ts";
import type { ObjectType } from "../hash/object-type.ts";

/** What a client does not want; several hold together (`combine:`). Objects named by a want are always sent. */
export interface ObjectFilter {
  /** Blobs of at least this many bytes are left out; null = no limit, 0 = no blobs. */
  readonly blobLimitBytes: number | null;
  /** Trees and blobs at this depth or deeper are left out; the root tree has depth 0. null = no limit. */
  readonly treeDepth: number | null;
  /** Only objects of this type. */
  readonly type: ObjectType | null;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const MAX_COMBINED = 16;

/** @throws GitError protocol for a filter that is malformed or not supported (`sparse:…`) */
export function parseObjectFilter(text: string): ObjectFilter {
  const specs = text.startsWith("combine:") ? splitCombined(text.slice("combine:".length)) : [text];
  let filter: ObjectFilter = { blobLimitBytes: null, treeDepth: null, type: null };
  for (const spec of specs) filter = mergeSpec(filter, spec);
  return filter;
}

function splitCombined(text: string): string[] {
  const parts = text.split("+");
  if (parts.length > MAX_COMBINED) throw new GitError("protocol", "too many combined filters");
  try {
    return parts.map((part) => decodeURIComponent(part));
  } catch (cause) {
    throw new GitError("protocol", `invalid filter-spec 'combine:${text.slice(0, 80)}'`, {}, { cause });
  }
}

function mergeSpec(filter: ObjectFilter, spec: string): ObjectFilter {
  if (spec === "blob:none") return { ...filter, blobLimitBytes: 0 };
  const limit = /^blob:limit=(\d{1,15})([kmg]?)$/i.exec(spec);
  if (limit) {
    const bytes = Number(limit[1]) * (UNITS[(limit[2] ?? "").toLowerCase()] ?? 1);
    return { ...filter, blobLimitBytes: Math.min(bytes, filter.blobLimitBytes ?? bytes) };
  }
  const depth = /^tree:(\d{1,9})$/.exec(spec);
  if (depth) return { ...filter, treeDepth: Math.min(Number(depth[1]), filter.treeDepth ?? Infinity) };
  const type = /^object:type=(commit|tree|blob|tag)$/.exec(spec);
  // The expression allows no other text than an object type.
  if (type && filter.type === null) return { ...filter, type: type[1] as ObjectType };
  const reason = spec.startsWith("sparse:") ? "not supported" : "invalid";
  throw new GitError("protocol", `filter-spec '${spec.slice(0, 80)}' is ${reason}`);
}
