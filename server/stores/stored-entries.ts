import type { Oid } from "../git/hash/oid.ts";
import type { PackReader } from "../git/pack/read-pack.ts";
import type { PackEntry, StoredEntry } from "../git/ports.ts";

/**
 * Copies entries out of packs, pack by pack, each in its own order. An object is always taken from the first pack of
 * the list that has it, so its delta base is found in the same pack or an earlier one: no circle can close.
 */
export async function* readStoredEntries(
  openPack: (pack: PackEntry) => Promise<PackReader>,
  packs: readonly PackEntry[],
  request: { readonly oids: readonly Oid[]; readonly hasBase: (base: Oid) => boolean },
): AsyncGenerator<StoredEntry, void, undefined> {
  let wanted = request.oids;
  for (const pack of packs) {
    if (wanted.length === 0) return;
    const reader = await openPack(pack);
    const { positions, rest } = pickPositions(reader, wanted, request.hasBase);
    wanted = rest;
    for await (const entry of reader.readEntries(positions)) {
      const { oid, type, size, deflated } = entry;
      yield { oid, type, size, deflated, base: findBase(reader, entry.base) };
    }
  }
}

/** Positions to copy, in the order of their offsets; `rest` are the ids that this pack does not have. */
function pickPositions(
  reader: PackReader,
  oids: readonly Oid[],
  hasBase: (base: Oid) => boolean,
): { readonly positions: readonly number[]; readonly rest: readonly Oid[] } {
  const { index, refs } = reader;
  const positions: number[] = [];
  const rest: Oid[] = [];
  for (const oid of oids) {
    const position = index.findPosition(oid);
    if (position < 0) {
      rest.push(oid);
      continue;
    }
    const base = findBase(reader, refs.baseAt(position));
    if (base === null || hasBase(base)) positions.push(position);
  }
  positions.sort((a, b) => index.offsetAt(a) - index.offsetAt(b));
  return { positions, rest };
}

function findBase({ index, refs }: PackReader, number: number): Oid | null {
  if (number < 0) return null;
  return number < refs.count ? index.oidAt(number) : refs.externalAt(number - refs.count);
}
