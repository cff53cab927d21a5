import type { PrefetchDoneLine } from "../../../sdk/contract/prefetch.ts";
import type { ByteString } from "../../git/bytes/text.ts";
import { encodeUtf8 } from "../../git/bytes/text.ts";
import type { GitObject, ObjectReader } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ReadTarget } from "../read-target.ts";
import { encodeBase64, isText } from "./encode-content.ts";
import { createGlobMatcher } from "./glob.ts";
import type { ListedItem, ListingCache } from "./listing-cache.ts";
import { hasContent, loadSizes, readListing } from "./tree-listing.ts";

export interface PrefetchQuery {
  readonly globs: readonly string[];
  /** Ceiling for the blob lines, in bytes as sent. */
  readonly maxBytes: number;
  /** Larger blobs are left out without a word. */
  readonly maxBlobBytes: number;
}

/** What the last line says of a stream that went well; counts go up as lines are made. */
export interface PrefetchCounts {
  entries: number;
  bytes: number;
  capped: boolean;
}

/** Contents read in one round, so that memory stays bounded and the first bytes leave early. */
const ROUND_BYTES = 2 * 1024 * 1024;
const ROUND_BLOBS = 1_000;
/** Lines are handed on in chunks of about this size. */
const CHUNK_CHARS = 64 * 1024;

/** Files that match, in tree order. @throws GitError limit-exceeded */
export async function findMatches(
  repo: RepoHandle,
  cache: ListingCache,
  target: ReadTarget,
  query: PrefetchQuery,
): Promise<readonly MatchedFile[]> {
  const listing = await readListing(repo, cache, target.tree, { path: "" as ByteString, recursive: true });
  const matcher = createGlobMatcher(query.globs);
  const items = listing.items.filter((item) => hasContent(item) && matcher.matches(item.path));
  await loadSizes(repo.objects, listing, items);
  return items.flatMap((item) => {
    const size = listing.sizes.get(item.oid);
    return size === undefined || size > query.maxBlobBytes ? [] : [{ item, size }];
  });
}

interface MatchedFile {
  readonly item: ListedItem;
  readonly size: number;
}

/**
 * Blob lines for these files as chunks of NDJSON, until the ceiling. Each round of contents is read when the reader of
 * the stream has taken what was there before.
 */
export async function* streamBlobLines(
  reader: ObjectReader,
  files: readonly MatchedFile[],
  query: PrefetchQuery,
  counts: PrefetchCounts,
): AsyncGenerator<Uint8Array> {
  for (const round of cutRounds(files)) {
    const { found } = await reader.readObjects([...new Set(round.map(({ item }) => item.oid))]);
    let chunk = "";
    for (const { item } of round) {
      const object = found.get(item.oid);
      if (!object) continue; // in the listing, but gone since: nothing to warm a cache with
      const line = formatLine(item, object);
      const bytes = Buffer.byteLength(line, "utf8");
      if (counts.bytes + bytes > query.maxBytes) {
        counts.capped = true;
        break;
      }
      counts.entries++;
      counts.bytes += bytes;
      chunk += line;
      if (chunk.length < CHUNK_CHARS) continue;
      yield encodeUtf8(chunk);
      chunk = "";
    }
    if (chunk !== "") yield encodeUtf8(chunk);
    if (counts.capped) return;
  }
}

function* cutRounds(files: readonly MatchedFile[]): Generator<readonly MatchedFile[]> {
  let round: MatchedFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (round.length > 0 && (bytes + file.size > ROUND_BYTES || round.length >= ROUND_BLOBS)) {
      yield round;
      round = [];
      bytes = 0;
    }
    round.push(file);
    bytes += file.size;
  }
  if (round.length > 0) yield round;
}

function formatLine(item: ListedItem, { data }: GitObject): string {
  const encoding = isText(data) ? "text" : "binary";
  const head = `{"path":${JSON.stringify(item.path)},"sha":"${item.oid}","size":${data.length}`;
  return `${head},"encoding":"${encoding}","content_b64":"${encodeBase64(data)}"}\n`;
}

export function formatDoneLine(done: PrefetchDoneLine): string {
  return `${JSON.stringify(done)}\n`;
}
