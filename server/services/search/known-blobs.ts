import type { Oid } from "../../git/hash/oid.ts";
import type { LineText } from "./search-blob.ts";

/** Blobs whose result is kept, lines of one of them, and lines of all. */
const MAX_BLOBS = 20_000;
const MAX_LINES_EACH = 200;
const MAX_LINES = 20_000;

/** What was found in blobs that a tree has at several paths, so that equal files are searched once. */
export interface KnownBlobs {
  find(oid: Oid): readonly LineText[] | "binary" | null;
  keepBinary(oid: Oid): void;
  /** Takes down the lines of a blob that will come again; null when that is not needed, or too much. */
  record(oid: Oid): { add(line: LineText): void; finish(): void } | null;
}

/** @param oids of all files, in any order, repetitions included */
export function createKnownBlobs(oids: readonly Oid[]): KnownBlobs {
  const seen = new Set<Oid>();
  const repeated = new Set<Oid>();
  for (const oid of oids) (seen.has(oid) ? repeated : seen).add(oid);
  const known = new Map<Oid, readonly LineText[] | "binary">();
  let total = 0;
  const isWorthKeeping = (oid: Oid) => repeated.has(oid) && !known.has(oid) && known.size < MAX_BLOBS;
  return {
    find: (oid) => known.get(oid) ?? null,
    keepBinary(oid) {
      if (isWorthKeeping(oid)) known.set(oid, "binary");
    },
    record(oid) {
      if (!isWorthKeeping(oid)) return null;
      const lines: LineText[] = [];
      let count = 0;
      return {
        add(line) {
          count += 1;
          if (count <= MAX_LINES_EACH) lines.push(line);
        },
        finish() {
          if (count > MAX_LINES_EACH || total + count > MAX_LINES) return;
          known.set(oid, lines);
          total += count;
        },
      };
    },
  };
}
