/**
 * Makes the contents of entries: few large reads, inflate, deltas base first. The sidecar knows every chain in advance,
 * so one round of reads serves a request however deep its deltas are.
 */
import { applyDelta } from "../delta/apply-delta.ts";
import { GitError } from "../errors.ts";
import { findObjectType } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import type { ByteSource, GitObject } from "../ports.ts";
import type { BaseCache } from "./base-cache.ts";
import { type DeltaClosure, groupByClosure } from "./delta-closure.ts";
import { inflateEntry, readStreamedEntry } from "./inflate-entry.ts";
import { decodeEntryHeader, type EntryHeader, MAX_ENTRY_HEADER_BYTES, OFS_DELTA } from "./pack-entry.ts";
import type { PackIndex } from "./pack-index.ts";
import type { PackRefs } from "./pack-refs.ts";
import { readSpans, type Span } from "./read-ranges.ts";
import { PACK_HEADER_BYTES, PACK_TRAILER_BYTES } from "./write-pack.ts";

export interface PackFiles {
  readonly pack: ByteSource;
  readonly index: PackIndex;
  readonly refs: PackRefs;
}

/** What an open pack works with. */
export interface ReaderState extends PackFiles {
  readonly maxObjectBytes: number;
  readonly maxBatchBytes: number;
  readonly findExternal: (oids: readonly Oid[]) => Promise<ReadonlyMap<Oid, GitObject>>;
  readonly bases: BaseCache;
}

/** Where an entry lies. */
export interface EntrySpan extends Span {
  readonly position: number;
}

/**
 * Contents of the objects at these positions.
 * @throws GitError limit-exceeded, corrupt-pack, missing-object (a base outside the pack)
 */
export async function readPositions(
  state: ReaderState,
  positions: ReadonlyMap<Oid, number>,
): Promise<Map<Oid, GitObject>> {
  const { index, refs } = state;
  let bytes = 0;
  const places: { position: number; offset: number }[] = [];
  for (const [oid, position] of positions) {
    const size = refs.sizeAt(position);
    checkCeiling("maxObjectBytes", size, state.maxObjectBytes, oid);
    bytes += size;
    places.push({ position, offset: index.offsetAt(position) });
  }
  checkCeiling("maxBatchBytes", bytes, state.maxBatchBytes);
  places.sort((a, b) => a.offset - b.offset);
  const contents = new Map<number, Uint8Array>();
  const sorted = places.map((place) => place.position);
  const isGiven = (number: number) => contents.has(number) || state.bases.find(number) !== null;
  for (const closure of groupByClosure(state, sorted, isGiven)) await makeGroup(state, closure, contents);
  const found = new Map<Oid, GitObject>();
  for (const [oid, position] of positions) {
    const data = contents.get(position);
    if (data === undefined) throw new GitError("corrupt-pack", `object ${oid} was not made`);
    found.set(oid, { oid, type: refs.typeAt(position), data });
  }
  return found;
}

/** Makes the objects of one group; those wanted go into `contents`, which may already hold some of their bases. */
async function makeGroup(state: ReaderState, closure: DeltaClosure, contents: Map<number, Uint8Array>) {
  const { refs } = state;
  const live = await takeGivenBases(state, closure, contents);
  for (const position of closure.wanted) {
    const cached = live.get(position);
    if (cached) contents.set(position, cached);
  }
  const uses = new Map<number, number>();
  for (const position of closure.order) {
    const base = refs.baseAt(position);
    if (base >= 0) uses.set(base, (uses.get(base) ?? 0) + 1);
  }
  for await (const { span, bytes } of readSpans(
    state.pack,
    closure.order.map((at) => spanOf(state, at)),
  )) {
    const { position } = span;
    const base = refs.baseAt(position);
    const content = await makeContent(state, { span, bytes, base: live.get(base) ?? null });
    if (uses.has(position)) live.set(position, content);
    if (closure.wanted.has(position)) contents.set(position, content);
    if (base < 0) continue;
    const left = (uses.get(base) ?? 0) - 1;
    uses.set(base, left);
    if (left > 0) continue;
    state.bases.add(base, live.get(base) as Uint8Array); // makeContent has just used it
    live.delete(base);
  }
}

async function takeGivenBases(
  state: ReaderState,
  closure: DeltaClosure,
  contents: ReadonlyMap<number, Uint8Array>,
): Promise<Map<number, Uint8Array>> {
  const { refs } = state;
  const live = new Map<number, Uint8Array>();
  const outside = new Map<Oid, number>();
  for (const number of closure.given) {
    const content = contents.get(number) ?? state.bases.find(number);
    if (content) live.set(number, content);
    else if (number >= refs.count) outside.set(refs.externalAt(number - refs.count), number);
  }
  if (outside.size > 0) {
    for (const [oid, object] of await state.findExternal([...outside.keys()])) {
      const number = outside.get(oid);
      if (number !== undefined) live.set(number, object.data);
    }
  }
  for (const [oid, number] of outside) {
    if (!live.has(number)) throw new GitError("missing-object", `delta base ${oid} is not there`, { oid });
  }
  return live;
}

interface EntryInput {
  readonly span: EntrySpan;
  /** null: too long for one read. */
  readonly bytes: Uint8Array | null;
  readonly base: Uint8Array | null;
}

async function makeContent(state: ReaderState, input: EntryInput): Promise<Uint8Array> {
  const { span } = input;
  const head = input.bytes ?? (await readHead(state, span));
  const header = readHeader(state, span, head);
  checkCeiling("maxObjectBytes", header.size, state.maxObjectBytes);
  checkCeiling("maxObjectBytes", state.refs.sizeAt(span.position), state.maxObjectBytes);
  let payload: Uint8Array;
  if (input.bytes) {
    const inflated = inflateEntry(input.bytes.subarray(header.length), header.size, span.offset);
    if (header.length + inflated.consumed !== span.length)
      throw corrupt("entry does not fill its place", span);
    payload = inflated.data;
  } else {
    payload = await readStreamedEntry(state.pack, streamOf(span, header));
  }
  if (header.packType < OFS_DELTA) return payload;
  if (input.base === null) throw corrupt("delta before its base", span);
  const content = applyDelta(input.base, payload, state.maxObjectBytes);
  if (content.length !== state.refs.sizeAt(span.position)) throw corrupt("object has another size", span);
  return content;
}

/** The header of an entry, checked against the sidecar: a pack that was swapped must not go unnoticed. */
export function readHeader(state: ReaderState, span: EntrySpan, head: Uint8Array): EntryHeader {
  const { index, refs } = state;
  const header = decodeEntryHeader(head);
  const base = refs.baseAt(span.position);
  if (header.packType < OFS_DELTA) {
    const same = base < 0 && findObjectType(header.packType) === refs.typeAt(span.position);
    if (!same || header.size !== refs.sizeAt(span.position))
      throw corrupt("entry is not what was indexed", span);
    return header;
  }
  const isBase =
    header.packType === OFS_DELTA
      ? base >= 0 && base < refs.count && index.offsetAt(base) === span.offset - header.distance
      : base >= 0 && refersTo(state, base, head.subarray(header.length - 20, header.length));
  if (!isBase) throw corrupt("delta has another base than was indexed", span);
  return header;
}

function refersTo(state: ReaderState, base: number, oid: Uint8Array): boolean {
  const { index, refs } = state;
  if (base < refs.count) return index.findPositionOf(oid, 0) === base;
  return refs.externalAt(base - refs.count) === Buffer.from(oid).toString("hex");
}

/** @throws GitError corrupt-pack for an entry outside the pack */
export function spanOf(state: ReaderState, position: number): EntrySpan {
  const offset = state.index.offsetAt(position);
  const next = state.index.nextOffset(offset);
  const end = next < 0 ? state.pack.size - PACK_TRAILER_BYTES : next;
  if (offset < PACK_HEADER_BYTES || end <= offset || end > state.pack.size - PACK_TRAILER_BYTES) {
    throw corrupt("entry lies outside the pack", { offset });
  }
  return { offset, length: end - offset, position };
}

/** Enough bytes of an entry for its header. */
export function readHead(state: ReaderState, span: Span): Promise<Uint8Array> {
  return state.pack.read(span.offset, Math.min(MAX_ENTRY_HEADER_BYTES, span.length));
}

/** Where the entry's zlib stream lies. */
export function streamOf(span: Span, header: EntryHeader) {
  return { start: span.offset + header.length, end: span.offset + span.length, size: header.size };
}

function checkCeiling(limit: string, size: number, max: number, oid?: Oid): void {
  if (size <= max) return;
  throw new GitError("limit-exceeded", `${size} bytes are over the limit of ${max} (${limit})`, {
    limit,
    size,
    max,
    ...(oid && { oid }),
  });
}

function corrupt(message: string, span: { readonly offset: number }): GitError {
  return new GitError("corrupt-pack", `${message} (at ${span.offset})`, { offset: span.offset });
}
