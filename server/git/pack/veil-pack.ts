/** A pack of which somebody may see a part: what is hidden can be read by nobody, and still carries deltas. */
import type { Oid } from "../hash/oid.ts";
import type { Found } from "../ports.ts";
import { hasBit } from "./mark-reachable.ts";
import type { PackReader } from "./read-pack.ts";

/**
 * The pack without the objects at the positions whose bits are set in `hidden` (bit 0 first, see `markReachable`): they
 * are found neither by id nor by look-up in the index. Entries are still copied by position, for those who took the
 * position from the index.
 */
export function veilPack(pack: PackReader, hidden: Uint8Array): PackReader {
  const { index } = pack;
  const show = (position: number) => (position >= 0 && hasBit(hidden, position) ? -1 : position);
  const findPosition = (oid: Oid) => show(index.findPosition(oid));
  const readShown = async <T>(
    oids: readonly Oid[],
    read: (oids: readonly Oid[]) => Promise<Found<T>>,
  ): Promise<Found<T>> => {
    const shown = oids.filter((oid) => findPosition(oid) >= 0);
    const { found } = await read(shown);
    return { found, missing: oids.filter((oid) => !found.has(oid)) };
  };
  return {
    ...pack,
    index: { ...index, findPosition, findPositionOf: (bytes, at) => show(index.findPositionOf(bytes, at)) },
    hides: (position) => hasBit(hidden, position),
    readObjects: (oids) => readShown(oids, (shown) => pack.readObjects(shown)),
    readHeaders: (oids) => readShown(oids, (shown) => pack.readHeaders(shown)),
    openObject: async (oid, range) => (findPosition(oid) < 0 ? null : pack.openObject(oid, range)),
  };
}
