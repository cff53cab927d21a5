import type { LineChange } from "../diff/change-marks.ts";
import type { DiffBudget } from "../diff/diff-budget.ts";
import { diffLines } from "../diff/diff-lines.ts";
import { type Lines, splitLines } from "../diff/lines.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import type { ObjectReader } from "../ports.ts";

/** Versions of a file as lines, as few of them in memory as a walk along history needs. */
export interface BlobSource {
  /** @throws GitError missing-object, wrong-type */
  readLines(oid: Oid): Promise<Lines>;
  /** How the second version differs from the first; null when the budget is spent, and then for good. */
  diff(older: Oid, newer: Oid): Promise<readonly LineChange[] | null>;
}

const REMEMBERED = 6;
const REMEMBERED_BYTES = 32 * 1024 * 1024;
/** Git leaves equal ends out of a diff without context, in blocks of so many bytes (xdiff-interface.c). */
const TAIL_BLOCK = 1_024;
const LINE_FEED = 0x0a;

export function createBlobSource(
  reader: Pick<ObjectReader, "readObjects">,
  limits: { readonly bytes: number; readonly budget: DiffBudget },
): BlobSource {
  const remembered = new Map<Oid, Lines>();
  let bytesLeft = limits.bytes;

  async function readLines(oid: Oid): Promise<Lines> {
    const known = remembered.get(oid);
    if (known) {
      remembered.delete(oid);
      remembered.set(oid, known);
      return known;
    }
    const object = (await reader.readObjects([oid])).found.get(oid);
    if (!object) throw new GitError("missing-object", `blob ${oid} is missing`, { oid });
    if (object.type !== "blob")
      throw new GitError("wrong-type", `${oid} is a ${object.type}, not a blob`, { oid });
    const lines = splitLines(object.data);
    bytesLeft -= object.data.length;
    remembered.set(oid, lines);
    forgetOldest(remembered);
    return lines;
  }

  return {
    readLines,
    async diff(older, newer) {
      if (bytesLeft < 0 || limits.budget.steps < 0) return null;
      const a = await readLines(older);
      const b = await readLines(newer);
      const [left, right] = dropEqualTail(a.bytes, b.bytes);
      const changes = diffLines(splitLines(left), splitLines(right), { budget: limits.budget });
      // A diff that ran out of steps is true but coarse: it would blame the wrong commit.
      return limits.budget.steps < 0 ? null : changes;
    },
  };
}

function forgetOldest(remembered: Map<Oid, Lines>): void {
  let bytes = 0;
  for (const lines of remembered.values()) bytes += lines.bytes.length;
  for (const [oid, lines] of remembered) {
    if (remembered.size <= 2 || (remembered.size <= REMEMBERED && bytes <= REMEMBERED_BYTES)) return;
    bytes -= lines.bytes.length;
    remembered.delete(oid);
  }
}

/**
 * Both contents without the end that they have in common, so far as git drops it: whole blocks, less what is needed to
 * end with a whole line. It shows: a change cannot slide down into what was dropped.
 */
function dropEqualTail(a: Uint8Array, b: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const smaller = Math.min(a.length, b.length);
  let dropped = 0;
  while (dropped + TAIL_BLOCK <= smaller && isBlockEqual(a, b, dropped)) dropped += TAIL_BLOCK;
  const firstFeed = a.subarray(a.length - dropped).indexOf(LINE_FEED);
  const kept = firstFeed < 0 ? dropped : firstFeed + 1;
  const cut = dropped - kept;
  return [a.subarray(0, a.length - cut), b.subarray(0, b.length - cut)];
}

function isBlockEqual(a: Uint8Array, b: Uint8Array, dropped: number): boolean {
  const left = a.length - dropped - TAIL_BLOCK;
  const right = b.length - dropped - TAIL_BLOCK;
  for (let i = 0; i < TAIL_BLOCK; i++) if (a[left + i] !== b[right + i]) return false;
  return true;
}
