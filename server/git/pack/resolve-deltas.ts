/**
 * Deltas that had to wait for their base. Each base is made once and everything that hangs on it after it, depth first,
 * with a list instead of recursion. Of several deltas on one base the one with most behind it comes last, when the base
 * is needed no more: so the number of contents held grows with the logarithm of the tree, not with its depth. What is
 * over the budget all the same is dropped and made again from the stored pack.
 */

import { applyDelta } from "../delta/apply-delta.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import type { ByteSource, GitObject } from "../ports.ts";
import { createBlockSource } from "./byte-source.ts";
import { inflateEntry, readStreamedEntry } from "./inflate-entry.ts";
import { type DeltaParent, type IngestState, parentOf, settleDelta } from "./ingest-state.ts";
import { decodeEntryHeader, MAX_ENTRY_HEADER_BYTES } from "./pack-entry.ts";
import { baseById } from "./pack-ledger.ts";
import { MAX_READ_BYTES } from "./read-ranges.ts";
import { PACK_TRAILER_BYTES } from "./write-pack.ts";

const HELD_BYTES = 24 * 1024 * 1024;
const BLOCKS = 6;
/** Bases fetched from outside the pack in one call. */
export const BASES_AT_ONCE = 64;

/**
 * Resolves all of `state.pending`.
 * @returns the objects outside the pack that deltas were made with, by id number
 * @throws GitError missing-object when a base is nowhere; corrupt-pack, corrupt-object, limit-exceeded
 */
export async function resolveDeltas(state: IngestState, source: ByteSource): Promise<ReadonlySet<number>> {
  const work = planWork(state, createBlockSource(source, BLOCKS));
  for (let entry = 0; entry < work.firstByEntry.length; entry++) {
    const isRoot = (work.firstByEntry[entry] as number) >= 0 && state.ledger.types[entry] !== 0;
    if (isRoot) await resolveTree(work, { entry, given: null });
  }
  await resolveThin(work);
  return work.outside;
}

/** Millions of deltas may wait: they are linked by numbers, an entry's first waiter and each waiter's next. */
interface Work {
  readonly state: IngestState;
  readonly source: ByteSource;
  /** First waiting delta by the entry of its base, or -1. */
  readonly firstByEntry: Int32Array;
  /** First waiting delta by the id number of a base that is no entry, as far as known. */
  readonly firstById: Map<number, number>;
  /** The next delta that waits for the same base, by entry, or -1. */
  readonly next: Int32Array;
  /** About how many deltas wait behind a waiting delta, itself included. */
  readonly weights: Uint32Array;
  readonly outside: Set<number>;
}

function planWork(state: IngestState, source: ByteSource): Work {
  const { ledger, pending } = state;
  const firstByEntry = new Int32Array(ledger.count).fill(-1);
  const firstById = new Map<number, number>();
  const next = new Int32Array(ledger.count);
  const weights = new Uint32Array(ledger.count);
  for (let i = pending.length - 1; i >= 0; i--) {
    const entry = pending[i] as number;
    const base = ledger.bases[entry] as number;
    const known = base >= 0 ? base : ledger.entryOf(baseById(base));
    weights[entry] = (weights[entry] as number) + 1;
    if (known >= 0) {
      next[entry] = firstByEntry[known] as number;
      firstByEntry[known] = entry;
      weights[known] = (weights[known] as number) + (weights[entry] as number);
    } else {
      next[entry] = firstById.get(baseById(base)) ?? -1;
      firstById.set(baseById(base), entry);
    }
  }
  return { state, source, firstByEntry, firstById, next, weights, outside: new Set() };
}

/** A base: an entry, or an object from outside (then `entry` is the id number as in `ledger.bases`). */
interface Root {
  readonly entry: number;
  readonly given: GitObject | null;
}

interface Frame {
  readonly entry: number;
  /** Those not made yet; the heaviest first, as they are taken from the end. */
  readonly waiting: number[];
  parent: DeltaParent | null;
}

async function resolveTree(work: Work, root: Root): Promise<void> {
  const { state } = work;
  const waiting = takeWaiting(work, root.entry);
  if (waiting.length === 0) return;
  const first: Frame = { entry: root.entry, waiting, parent: null };
  if (root.given) first.parent = { type: root.given.type, content: root.given.data, depth: 0 };
  const frames = [first];
  while (frames.length > 0) {
    const frame = frames.at(-1) as Frame; // not empty
    const entry = frame.waiting.pop() as number; // frames are pushed with work and popped without
    const parent = frame.parent ?? (await makeParent(work, frame.entry));
    frame.parent = parent;
    if (frame.waiting.length === 0) frames.pop();
    const delta = await readPayload(work, entry);
    const content = settleDelta(state, entry, { delta, parent });
    const behind = takeWaiting(work, entry);
    if (behind.length > 0) {
      frames.push({ entry, waiting: behind, parent: parentOf(state, entry, content) });
      dropOverBudget(frames);
    }
  }
}

/** What waits for an entry that is resolved now, by place or by id, in the order in which to pop it. */
function takeWaiting(work: Work, entry: number): number[] {
  const { firstByEntry, firstById, next, weights } = work;
  const waiting: number[] = [];
  const collect = (first: number) => {
    for (let waiter = first; waiter >= 0; waiter = next[waiter] as number) waiting.push(waiter);
  };
  if (entry >= 0) {
    collect(firstByEntry[entry] as number);
    firstByEntry[entry] = -1;
  }
  const id = entry >= 0 ? (work.state.ledger.ids[entry] as number) : baseById(entry);
  collect(firstById.get(id) ?? -1);
  firstById.delete(id);
  return waiting.sort((a, b) => (weights[b] as number) - (weights[a] as number) || b - a);
}

function dropOverBudget(frames: readonly Frame[]): void {
  let held = 0;
  for (let i = frames.length - 1; i >= 0; i--) {
    const frame = frames[i] as Frame;
    held += frame.parent?.content.length ?? 0;
    if (held > HELD_BYTES && i < frames.length - 1) frame.parent = null;
  }
}

/** The content of a resolved base again, down its chain from the last content at hand. */
async function makeParent(work: Work, wanted: number): Promise<DeltaParent> {
  const { state } = work;
  const { ledger, contents } = state;
  const chain: number[] = [];
  let at = wanted;
  let content: Uint8Array | null = null;
  let outside: GitObject | null = null;
  while (content === null) {
    const found = at >= 0 ? contents.find(at) : null;
    if (found) content = found;
    else if (at < 0) {
      outside = await readOutside(work, baseById(at));
      content = outside.data;
    } else if (ledger.bases[at] === -1) content = await readPayload(work, at);
    else {
      chain.push(at);
      const base = ledger.bases[at] as number;
      const known = base >= 0 ? -1 : ledger.entryOf(baseById(base));
      at = known >= 0 && ledger.depths[known] === (ledger.depths[at] as number) - 1 ? known : base;
    }
  }
  for (const entry of chain.reverse()) {
    content = applyDelta(content, await readPayload(work, entry), state.limits.maxHeldBytes);
  }
  if (wanted < 0 && outside) return { type: outside.type, content, depth: 0 };
  contents.add(wanted, content);
  return parentOf(state, wanted, content);
}

async function readOutside({ state }: Work, id: number): Promise<GitObject> {
  const oid = state.ledger.oids.oidAt(id);
  const object = (await state.findBases([oid])).get(oid);
  if (!object) throw missingBases([oid]);
  return object;
}

/** Inflates the payload of a stored entry: the object, or the delta. */
async function readPayload({ state, source }: Work, entry: number): Promise<Uint8Array> {
  const { ledger } = state;
  const kept = state.deltas.find(entry);
  if (kept) return kept;
  const offset = ledger.offsets[entry] as number;
  const end =
    entry + 1 < ledger.count ? (ledger.offsets[entry + 1] as number) : source.size - PACK_TRAILER_BYTES;
  const whole = end - offset <= MAX_READ_BYTES;
  const bytes = await source.read(offset, whole ? end - offset : MAX_ENTRY_HEADER_BYTES);
  const header = decodeEntryHeader(bytes);
  if (whole) return inflateEntry(bytes.subarray(header.length), header.size, offset).data;
  return readStreamedEntry(source, { start: offset + header.length, end, size: header.size });
}

/**
 * Deltas on objects that the pack does not hold. One pass is enough: what is not found outside can only come out of the
 * pack, and then it goes on from there at once.
 */
async function resolveThin(work: Work): Promise<void> {
  const { ledger } = work.state;
  const ids = [...work.firstById.keys()];
  for (let at = 0; at < ids.length; at += BASES_AT_ONCE) {
    const batch = ids.slice(at, at + BASES_AT_ONCE).filter((id) => work.firstById.has(id));
    const oids = batch.map((id) => ledger.oids.oidAt(id));
    const bases = oids.length > 0 ? await work.state.findBases(oids) : new Map<Oid, GitObject>();
    for (const [i, id] of batch.entries()) {
      const given = bases.get(oids[i] as Oid);
      // No longer waited for: the pack held it after all, as a delta on one of the others.
      if (!given || !work.firstById.has(id)) continue;
      work.outside.add(id);
      await resolveTree(work, { entry: baseById(id), given });
    }
  }
  const missing = [...work.firstById.keys()].map((id) => ledger.oids.oidAt(id));
  if (missing.length > 0) throw missingBases(missing);
}

function missingBases(oids: readonly Oid[]): GitError {
  return new GitError("missing-object", `delta base ${oids[0]} is neither in the pack nor here`, {
    oids: oids.slice(0, 10),
  });
}
