/**
 * A thin pack made whole: the objects that its deltas are made with go in front, right after the header, so that every
 * base precedes its deltas; the entries follow as they arrived. Distances of ofs-deltas stay what they are. The whole
 * pack is written anew because its first bytes and its last change.
 */
import { crc32 } from "../bytes/crc32.ts";
import { GitError } from "../errors.ts";
import { oidToBytes } from "../hash/oid.ts";
import { createSha1, type Sha1 } from "../hash/sha1.ts";
import type { ByteSource } from "../ports.ts";
import type { IngestState } from "./ingest-state.ts";
import type { PackFile } from "./pack-arrival.ts";
import { baseById } from "./pack-ledger.ts";
import { BASES_AT_ONCE } from "./resolve-deltas.ts";
import { encodeEntry, encodePackHeader, PACK_HEADER_BYTES, PACK_TRAILER_BYTES } from "./write-pack.ts";

const COPY_BYTES = 4 * 1024 * 1024;

/**
 * Writes the completed pack to `file` and moves the ledger's offsets accordingly.
 * @param ids id numbers of the objects to put in front
 * @returns the new checksum
 * @throws GitError missing-object when one of them is no longer there
 */
export async function completePack(
  state: IngestState,
  {
    source,
    file,
    ids,
  }: { readonly source: ByteSource; readonly file: PackFile; readonly ids: readonly number[] },
): Promise<Uint8Array> {
  const { ledger } = state;
  const arrived = ledger.count;
  const out = { file, hash: createSha1(), offset: 0 };
  await write(out, encodePackHeader(arrived + ids.length));
  for (let at = 0; at < ids.length; at += BASES_AT_ONCE) {
    await writeBases(state, out, ids.slice(at, at + BASES_AT_ONCE));
  }
  const shift = out.offset - PACK_HEADER_BYTES;
  for (let entry = 0; entry < arrived; entry++) {
    ledger.offsets[entry] = (ledger.offsets[entry] as number) + shift;
  }
  const end = source.size - PACK_TRAILER_BYTES;
  for (let at = PACK_HEADER_BYTES; at < end; at += COPY_BYTES) {
    await write(out, await source.read(at, Math.min(COPY_BYTES, end - at)));
  }
  const trailer = out.hash.digest();
  await file.write(trailer);
  return trailer;
}

interface Output {
  readonly file: PackFile;
  readonly hash: Sha1;
  offset: number;
}

/** Bases are fetched a second time here rather than all held since they were used. */
async function writeBases(state: IngestState, out: Output, ids: readonly number[]): Promise<void> {
  const { ledger } = state;
  const oids = ids.map((id) => ledger.oids.oidAt(id));
  const bases = await state.findBases(oids);
  for (const oid of oids) {
    const base = bases.get(oid);
    if (!base) throw new GitError("missing-object", `delta base ${oid} is no longer there`, { oid });
    const bytes = encodeEntry(base);
    const entry = ledger.add(out.offset);
    ledger.crcs[entry] = crc32(bytes);
    ledger.settle(entry, oidToBytes(oid), { type: base.type, size: base.data.length, data: base.data });
    await write(out, bytes);
  }
}

async function write(out: Output, bytes: Uint8Array): Promise<void> {
  out.hash.update(bytes);
  out.offset += bytes.length;
  await out.file.write(bytes);
}

/**
 * Turns bases that the ledger has by id into entries, now that all are known.
 * @throws GitError corrupt-pack when deltas would be made of each other: possible where they were resolved with a copy
 *   from outside of an object that the pack holds too
 */
export function linkBases({ ledger }: IngestState): void {
  const { bases, count } = ledger;
  for (let entry = 0; entry < count; entry++) {
    const base = bases[entry] as number;
    if (base < -1) bases[entry] = ledger.entryOf(baseById(base));
  }
  const isSound = new Uint8Array(count); // 1: leads to an object stored whole
  const path: number[] = [];
  for (let entry = 0; entry < count; entry++) {
    for (let at = entry; at >= 0 && isSound[at] === 0; at = bases[at] as number) {
      path.push(at);
      if (path.length > count) throw new GitError("corrupt-pack", "deltas are made of each other");
    }
    for (const link of path) isSound[link] = 1;
    path.length = 0;
  }
}
