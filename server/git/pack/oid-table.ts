/**
 * Object ids as small integers. A million ids take 20 MB of bytes and 12 MB of hash here, where a Map of strings
 * would take some 150 MB and a garbage collection now and then.
 */
import { GitError } from "../errors.ts";
import { type Oid, oidFromBytes } from "../hash/oid.ts";

export interface OidTable {
  /** How many different ids there are; they are numbered in order of arrival. */
  readonly count: number;
  /** Number of the 20-byte id at `at`, given out now if it is new. @throws GitError invalid-oid when cut off */
  intern(bytes: Uint8Array, at: number): number;
  /** Number of the 20-byte id at `at`, or -1. @throws GitError invalid-oid when cut off */
  find(bytes: Uint8Array, at: number): number;
  /** The raw bytes of all ids, 20 each, by number. A view: the next `intern` may move it. */
  bytes(): Uint8Array;
  oidAt(id: number): Oid;
}

const FIRST_BITS = 8;

export function createOidTable(): OidTable {
  // Multipliers nobody can know in advance: ids in trees are chosen by whoever pushes, and must not be able to meet
  // in one slot.
  const seeds = crypto.getRandomValues(new Uint32Array(5));
  const [m0, m1, m2, m3, m4] = [...seeds].map((seed) => seed | 1) as [number, number, number, number, number];
  let bits = FIRST_BITS;
  let slots = new Int32Array(1 << bits).fill(-1);
  let hashes = new Uint32Array(1 << (bits - 1));
  let raw = new Uint8Array(20 << (bits - 1));
  let count = 0;

  function hashAt(bytes: Uint8Array, at: number): number {
    if (at < 0 || at + 20 > bytes.length) throw new GitError("invalid-oid", "object id is cut off");
    return (
      (Math.imul(wordAt(bytes, at), m0) +
        Math.imul(wordAt(bytes, at + 4), m1) +
        Math.imul(wordAt(bytes, at + 8), m2) +
        Math.imul(wordAt(bytes, at + 12), m3) +
        Math.imul(wordAt(bytes, at + 16), m4)) >>>
      0
    );
  }

  /** The slot that holds the id, or the free one where it belongs. */
  function slotOf(hash: number, bytes: Uint8Array, at: number): number {
    const mask = slots.length - 1;
    let slot = hash >>> (32 - bits);
    for (;;) {
      const id = slots[slot] as number;
      if (id < 0 || (hashes[id] === hash && sameOid(raw, id * 20, bytes, at))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  function growTable(): void {
    bits++;
    slots = new Int32Array(1 << bits).fill(-1);
    const mask = slots.length - 1;
    for (let id = 0; id < count; id++) {
      let slot = (hashes[id] as number) >>> (32 - bits);
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    hashes = growArray(hashes, 1 << (bits - 1));
    raw = growArray(raw, 20 << (bits - 1));
  }

  return {
    get count() {
      return count;
    },
    intern(bytes, at) {
      const hash = hashAt(bytes, at);
      let slot = slotOf(hash, bytes, at);
      const known = slots[slot] as number;
      if (known >= 0) return known;
      if (count === hashes.length) {
        growTable();
        slot = slotOf(hash, bytes, at);
      }
      slots[slot] = count;
      hashes[count] = hash;
      for (let i = 0; i < 20; i++) raw[count * 20 + i] = bytes[at + i] as number;
      return count++;
    },
    find: (bytes, at) => slots[slotOf(hashAt(bytes, at), bytes, at)] as number,
    bytes: () => raw.subarray(0, count * 20),
    oidAt: (id) => oidFromBytes(raw, id * 20),
  };
}

/** The same values in a larger array. */
export function growArray<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(
  array: T,
  length: number,
): T {
  const Kind = array.constructor as new (length: number) => T; // a typed array's constructor makes its own kind
  const grown = new Kind(length);
  grown.set(array);
  return grown;
}

/**
 * The order of `count` 20-byte ids as numbers into `oids`, by bytes. Sorts 64-bit keys natively (four id bytes and the
 * number), then settles equal prefixes: no comparator, no object per id.
 */
export function sortOids(oids: Uint8Array, count: number): Uint32Array {
  const keys = new BigUint64Array(count);
  const halves = new Uint32Array(keys.buffer); // little-endian, as every JavaScript engine runs today
  for (let i = 0; i < count; i++) {
    halves[2 * i] = i;
    halves[2 * i + 1] = wordAt(oids, i * 20);
  }
  keys.sort();
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = halves[2 * i] as number;
  // Ids of equal prefix: of real objects there are next to none, but whoever writes a tree can name any ids in it.
  for (let from = 0; from < count; ) {
    let to = from + 1;
    while (to < count && halves[2 * to + 1] === halves[2 * from + 1]) to++;
    if (to - from > 1) {
      order.subarray(from, to).sort((a, b) => compareOidBytes(oids, a * 20, oids, b * 20));
    }
    from = to;
  }
  return order;
}

/** Order of two 20-byte ids: negative, 0 or positive. */
export function compareOidBytes(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let i = 0; i < 20; i++) {
    const difference = (a[aAt + i] as number) - (b[bAt + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function sameOid(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; i < 20; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
