/**
 * Several packs as one: entries are copied as they lie, compressed, deltas with their bases; edges come from the sidecars,
 * so that nothing is inflated but what a chain of deltas has become too long for.
 */
import { crc32 } from "../bytes/crc32.ts";
import { GitError } from "../errors.ts";
import { PACK_TYPE } from "../hash/object-type.ts";
import { oidToBytes } from "../hash/oid.ts";
import { createSha1 } from "../hash/sha1.ts";
import type { FileSink, GitObject } from "../ports.ts";
import { encodeEntryHeader } from "./pack-entry.ts";
import { PackLedger } from "./pack-ledger.ts";
import type { PackReader, RawEntry } from "./read-pack.ts";
import { encodeEntry, encodePackHeader, type WrittenPack } from "./write-pack.ts";

export interface MergeOptions {
  /** Longer chains are broken by writing the object whole. Default 100; git makes 50. */
  readonly maxDepth?: number;
  /** Called between entries, at least every 512 KB or 1,000 of them: the caller decides when others may run. */
  readonly pause?: () => Promise<void>;
}

const MAX_DEPTH = 100;
const PAUSE_BYTES = 512 * 1024;
const PAUSE_ENTRIES = 1_000;

/**
 * Writes one pack with every object of `packs` that is not hidden into a file, which stays open. An object is taken from the first pack that has
 * it, so its delta base comes from the same pack or an earlier one: no circle can close.
 * @throws GitError corrupt-pack when a pack is not self-contained or cannot be read
 */
export async function mergePacks(
  packs: readonly PackReader[],
  sink: Pick<FileSink, "write">,
  options: MergeOptions = {},
): Promise<WrittenPack> {
  const taken = packs.map((pack, at) => pickPositions(pack, packs.slice(0, at)));
  const merger = new Merger(sink, options);
  await merger.begin(taken.reduce((sum, positions) => sum + positions.length, 0));
  for (const [at, pack] of packs.entries()) {
    const source = new MergeSource(pack, merger.ledger);
    for await (const entry of pack.readEntries(taken[at] ?? [])) await merger.add(source, entry);
  }
  return merger.finish();
}

/** Positions of the objects that no earlier pack has, in the order in which they lie. */
function pickPositions(pack: PackReader, earlier: readonly PackReader[]): readonly number[] {
  const { index } = pack;
  const positions: number[] = [];
  for (let position = 0; position < index.count; position++) {
    if (pack.hides?.(position)) continue;
    const oid = index.oidAt(position);
    if (!earlier.some((other) => other.index.findPosition(oid) >= 0)) positions.push(position);
  }
  return positions.sort((a, b) => index.offsetAt(a) - index.offsetAt(b));
}

/** A pack that is read from, and what its objects' numbers are called in the ledger. */
class MergeSource {
  readonly pack: PackReader;
  readonly #ledger: PackLedger;
  readonly #ids: Int32Array;

  constructor(pack: PackReader, ledger: PackLedger) {
    this.pack = pack;
    this.#ledger = ledger;
    this.#ids = new Int32Array(pack.refs.count + pack.refs.externalCount).fill(-1);
  }

  /** The ledger's number of an object that the sidecar has this number for. */
  idOf(number: number): number {
    const known = this.#ids[number] as number;
    if (known >= 0) return known;
    const { index, refs } = this.pack;
    const oid = number < refs.count ? index.oidAt(number) : refs.externalAt(number - refs.count);
    const id = this.#ledger.oids.intern(oidToBytes(oid), 0);
    this.#ids[number] = id;
    return id;
  }

  *listEdgeIds(position: number): Generator<number> {
    const { runListStarts, runList, runStarts, edges } = this.pack.refs;
    const end = runListStarts[position + 1] as number;
    for (let i = runListStarts[position] as number; i < end; i++) {
      const run = runList[i] as number;
      const stop = runStarts[run + 1] as number;
      for (let edge = runStarts[run] as number; edge < stop; edge++) yield this.idOf(edges[edge] as number);
    }
  }
}

class Merger {
  readonly ledger = new PackLedger();
  readonly #sink: Pick<FileSink, "write">;
  readonly #options: MergeOptions;
  readonly #hash = createSha1();
  #offset = 0;
  #unpausedBytes = 0;
  #unpausedEntries = 0;

  constructor(sink: Pick<FileSink, "write">, options: MergeOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  async begin(objects: number): Promise<void> {
    await this.#write(encodePackHeader(objects));
  }

  async add(source: MergeSource, entry: RawEntry): Promise<void> {
    const { ledger } = this;
    const { refs } = source.pack;
    const start = this.#offset;
    const number = ledger.add(start);
    const base = this.#findBase(source, entry);
    const depth = base === null ? 0 : base.depth + 1;
    if (depth > (this.#options.maxDepth ?? MAX_DEPTH)) {
      ledger.crcs[number] = await this.#writeWhole(source, entry);
    } else {
      ledger.crcs[number] = await this.#writeCopy(entry, start, base);
      if (base !== null) {
        ledger.bases[number] = base.number;
        ledger.depths[number] = depth;
      }
    }
    const object = { type: entry.type, size: refs.sizeAt(entry.position) };
    ledger.settleKnown(number, source.idOf(entry.position), object, source.listEdgeIds(entry.position));
    await this.#pause(this.#offset - start);
  }

  async finish(): Promise<WrittenPack> {
    const trailer = this.#hash.digest();
    await this.#sink.write(trailer);
    return {
      packBytes: this.#offset + trailer.length,
      ...this.ledger.encodeSidecars(trailer),
      objects: this.ledger.count,
    };
  }

  /** The delta base that was written before; one that comes later is written whole instead, which deltas never need. */
  #findBase(
    source: MergeSource,
    entry: RawEntry,
  ): { readonly number: number; readonly depth: number } | null {
    if (entry.base < 0) return null;
    if (entry.base >= source.pack.refs.count) {
      throw new GitError("corrupt-pack", "a delta's base is not in its pack", { oid: entry.oid });
    }
    // Nothing of what is hidden goes along, not even its id.
    if (source.pack.hides?.(entry.base)) return { number: -1, depth: Number.POSITIVE_INFINITY };
    const number = this.ledger.entryOf(source.idOf(entry.base));
    // A base that lies behind its delta: no stored pack of ours, but nothing forbids it.
    if (number < 0) return { number: -1, depth: Number.POSITIVE_INFINITY };
    return { number, depth: this.ledger.depths[number] as number };
  }

  async #writeCopy(
    entry: RawEntry,
    start: number,
    base: { readonly number: number } | null,
  ): Promise<number> {
    const header =
      base === null
        ? encodeEntryHeader(PACK_TYPE[entry.type], entry.size)
        : encodeEntryHeader(0, entry.size, {
            distance: start - (this.ledger.offsets[base.number] as number),
          });
    let crc = crc32(header);
    await this.#write(header);
    const { deflated } = entry;
    if (deflated instanceof Uint8Array) {
      await this.#write(deflated);
      return crc32(deflated, crc);
    }
    for await (const piece of deflated) {
      await this.#write(piece);
      crc = crc32(piece, crc);
    }
    return crc;
  }

  async #writeWhole(source: MergeSource, { oid }: RawEntry): Promise<number> {
    const object: GitObject | undefined = (await source.pack.readObjects([oid])).found.get(oid);
    if (!object) throw new GitError("corrupt-pack", "an entry cannot be read", { oid });
    const bytes = encodeEntry(object);
    await this.#write(bytes);
    return crc32(bytes);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    this.#offset += bytes.length;
    await this.#sink.write(bytes);
  }

  async #pause(bytes: number): Promise<void> {
    this.#unpausedBytes += bytes;
    if (this.#unpausedBytes < PAUSE_BYTES && ++this.#unpausedEntries < PAUSE_ENTRIES) return;
    this.#unpausedBytes = 0;
    this.#unpausedEntries = 0;
    await this.#options.pause?.();
  }
}
