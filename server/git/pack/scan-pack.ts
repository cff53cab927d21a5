/**
 * One pass over a pack as it arrives: every entry is inflated, hashed and entered into the ledger, with its exact length
 * and CRC. A delta whose base is still at hand is resolved on the spot, which in packs from git is nearly all of them;
 * the others wait.
 */

import { equalBytes } from "../bytes/bytes.ts";
import { crc32 } from "../bytes/crc32.ts";
import { createInflateStream, type Inflated, inflate } from "../bytes/zlib.ts";
import { GitError } from "../errors.ts";
import { findObjectType, type ObjectType } from "../hash/object-type.ts";
import { createSha1 } from "../hash/sha1.ts";
import {
  checkLimit,
  countContent,
  type IngestState,
  parentOf,
  settleDelta,
  settleObject,
} from "./ingest-state.ts";
import { decodeEntryHeader, type EntryHeader, MAX_ENTRY_HEADER_BYTES, OFS_DELTA } from "./pack-entry.ts";
import type { PackInput } from "./pack-input.ts";
import { baseById } from "./pack-ledger.ts";
import { PACK_HEADER_BYTES, PACK_TRAILER_BYTES } from "./write-pack.ts";

/** Entries up to this inflated size are inflated in one call from the window, larger ones piece by piece. */
const WHOLE_BYTES = 256 * 1024;
/** Blobs above this are hashed as they stream by and not held. */
const HELD_BLOB_BYTES = 1024 * 1024;

/**
 * Reads the pack to its end.
 * @returns its checksum
 * @throws GitError corrupt-pack, corrupt-object, limit-exceeded
 */
export async function scanPack(input: PackInput, state: IngestState): Promise<Uint8Array> {
  const count = await readPackHeader(input);
  checkLimit(state.limits, "maxObjects", count);
  for (let i = 0; i < count; i++) await scanEntry(input, state);
  await input.fill(PACK_TRAILER_BYTES);
  const trailer = input.view().slice(0, PACK_TRAILER_BYTES);
  if (trailer.length < PACK_TRAILER_BYTES) throw corrupt("pack is cut off before its checksum", input.offset);
  if (!equalBytes(input.digest(), trailer)) throw corrupt("pack checksum does not match", input.offset);
  input.take(PACK_TRAILER_BYTES);
  if (await input.fill(1)) throw corrupt("bytes follow the end of the pack", input.offset);
  await input.flush();
  return trailer;
}

async function readPackHeader(input: PackInput): Promise<number> {
  if (!(await input.fill(PACK_HEADER_BYTES))) throw corrupt("pack is cut off in its header", 0);
  const bytes = input.view();
  const view = new DataView(bytes.buffer, bytes.byteOffset, PACK_HEADER_BYTES);
  if (view.getUint32(0) !== 0x5041434b) throw corrupt("not a pack", 0);
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) throw corrupt(`pack version ${version} is not supported`, 0);
  const count = view.getUint32(8);
  input.take(PACK_HEADER_BYTES);
  return count;
}

async function scanEntry(input: PackInput, state: IngestState): Promise<void> {
  const { ledger } = state;
  if (input.available < MAX_ENTRY_HEADER_BYTES) await input.fill(MAX_ENTRY_HEADER_BYTES);
  const entry = ledger.add(input.offset);
  const view = input.view();
  if (view.length === 0) throw corrupt("pack is cut off", input.offset);
  const header = decodeEntryHeader(view);
  const type = findObjectType(header.packType);
  const size = header.size;
  const streams = type === "blob" && size > HELD_BLOB_BYTES;
  checkLimit(state.limits, streams ? "maxObjectBytes" : "maxHeldBytes", size);
  if (type === null) ledger.bases[entry] = findBase(state, entry, { header, view });
  if (streams) return streamBlob(input, state, { entry, header });
  const data = await readPayload(input, state, { entry, header });
  if (type === null) takeDelta(state, entry, data);
  else {
    settleObject(state, entry, { type, data });
    state.contents.add(entry, data);
  }
}

interface ScannedEntry {
  readonly entry: number;
  readonly header: EntryHeader;
}

/** The base as the ledger has it while a pack is taken in: an entry, or an id for a ref-delta. */
function findBase(
  { ledger }: IngestState,
  entry: number,
  { header, view }: { readonly header: EntryHeader; readonly view: Uint8Array },
): number {
  if (header.packType !== OFS_DELTA) return baseById(ledger.oids.intern(view, header.length - 20));
  const wanted = (ledger.offsets[entry] as number) - header.distance;
  let low = 0;
  let high = entry;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ledger.offsets[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  if (low === entry || ledger.offsets[low] !== wanted) {
    throw corrupt("delta base is not where an entry starts", ledger.offsets[entry] as number);
  }
  return low;
}

function takeDelta(state: IngestState, entry: number, delta: Uint8Array): void {
  const { ledger, contents } = state;
  const base = ledger.bases[entry] as number;
  const baseEntry = base >= 0 ? base : ledger.entryOf(baseById(base));
  const content = baseEntry >= 0 ? contents.find(baseEntry) : null;
  if (content === null) {
    state.pending.push(entry);
    state.deltas.add(entry, delta);
    return;
  }
  contents.add(entry, settleDelta(state, entry, { delta, parent: parentOf(state, baseEntry, content) }));
}

/** Inflates an entry that is held, taking exactly its bytes. */
async function readPayload(input: PackInput, state: IngestState, at: ScannedEntry): Promise<Uint8Array> {
  const { header, entry } = at;
  if (header.size <= WHOLE_BYTES) {
    // What deflate makes of incompressible bytes, with room for encoders that are wasteful with blocks.
    const bound = header.length + header.size + (header.size >>> 8) + 64;
    if (input.available < bound) await input.fill(bound);
    const view = input.view();
    const inflated = tryInflate(view.subarray(header.length, bound), header.size);
    if (inflated) {
      const length = header.length + inflated.consumed;
      state.ledger.crcs[entry] = crc32(view.subarray(0, length));
      input.take(length);
      return inflated.data;
    }
  }
  const data = new Uint8Array(header.size);
  let filled = 0;
  await streamPayload(input, state, {
    ...at,
    onData(chunk) {
      data.set(chunk, filled);
      filled += chunk.length;
    },
  });
  return data;
}

/** null for a stream that does not end in the window, or is bad: the slow path tells which. */
function tryInflate(window: Uint8Array, size: number): Inflated | null {
  try {
    return inflate(window, size);
  } catch (error) {
    if (error instanceof GitError) return null;
    throw error;
  }
}

async function streamBlob(input: PackInput, state: IngestState, at: ScannedEntry): Promise<void> {
  const { ledger } = state;
  const { entry, header } = at;
  const type: ObjectType = "blob";
  countContent(state, header.size);
  const hash = createSha1().update(`${type} ${header.size}\0`);
  await streamPayload(input, state, { ...at, onData: (chunk) => void hash.update(chunk) });
  ledger.settle(entry, hash.digest(), { type, size: header.size, data: null });
  state.onObject?.(ledger.oidOf(entry), type, null);
}

/** Inflates an entry of any size piece by piece. */
async function streamPayload(
  input: PackInput,
  { ledger }: IngestState,
  { entry, header, onData }: ScannedEntry & { readonly onData: (chunk: Uint8Array) => void },
): Promise<void> {
  const offset = input.offset;
  let produced = 0;
  const stream = createInflateStream(header.size, (chunk) => {
    produced += chunk.length;
    onData(chunk);
  });
  let crc = crc32(input.view().subarray(0, header.length));
  input.take(header.length);
  while (!stream.done) {
    if (input.available === 0 && !(await input.fill(1))) throw corrupt("pack is cut off in an entry", offset);
    const view = input.view();
    const taken = pushView(stream, view, offset);
    crc = crc32(view.subarray(0, taken), crc);
    input.take(taken);
  }
  if (produced !== header.size) {
    throw corrupt(`entry inflates to ${produced} bytes, announced ${header.size}`, offset);
  }
  ledger.crcs[entry] = crc;
}

function pushView(stream: { push(input: Uint8Array): number }, view: Uint8Array, offset: number): number {
  try {
    return stream.push(view);
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    throw new GitError("corrupt-pack", `entry at ${offset}: ${cause.message}`, { offset }, { cause });
  }
}

function corrupt(message: string, offset: number): GitError {
  return new GitError("corrupt-pack", `${message} (at ${offset})`, { offset });
}
