/**
 * Packs that we write: whole ones for storage, streamed ones for fetch replies. Layout: "PACK", version 2, number of
 * objects, the entries, SHA-1 of all before. Source: gitformat-pack(5).
 */
import { concatBytes } from "../bytes/bytes.ts";
import { crc32 } from "../bytes/crc32.ts";
import { deflate } from "../bytes/zlib.ts";
import { GitError } from "../errors.ts";
import { type ObjectType, PACK_TYPE } from "../hash/object-type.ts";
import { type Oid, oidToBytes } from "../hash/oid.ts";
import { createSha1, sha1 } from "../hash/sha1.ts";
import type { FileSink, GitObject } from "../ports.ts";
import { createOidTable } from "./oid-table.ts";
import { encodeEntryHeader } from "./pack-entry.ts";
import { PackLedger } from "./pack-ledger.ts";

export const PACK_HEADER_BYTES = 12;
export const PACK_TRAILER_BYTES = 20;
const CHUNK_BYTES = 64 * 1024;

/** A pack with its two sidecars, ready to store. */
export interface BuiltPack {
  readonly pack: Uint8Array;
  readonly idx: Uint8Array;
  readonly refs: Uint8Array;
  /** The pack's SHA-1 trailer in hex. */
  readonly checksum: string;
  readonly objects: number;
}

/**
 * A whole pack in memory, every object stored undeltified; an object that comes twice is written once.
 * @throws GitError corrupt-object for a commit, tree or tag whose edges cannot be told
 */
export function buildPack(objects: Iterable<GitObject>): BuiltPack {
  const steps = buildPackInSteps(objects);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * {@link buildPack}, stopping after each object with the size of its content: the caller decides when others may run.
 * @throws GitError as buildPack does
 */
export function* buildPackInSteps(objects: Iterable<GitObject>): Generator<number, BuiltPack, undefined> {
  const ledger = new PackLedger();
  const parts: Uint8Array[] = [encodePackHeader(0)];
  let offset = PACK_HEADER_BYTES;
  for (const object of objects) {
    const oid = oidToBytes(object.oid);
    const known = ledger.oids.find(oid, 0);
    if (known >= 0 && ledger.entryOf(known) >= 0) continue;
    const entry = encodeEntry(object);
    const number = ledger.add(offset);
    ledger.crcs[number] = crc32(entry);
    ledger.settle(number, oid, { type: object.type, size: object.data.length, data: object.data });
    parts.push(entry);
    offset += entry.length;
    yield object.data.length;
  }
  parts[0] = encodePackHeader(ledger.count);
  parts.push(new Uint8Array(PACK_TRAILER_BYTES));
  const pack = concatBytes(parts);
  const trailer = sha1(pack.subarray(0, offset));
  pack.set(trailer, offset);
  return {
    pack,
    ...ledger.encodeSidecars(trailer),
    checksum: formatChecksum(trailer),
    objects: ledger.count,
  };
}

/** A pack that lies in a file, with its two sidecars still to be stored. */
export interface WrittenPack {
  readonly packBytes: number;
  readonly idx: Uint8Array;
  readonly refs: Uint8Array;
  readonly objects: number;
}

/**
 * Writes {@link buildPack}'s pack into a file entry by entry: memory is what the file gathers, whatever the pack's size.
 * The file stays open.
 * @throws GitError as buildPack does; corrupt-pack when an object comes twice
 */
export async function writePack(
  objects: readonly GitObject[],
  sink: Pick<FileSink, "write">,
): Promise<WrittenPack> {
  const ledger = new PackLedger();
  const hash = createSha1();
  let packBytes = 0;
  const write = async (bytes: Uint8Array) => {
    hash.update(bytes);
    packBytes += bytes.length;
    await sink.write(bytes);
  };
  await write(encodePackHeader(objects.length));
  for (const object of objects) {
    const entry = encodeEntry(object);
    const number = ledger.add(packBytes);
    ledger.crcs[number] = crc32(entry);
    ledger.settle(number, oidToBytes(object.oid), {
      type: object.type,
      size: object.data.length,
      data: object.data,
    });
    await write(entry);
  }
  const trailer = hash.digest();
  await sink.write(trailer);
  if (new Set(objects.map((object) => object.oid)).size < objects.length) {
    throw new GitError("corrupt-pack", "an object comes twice");
  }
  return {
    packBytes: packBytes + trailer.length,
    ...ledger.encodeSidecars(trailer),
    objects: objects.length,
  };
}

/** The first twelve bytes of a pack. */
export function encodePackHeader(count: number): Uint8Array {
  const header = new Uint8Array(PACK_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, 0x5041434b);
  view.setUint32(4, 2);
  view.setUint32(8, count);
  return header;
}

/** One whole object as a pack entry: header and zlib stream. */
export function encodeEntry(object: { readonly type: ObjectType; readonly data: Uint8Array }): Uint8Array {
  return concatBytes([encodeEntryHeader(PACK_TYPE[object.type], object.data.length), deflate(object.data)]);
}

export function formatChecksum(trailer: Uint8Array): string {
  return Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength).toString("hex");
}

/**
 * What a streamed pack is made of. `deflated` is a zlib stream as it lies in another pack and is copied as it is;
 * `size` is what it inflates to.
 */
export type PackStreamEntry =
  | { readonly kind: "object"; readonly object: GitObject }
  | {
      readonly kind: "packed";
      readonly oid: Oid;
      readonly type: ObjectType;
      readonly size: number;
      readonly deflated: Uint8Array | AsyncIterable<Uint8Array>;
    }
  | {
      readonly kind: "delta";
      readonly oid: Oid;
      readonly base: Oid;
      readonly size: number;
      readonly deflated: Uint8Array | AsyncIterable<Uint8Array>;
    }
  /** All entries of another pack, which have their delta bases among them: distances between them stay as they are. */
  | { readonly kind: "entries"; readonly count: number; readonly bytes: AsyncIterable<Uint8Array> };

export interface PackStreamOptions {
  /** How many entries will come: a pack says so in front. */
  readonly count: number;
  /** The other side reads ofs-deltas: used where the base was written before; else the base's id is. Default true. */
  readonly ofsDelta?: boolean;
}

/**
 * A pack as chunks of at least 64 KB, the last excepted. A delta may come before its base, or without it (thin).
 * @throws GitError corrupt-pack when there are more or fewer entries than announced
 */
export async function* streamPack(
  entries: Iterable<PackStreamEntry> | AsyncIterable<PackStreamEntry>,
  options: PackStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createSha1();
  const chunks = createChunker();
  const offsets = options.ofsDelta === false ? null : createOffsetTable();
  chunks.add(encodePackHeader(options.count));
  let written = 0;
  for await (const entry of entries) {
    written += entry.kind === "entries" ? entry.count : 1;
    if (written > options.count) break;
    if (entry.kind !== "entries") {
      const offset = chunks.total;
      chunks.add(encodeStreamHeader(entry, offset, offsets));
      offsets?.add(entry.kind === "object" ? entry.object.oid : entry.oid, offset);
    }
    for await (const bytes of contentOf(entry)) {
      chunks.add(bytes);
      const chunk = chunks.takeFull();
      if (chunk === null) continue;
      hash.update(chunk);
      yield chunk;
    }
  }
  if (written !== options.count) {
    throw new GitError("corrupt-pack", `a pack of ${options.count} objects was announced, not of ${written}`);
  }
  const rest = chunks.takeRest();
  hash.update(rest);
  yield concatBytes([rest, hash.digest()]);
}

type SingleEntry = Exclude<PackStreamEntry, { readonly kind: "entries" }>;

function contentOf(entry: PackStreamEntry): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (entry.kind === "object") return [deflate(entry.object.data)];
  if (entry.kind === "entries") return entry.bytes;
  return entry.deflated instanceof Uint8Array ? [entry.deflated] : entry.deflated;
}

function encodeStreamHeader(entry: SingleEntry, offset: number, offsets: OffsetTable | null): Uint8Array {
  if (entry.kind === "object") {
    return encodeEntryHeader(PACK_TYPE[entry.object.type], entry.object.data.length);
  }
  if (entry.kind === "packed") return encodeEntryHeader(PACK_TYPE[entry.type], entry.size);
  const baseOffset = offsets?.find(entry.base) ?? -1;
  const base = baseOffset < 0 ? { oid: oidToBytes(entry.base) } : { distance: offset - baseOffset };
  return encodeEntryHeader(0, entry.size, base);
}

interface OffsetTable {
  add(oid: Oid, offset: number): void;
  /** -1 when the object was not written yet. */
  find(oid: Oid): number;
}

function createOffsetTable(): OffsetTable {
  const table = createOidTable();
  const offsets: number[] = [];
  return {
    add(oid, offset) {
      const id = table.intern(oidToBytes(oid), 0);
      if (id === offsets.length) offsets.push(offset);
    },
    find(oid) {
      const id = table.find(oidToBytes(oid), 0);
      return id < 0 ? -1 : (offsets[id] as number);
    },
  };
}

/** Gathers pieces until they make a chunk. Nothing is written to twice: whoever takes a chunk may keep it. */
function createChunker() {
  let parts: Uint8Array[] = [];
  let gathered = 0;
  let total = 0;
  return {
    /** Bytes ever added. */
    get total() {
      return total;
    },
    add(bytes: Uint8Array) {
      if (bytes.length === 0) return;
      parts.push(bytes);
      gathered += bytes.length;
      total += bytes.length;
    },
    takeFull(): Uint8Array | null {
      if (gathered < CHUNK_BYTES) return null;
      const chunk = concatBytes(parts);
      parts = [];
      gathered = 0;
      return chunk;
    },
    takeRest(): Uint8Array {
      return concatBytes(parts);
    },
  };
}
