import type { GrepMatchLine, SearchLimit } from "../../../sdk/contract/search.ts";
import { isOid, type Oid } from "../../git/hash/oid.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ListingCache } from "../files/listing-cache.ts";
import {
  type FileQuery,
  type LineMatch,
  type SearchClock,
  type SearchCounts,
  type SearchPlace,
  searchFiles,
} from "./search-files.ts";

/** Ceilings of one reply. */
export interface GrepCeilings {
  readonly maxMatches: number;
  readonly maxBytes: number;
}

/** What the last line of a reply says; goes up while the search runs. */
export interface GrepCounts extends SearchCounts {
  matches: number;
  /** null: everything was searched and told. */
  stopped: { readonly reason: SearchLimit; readonly place: SearchPlace } | null;
}

export function startCounts(): GrepCounts {
  return { files: 0, bytes: 0, binary: 0, large: 0, matches: 0, stopped: null };
}

const CHUNK_CHARS = 64 * 1024;

/** Matching lines as NDJSON in chunks of some 64 KiB, up to the ceilings. @throws as `searchFiles` */
export async function* streamMatchLines(
  repo: RepoHandle,
  subject: { readonly listings: ListingCache; readonly tree: Oid; readonly counts: GrepCounts },
  query: FileQuery & GrepCeilings,
  clock: SearchClock,
): AsyncGenerator<string> {
  const { counts } = subject;
  let chunk = "";
  let bytes = 0;
  let last: SearchPlace = query.after ?? { item: 0, line: 0 };
  for await (const event of searchFiles(repo, subject, query, clock)) {
    if (event.kind === "stopped") {
      counts.stopped = event;
      break;
    }
    const line = `${JSON.stringify(formatMatch(event.match))}\n`;
    const length = Buffer.byteLength(line);
    const reason =
      counts.matches === query.maxMatches
        ? "max_matches"
        : counts.matches > 0 && bytes + length > query.maxBytes
          ? "max_bytes"
          : null;
    if (reason !== null) {
      counts.stopped = { reason, place: last };
      break;
    }
    counts.matches += 1;
    bytes += length;
    last = event.match.place;
    chunk += line;
    if (chunk.length < CHUNK_CHARS) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}

function formatMatch(match: LineMatch): GrepMatchLine {
  const { item, line, content, lineBytes, before, after } = match;
  return {
    path: item.path,
    sha: item.oid,
    line,
    content,
    ...(lineBytes === null ? {} : { line_bytes: lineBytes }),
    before: [...before],
    after: [...after],
  };
}

/** Where a truncated reply goes on. It names the commit (or tree), so that a branch that moves does not mix two states. */
export interface GrepCursor {
  readonly root: Oid;
  readonly place: SearchPlace;
}

export function formatGrepCursor({ root, place }: GrepCursor): string {
  return `${root}.${place.item}.${place.line}`;
}

/** null when the text was not made by {@link formatGrepCursor}. */
export function parseGrepCursor(text: string): GrepCursor | null {
  const [root = "", item = "", line = "", ...rest] = text.split(".");
  const isNumber = (digits: string) => /^\d{1,10}$/.test(digits);
  if (!isOid(root) || !isNumber(item) || !isNumber(line) || rest.length > 0) return null;
  return { root, place: { item: Number(item), line: Number(line) } };
}
