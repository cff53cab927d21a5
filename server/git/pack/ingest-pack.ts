/**
 * Takes in a pack that somebody else made: one pass as it arrives, the deltas that had to wait after that, and, for a
 * thin pack, the objects it lacks. The outcome is a pack that stands for itself, with its `.idx` and `.refs`.
 */
import { concatBytes } from "../bytes/bytes.ts";
import type { Oid } from "../hash/oid.ts";
import type { ByteSource, GitObject } from "../ports.ts";
import { createBaseCache } from "./base-cache.ts";
import { completePack, linkBases } from "./complete-pack.ts";
import type { IngestLimits, IngestState, OnObject } from "./ingest-state.ts";
import {
  createPackFile,
  type PackFile,
  type PackSpool,
  type SpoolFile,
  type StoredPack,
} from "./pack-arrival.ts";
import { openPackIndex } from "./pack-index.ts";
import { PackInput } from "./pack-input.ts";
import { PackLedger } from "./pack-ledger.ts";
import { openPackRefs } from "./pack-refs.ts";
import { type OpenPackOptions, openPack, type PackReader } from "./read-pack.ts";
import { resolveDeltas } from "./resolve-deltas.ts";
import { scanPack } from "./scan-pack.ts";
import { formatChecksum } from "./write-pack.ts";

export type { IngestLimits, OnObject } from "./ingest-state.ts";
export type { PackSpool, SpoolFile } from "./pack-arrival.ts";

export interface IngestOptions {
  readonly limits: IngestLimits;
  /** Objects outside the pack that its deltas may be made with: for thin packs. Default: there are none. */
  readonly findBases?: (oids: readonly Oid[]) => Promise<ReadonlyMap<Oid, GitObject>>;
  /** For strict checks: sees every object that arrived, not those that complete a thin pack. */
  readonly onObject?: OnObject;
  /** Where a pack over `memoryBytes` goes. Without it all of it stays in memory. */
  readonly spool?: PackSpool;
  /** Default 8 MB. */
  readonly memoryBytes?: number;
}

export interface IngestedPack {
  /** Objects in the pack, those that completed it included. */
  readonly objects: number;
  /** Of these, how many were put in to complete a thin pack. */
  readonly addedBases: number;
  readonly packBytes: number;
  /** Every object is what the others take it for: trees name trees as directories, commits have commits as parents. */
  readonly typesAgree: boolean;
  readonly idx: Uint8Array;
  readonly refs: Uint8Array;
  /** The pack's SHA-1 trailer in hex. */
  readonly checksum: string;
  /** Which file of the spool holds the pack; null when it is in memory. The other file is of no use any more. */
  readonly file: SpoolFile | null;
  /** The pack, when it is in memory. */
  readonly pack?: Uint8Array;
  readonly source: ByteSource;
  /** Opens the pack for reading. */
  open(options?: OpenPackOptions): PackReader;
  /** All objects in pack order. @throws GitError limit-exceeded for one over 64 MB */
  readAll(): AsyncIterable<GitObject>;
}

const DEFAULT_MEMORY_BYTES = 8 * 1024 * 1024;
/** With what resolving deltas holds, some 80 MB at worst: an isolate has 128. */
const BASE_CACHE_BYTES = 20 * 1024 * 1024;
const DELTA_CACHE_BYTES = 16 * 1024 * 1024;
const DEFAULT_LIMITS = {
  maxHeldBytes: 64 * 1024 * 1024,
  maxDeltaDepth: 4_096,
  maxTotalBytes: 32 * 1024 ** 3,
};

/**
 * @param input the pack in chunks of any size; nothing may follow it
 * @throws GitError corrupt-pack, corrupt-object, missing-object (a delta base is nowhere), limit-exceeded (`data.limit`
 *   names it). Files of the spool are aborted then, or, if `arrived` was closed already, left for the caller to delete.
 */
export async function ingestPack(
  input: AsyncIterable<Uint8Array>,
  options: IngestOptions,
): Promise<IngestedPack> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const state: IngestState = {
    ledger: new PackLedger(),
    limits: { ...limits, maxHeldBytes: Math.min(limits.maxHeldBytes, limits.maxObjectBytes) },
    contents: createBaseCache(BASE_CACHE_BYTES),
    onObject: options.onObject ?? null,
    findBases: options.findBases ?? (async () => new Map()),
    pending: [],
    deltas: createBaseCache(DELTA_CACHE_BYTES),
    totalBytes: 0,
  };
  const fileOptions = { spool: options.spool, memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES };
  const files: PackFile[] = [];
  const createFile = (name: SpoolFile): PackFile => {
    const file = createPackFile(name, fileOptions);
    files.push(file);
    return file;
  };
  try {
    return await runIngest(input, state, createFile);
  } catch (error) {
    for (const file of files) await file.abort();
    throw error;
  }
}

async function runIngest(
  input: AsyncIterable<Uint8Array>,
  state: IngestState,
  createFile: (name: SpoolFile) => PackFile,
): Promise<IngestedPack> {
  const arriving = createFile("arrived");
  const packInput = new PackInput(input, (bytes) => arriving.write(bytes), state.limits.maxPackBytes);
  let trailer: Uint8Array;
  try {
    trailer = await scanPack(packInput, state);
  } catch (error) {
    await packInput.close();
    throw error;
  }
  let stored = await arriving.close();
  const outside = await resolveDeltas(state, stored.source);
  const ids = [...outside].filter((id) => state.ledger.entryOf(id) < 0);
  if (ids.length > 0) {
    const file = createFile("completed");
    trailer = await completePack(state, { source: stored.source, file, ids });
    stored = await file.close();
  }
  linkBases(state);
  return describe(state, stored, { trailer, addedBases: ids.length });
}

function describe(
  { ledger }: IngestState,
  stored: StoredPack,
  { trailer, addedBases }: { readonly trailer: Uint8Array; readonly addedBases: number },
): IngestedPack {
  const { idx, refs } = ledger.encodeSidecars(trailer);
  const open = (options?: OpenPackOptions): PackReader =>
    openPack({ pack: stored.source, index: openPackIndex(idx), refs: openPackRefs(refs) }, options);
  return {
    objects: ledger.count,
    addedBases,
    packBytes: stored.source.size,
    typesAgree: ledger.typesAgree(),
    idx,
    refs,
    checksum: formatChecksum(trailer),
    file: stored.file,
    ...(stored.file === null && { pack: concatBytes(stored.pieces) }),
    source: stored.source,
    open,
    readAll: () => readAll(open()),
  };
}

const BATCH_BYTES = 4 * 1024 * 1024;

async function* readAll(reader: PackReader): AsyncGenerator<GitObject, void, undefined> {
  const { index, refs } = reader;
  let batch: Oid[] = [];
  let bytes = 0;
  const order = index.packOrder();
  for (let place = 0; place < order.length; place++) {
    const position = order[place] as number;
    batch.push(index.oidAt(position));
    bytes += refs.sizeAt(position);
    if (bytes < BATCH_BYTES && place < order.length - 1) continue;
    const { found } = await reader.readObjects(batch);
    yield* found.values();
    batch = [];
    bytes = 0;
  }
}
