/** What some tips reach inside packs: a walk over the integers of their sidecars, which inflates nothing. */
import { type Oid, oidToBytes } from "../hash/oid.ts";
import type { GitObject } from "../ports.ts";
import { visitEdges } from "./object-edges.ts";
import type { PackReader } from "./read-pack.ts";

export interface ReachableParts {
  /** Per pack one bit for each position (bit 0 first) that no tip reaches; null when the tips reach all of it. */
  readonly hidden: readonly (Uint8Array | null)[];
  /** Of the loose objects, those that are reached. */
  readonly loose: readonly GitObject[];
  /** Different blobs that are reached. */
  readonly blobs: number;
}

/**
 * Walks from `tips` through packs and loose objects. An object that lies in several places counts once and is marked in
 * all of them; what an edge names and nobody has is passed over.
 * Costs an integer per object and run of edges; holds a bit for each, and the stack.
 */
export function markReachable(
  packs: readonly PackReader[],
  objects: readonly GitObject[],
  tips: Iterable<Oid>,
): ReachableParts {
  const walk = new ReachWalk(packs, objects);
  for (const oid of tips) walk.enter(oidToBytes(oid), 0);
  walk.run();
  return {
    hidden: packs.map((_, at) => walk.listHidden(at)),
    loose: objects.filter((object) => walk.isLooseReached(object.oid)),
    blobs: walk.blobs,
  };
}

/** A pack, and what the walk has seen of it. */
interface Part {
  readonly pack: PackReader;
  readonly seen: Uint8Array;
  readonly seenRuns: Uint8Array;
  readonly seenExternals: Uint8Array;
}

class ReachWalk {
  blobs = 0;
  readonly #parts: readonly Part[];
  readonly #loose = new Map<string, { readonly object: GitObject; reached: boolean }>();
  /** Pairs of pack and position whose edges are still to be followed. */
  readonly #stack: number[] = [];

  constructor(packs: readonly PackReader[], objects: readonly GitObject[]) {
    this.#parts = packs.map((pack) => ({
      pack,
      seen: createBits(pack.refs.count),
      seenRuns: createBits(pack.refs.runCount),
      seenExternals: createBits(pack.refs.externalCount),
    }));
    for (const object of objects) this.#loose.set(object.oid, { object, reached: false });
  }

  isLooseReached(oid: Oid): boolean {
    return this.#loose.get(oid)?.reached ?? false;
  }

  listHidden(at: number): Uint8Array | null {
    const { seen, pack } = this.#parts[at] as Part; // `at` comes from the same list
    const hidden = seen.map((byte) => ~byte);
    // Bits behind the last position belong to nothing.
    const over = pack.refs.count % 8;
    if (over !== 0) hidden.set([(hidden.at(-1) ?? 0) & ((1 << over) - 1)], hidden.length - 1);
    return hidden.some((byte) => byte !== 0) ? hidden : null;
  }

  /** Marks the object with these id bytes wherever it lies. */
  enter(id: Uint8Array, from: number): void {
    let found: { readonly at: number; readonly position: number } | null = null;
    for (let at = 0; at < this.#parts.length; at++) {
      const { pack, seen } = this.#parts[at] as Part; // at < length
      const position = pack.index.findPositionOf(id, from);
      if (position < 0) continue;
      if (hasBit(seen, position)) return;
      setBit(seen, position);
      found ??= { at, position };
    }
    const held = this.#loose.size === 0 ? undefined : this.#loose.get(formatId(id, from));
    if (held?.reached) return;
    if (held) held.reached = true;
    if (found) this.#push(found.at, found.position);
    else if (held) this.#followLoose(held.object);
  }

  run(): void {
    for (let position = this.#stack.pop(); position !== undefined; position = this.#stack.pop()) {
      const at = this.#stack.pop() as number; // pushed in pairs
      this.#follow(at, position);
    }
  }

  #push(at: number, position: number): void {
    const { refs } = (this.#parts[at] as Part).pack; // as above
    if (refs.typeAt(position) === "blob") this.blobs++;
    else this.#stack.push(at, position);
  }

  #follow(at: number, position: number): void {
    const part = this.#parts[at] as Part; // as above
    const { runListStarts, runList, runStarts, edges, count } = part.pack.refs;
    const end = runListStarts[position + 1] as number;
    for (let i = runListStarts[position] as number; i < end; i++) {
      const run = runList[i] as number;
      if (hasBit(part.seenRuns, run)) continue;
      setBit(part.seenRuns, run);
      const stop = runStarts[run + 1] as number;
      for (let edge = runStarts[run] as number; edge < stop; edge++) {
        const number = edges[edge] as number;
        if (number < count) this.#reach(at, number);
        else this.#reachExternal(part, number - count);
      }
    }
  }

  #reach(at: number, position: number): void {
    const { pack, seen } = this.#parts[at] as Part; // as above
    if (hasBit(seen, position)) return;
    if (this.#parts.length > 1 || this.#loose.size > 0) {
      this.enter(pack.index.oids, position * 20);
      return;
    }
    setBit(seen, position);
    this.#push(at, position);
  }

  #reachExternal(part: Part, row: number): void {
    if (hasBit(part.seenExternals, row)) return;
    setBit(part.seenExternals, row);
    this.enter(oidToBytes(part.pack.refs.externalAt(row)), 0);
  }

  /** Loose objects are few, and each is followed once: the depth is bounded by what one store holds unpacked. */
  #followLoose(first: GitObject): void {
    const open = [first];
    for (let object = open.pop(); object; object = open.pop()) {
      if (object.type === "blob") this.blobs++;
      visitEdges(object.type, object.data, (bytes, at) => {
        const next = this.#findUnreachedLoose(bytes, at);
        if (next) open.push(next);
        else this.enter(bytes, at);
      });
    }
  }

  /** A loose object that lies in no pack and was not reached yet; it counts as reached from here on. */
  #findUnreachedLoose(bytes: Uint8Array, at: number): GitObject | null {
    const held = this.#loose.get(formatId(bytes, at));
    if (!held || held.reached) return null;
    if (this.#parts.some(({ pack }) => pack.index.findPositionOf(bytes, at) >= 0)) return null;
    held.reached = true;
    return held.object;
  }
}

function formatId(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, 20).toString("hex");
}

function createBits(count: number): Uint8Array {
  return new Uint8Array((count + 7) >>> 3);
}

/** Whether bit `at` is set; bits behind the end are not. */
export function hasBit(bits: Uint8Array, at: number): boolean {
  return (((bits[at >>> 3] ?? 0) >>> (at & 7)) & 1) === 1;
}

function setBit(bits: Uint8Array, at: number): void {
  bits[at >>> 3] = (bits[at >>> 3] ?? 0) | (1 << (at & 7));
}
