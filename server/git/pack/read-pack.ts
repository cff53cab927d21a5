/** An open pack: objects by id, whole, as headers or as streams, and its entries as they lie there. */
import { GitError } from "../errors.ts";
import type { ObjectType } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import type { ByteSource, Found, GitObject, ObjectHeader, ObjectReader, OpenObject } from "../ports.ts";
import { createBaseCache } from "./base-cache.ts";
import { streamEntry } from "./inflate-entry.ts";
import {
  type PackFiles,
  type ReaderState,
  readHead,
  readHeader,
  readPositions,
  spanOf,
  streamOf,
} from "./make-objects.ts";
import type { PackIndex } from "./pack-index.ts";
import type { PackRefs } from "./pack-refs.ts";
import { readSpans } from "./read-ranges.ts";

export type { PackFiles } from "./make-objects.ts";

export interface OpenPackOptions {
  /** Largest object that is held whole. Default 64 MB. */
  readonly maxObjectBytes?: number;
  /** Most content that one `readObjects` gives. Default 512 MB. */
  readonly maxBatchBytes?: number;
  /** Delta bases kept between calls. Default 16 MB. */
  readonly baseCacheBytes?: number;
  /** Contents of delta bases that are not in this pack. */
  readonly findExternal?: (oids: readonly Oid[]) => Promise<ReadonlyMap<Oid, GitObject>>;
}

/** An entry as it lies in the pack. */
export interface RawEntry {
  readonly position: number;
  readonly oid: Oid;
  /** Of the object, also when the entry is a delta. */
  readonly type: ObjectType;
  /** Number (see PackRefs) of the delta base, or -1. */
  readonly base: number;
  /** What `deflated` inflates to: the object, or the delta. */
  readonly size: number;
  /** The zlib stream; in pieces when it is longer than 4 MB. */
  readonly deflated: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface PackReader extends ObjectReader {
  readonly index: PackIndex;
  readonly refs: PackRefs;
  /** Whether the object at a position is kept from whoever reads here; absent: none is. */
  hides?(position: number): boolean;
  /** Bytes of the pack itself. */
  readonly pack: ByteSource;
  openObject(oid: Oid, range?: { readonly start: number; readonly end: number }): Promise<OpenObject | null>;
  /** One entry, compressed, for copying into another pack. */
  readEntryBytes(position: number): Promise<RawEntry>;
  /** Many of them in few reads, in the order given, which is best pack order. */
  readEntries(positions: readonly number[]): AsyncGenerator<RawEntry, void, undefined>;
}

const DEFAULT_MAX_OBJECT_BYTES = 64 * 1024 * 1024;
const DEFAULT_MAX_BATCH_BYTES = 512 * 1024 * 1024;
const DEFAULT_BASE_CACHE_BYTES = 16 * 1024 * 1024;
/** Objects whose entry is at most this long are read whole even when asked for as a stream. */
const STREAM_BYTES = 1024 * 1024;

/** @throws GitError corrupt-pack when the three files are not of one pack */
export function openPack(files: PackFiles, options: OpenPackOptions = {}): PackReader {
  const { index, refs } = files;
  const checksum = Buffer.from(index.packChecksum).toString("hex");
  if (index.count !== refs.count || Buffer.from(refs.packChecksum).toString("hex") !== checksum) {
    throw new GitError("corrupt-pack", "index and sidecar are of different packs");
  }
  const state: ReaderState = {
    ...files,
    maxObjectBytes: options.maxObjectBytes ?? DEFAULT_MAX_OBJECT_BYTES,
    maxBatchBytes: options.maxBatchBytes ?? DEFAULT_MAX_BATCH_BYTES,
    findExternal: options.findExternal ?? (async () => new Map()),
    bases: createBaseCache(options.baseCacheBytes ?? DEFAULT_BASE_CACHE_BYTES),
  };
  const reader: PackReader = {
    index,
    refs,
    pack: files.pack,
    async readObjects(oids) {
      const { found: positions, missing } = findPositions(index, oids);
      return { found: await readPositions(state, positions), missing };
    },
    async readHeaders(oids): Promise<Found<ObjectHeader>> {
      const { found: positions, missing } = findPositions(index, oids);
      const found = new Map<Oid, ObjectHeader>();
      for (const [oid, position] of positions) {
        found.set(oid, { type: refs.typeAt(position), size: refs.sizeAt(position) });
      }
      return { found, missing };
    },
    async openObject(oid, range) {
      const position = index.findPosition(oid);
      return position < 0 ? null : openPosition(state, { oid, position, range });
    },
    async readEntryBytes(position) {
      for await (const entry of readRawEntries(state, [position])) return entry;
      throw new GitError("corrupt-pack", "entry was not read"); // one span in, one entry out
    },
    readEntries: (positions) => readRawEntries(state, positions),
  };
  return reader;
}

function findPositions(
  index: PackIndex,
  oids: readonly Oid[],
): { found: Map<Oid, number>; missing: readonly Oid[] } {
  const found = new Map<Oid, number>();
  const missing: Oid[] = [];
  for (const oid of oids) {
    const position = index.findPosition(oid);
    if (position < 0) missing.push(oid);
    else found.set(oid, position);
  }
  return { found, missing };
}

interface OpenRequest {
  readonly oid: Oid;
  readonly position: number;
  readonly range: { readonly start: number; readonly end: number } | undefined;
}

async function openPosition(state: ReaderState, { oid, position, range }: OpenRequest): Promise<OpenObject> {
  const span = spanOf(state, position);
  const size = state.refs.sizeAt(position);
  const start = Math.min(Math.max(range?.start ?? 0, 0), size);
  const end = Math.min(Math.max(range?.end ?? size, start), size);
  const opened = { oid, type: state.refs.typeAt(position), size };
  if (state.refs.baseAt(position) >= 0 || (span.length <= STREAM_BYTES && size <= STREAM_BYTES)) {
    const object = (await readPositions(state, new Map([[oid, position]]))).get(oid);
    return { ...opened, chunks: sliceChunks(object?.data.subarray(start, end) ?? new Uint8Array(0)) };
  }
  const header = readHeader(state, span, await readHead(state, span));
  return { ...opened, chunks: streamEntry(state.pack, { ...streamOf(span, header), range: { start, end } }) };
}

async function* sliceChunks(data: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < data.length; at += STREAM_BYTES) yield data.subarray(at, at + STREAM_BYTES);
}

async function* readRawEntries(
  state: ReaderState,
  positions: readonly number[],
): AsyncGenerator<RawEntry, void, undefined> {
  const { index, refs, pack } = state;
  for await (const { span, bytes } of readSpans(
    pack,
    positions.map((at) => spanOf(state, at)),
  )) {
    const { position } = span;
    const header = readHeader(state, span, bytes ?? (await readHead(state, span)));
    yield {
      position,
      oid: index.oidAt(position),
      type: refs.typeAt(position),
      base: refs.baseAt(position),
      size: header.size,
      deflated: bytes?.subarray(header.length) ?? readPieces(pack, streamOf(span, header)),
    };
  }
}

async function* readPieces(pack: ByteSource, stream: { start: number; end: number }) {
  for (let at = stream.start; at < stream.end; at += STREAM_BYTES) {
    yield await pack.read(at, Math.min(STREAM_BYTES, stream.end - at));
  }
}
