import { LIMITS } from "../../../sdk/contract/limits.ts";
import type { SearchLimit } from "../../../sdk/contract/search.ts";
import { type ByteString, hasNul } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { Found, GitObject, ObjectReader } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { createGlobMatcher } from "../files/glob.ts";
import type { ListedItem, ListingCache } from "../files/listing-cache.ts";
import { loadSizes, readListing } from "../files/tree-listing.ts";
import { createKnownBlobs, type KnownBlobs } from "./known-blobs.ts";
import type { LineMatcher } from "./line-matcher.ts";
import { type LineText, searchBlob } from "./search-blob.ts";

/** Which files of a tree to search, from where on, and how to tell what is found. */
export interface FileQuery {
  readonly matcher: LineMatcher;
  /** A file is searched when it matches a glob or lies at or below a path; all are when both are null. */
  readonly globs: readonly string[] | null;
  readonly paths: readonly string[] | null;
  readonly exclude: readonly string[] | null;
  readonly contextLines: number;
  /** Lines up to and with this one of the file at this place in the listing have been told before. */
  readonly after: SearchPlace | null;
}

/** A place among the files of a listing. */
export interface SearchPlace {
  readonly item: number;
  readonly line: number;
}

/** Time as the search needs it: in Workers the clock stands still while code runs, and moves when something is awaited. */
export interface SearchClock {
  readonly now: () => number;
  readonly pause: () => Promise<void>;
}

/** What has been done so far; goes up while the search runs. */
export interface SearchCounts {
  files: number;
  bytes: number;
  binary: number;
  large: number;
}

/** A matching line and where it is. */
export interface LineMatch extends LineText {
  readonly item: ListedItem;
  readonly place: SearchPlace;
}

export type SearchEvent =
  | { readonly kind: "match"; readonly match: LineMatch }
  /** Not everything was searched; `place` is where to go on. */
  | { readonly kind: "stopped"; readonly reason: SearchLimit; readonly place: SearchPlace };

interface Candidate {
  readonly item: ListedItem;
  /** Place in the listing. */
  readonly index: number;
  readonly size: number;
}

/** Contents read and searched between two looks at the clock; a slow expression gets less at a time. */
const ROUND_BYTES = 8 * 1024 * 1024;
const SLOW_ROUND_BYTES = 2 * 1024 * 1024;
const ROUND_BLOBS = 2_000;
const REGULAR_FILE = /^100/;

/**
 * Searches the regular files of a tree in git's order, as `git grep` does: no symlinks, no submodules, no binary files.
 * Contents come in rounds of a few large reads, the next one on its way while one is searched.
 *
 * @throws GitError limit-exceeded for globs or trees that are too much; missing-object
 */
export async function* searchFiles(
  repo: RepoHandle,
  subject: { readonly listings: ListingCache; readonly tree: Oid; readonly counts: SearchCounts },
  query: FileQuery,
  clock: SearchClock,
): AsyncGenerator<SearchEvent> {
  const { counts } = subject;
  const { files, large } = await findCandidates(repo, subject, query);
  if (query.after === null) counts.large += large;
  const deadline = clock.now() + LIMITS.grepSeconds * 1000;
  const known = createKnownBlobs(files.map(({ item }) => item.oid));
  const rounds = cutRounds(files, query.matcher.hasLiteral ? ROUND_BYTES : SLOW_ROUND_BYTES);
  const scanBytes = query.matcher.hasLiteral ? LIMITS.grepScanBytes : LIMITS.grepScanBytes / 8;
  let next = startRead(repo.objects, rounds[0], known);
  for (const [index, round] of rounds.entries()) {
    const [first] = round;
    const reason = counts.bytes >= scanBytes ? "scan_bytes" : clock.now() > deadline ? "time" : null;
    if (reason !== null && index > 0 && first !== undefined) {
      yield { kind: "stopped", reason, place: { item: first.index, line: 0 } };
      return;
    }
    const settled = await next;
    if ("failure" in settled) throw settled.failure;
    const { found } = settled;
    next = startRead(repo.objects, rounds[index + 1], known);
    for (const file of round) yield* searchFile(file, { found, known, query, counts });
    await clock.pause();
  }
}

type Settled = { readonly found: ReadonlyMap<Oid, GitObject> } | { readonly failure: unknown };

/** A failed read is raised when its turn comes, so that none is ever left unhandled. */
async function startRead(
  reader: ObjectReader,
  round: readonly Candidate[] | undefined,
  known: KnownBlobs,
): Promise<Settled> {
  try {
    const wanted = new Set<Oid>();
    for (const { item } of round ?? []) if (known.find(item.oid) === null) wanted.add(item.oid);
    const read: Pick<Found<GitObject>, "found"> = wanted.size === 0
      ? { found: new Map() }
      : await reader.readObjects([...wanted]);
    return { found: read.found };
  } catch (failure) {
    return { failure };
  }
}

async function findCandidates(
  repo: RepoHandle,
  { listings, tree }: { readonly listings: ListingCache; readonly tree: Oid },
  query: FileQuery,
): Promise<{ readonly files: readonly Candidate[]; readonly large: number }> {
  const listing = await readListing(repo, listings, tree, { path: "" as ByteString, recursive: true });
  const isWanted = selectFiles(query);
  const from = query.after?.item ?? 0;
  const wanted: { item: ListedItem; index: number }[] = [];
  for (const [index, item] of listing.items.entries()) {
    if (index >= from && REGULAR_FILE.test(item.mode) && isWanted(item.path)) wanted.push({ item, index });
  }
  await loadSizes(
    repo.objects,
    listing,
    wanted.map(({ item }) => item),
  );
  const files: Candidate[] = [];
  let large = 0;
  for (const { item, index } of wanted) {
    const size = listing.sizes.get(item.oid) ?? 0;
    if (size > LIMITS.grepFileBytes) large += 1;
    else files.push({ item, index, size });
  }
  return { files, large };
}

function selectFiles({ globs, paths, exclude }: FileQuery): (path: string) => boolean {
  const included = globs === null ? null : createGlobMatcher(globs);
  const excluded = exclude === null ? null : createGlobMatcher(exclude);
  const roots = paths === null ? null : new Set(paths.map((path) => path.replace(/\/+$/, "")));
  return (path) => {
    if (excluded?.matches(path)) return false;
    if (included === null && roots === null) return true;
    return (included?.matches(path) ?? false) || (roots !== null && isBelow(path, roots));
  };
}

function isBelow(path: string, roots: ReadonlySet<string>): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
    if (roots.has(path.slice(0, end))) return true;
  }
  return false;
}

function cutRounds(files: readonly Candidate[], maxBytes: number): Candidate[][] {
  const rounds: Candidate[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const last = rounds.at(-1);
    if (last === undefined || bytes + file.size > maxBytes || last.length >= ROUND_BLOBS) {
      rounds.push([file]);
      bytes = file.size;
    } else {
      last.push(file);
      bytes += file.size;
    }
  }
  return rounds;
}

interface FileSearch {
  readonly found: ReadonlyMap<Oid, GitObject>;
  readonly known: KnownBlobs;
  readonly query: FileQuery;
  readonly counts: SearchCounts;
}

function* searchFile(file: Candidate, search: FileSearch): Generator<SearchEvent> {
  const { item, index, size } = file;
  const { counts, query, known } = search;
  const isContinued = query.after !== null && query.after.item === index;
  const firstLine = isContinued ? (query.after?.line ?? 0) + 1 : 1;
  // A file that goes on was counted by the request before.
  if (firstLine === 1) counts.files += 1;
  const result = known.find(item.oid) ?? searchContent(file, search);
  if (result === "binary") {
    counts.files -= 1;
    counts.binary += 1;
    return;
  }
  const recorder = known.record(item.oid);
  for (const text of result) {
    recorder?.add(text);
    if (text.line < firstLine) continue;
    yield { kind: "match", match: { ...text, item, place: { item: index, line: text.line } } };
  }
  recorder?.finish();
  counts.bytes += size;
}

function searchContent({ item }: Candidate, { found, known, query }: FileSearch) {
  const content = found.get(item.oid)?.data;
  if (content === undefined)
    throw new GitError("missing-object", `blob ${item.oid} is missing`, { oid: item.oid });
  if (!hasNul(content)) return searchBlob(query.matcher, content, query.contextLines);
  known.keepBinary(item.oid);
  return "binary" as const;
}
