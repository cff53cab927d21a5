/**
 * What tips reach in a list of packs, as a walk over the integers of their sidecars: nothing is inflated and no id is
 * made into text. An object that several packs have counts as that of the first, so that nothing is met twice.
 */
import type { Oid } from "../hash/oid.ts";
import type { PackIndex } from "./pack-index.ts";
import type { PackRefs } from "./pack-refs.ts";

/** A pack as far as the walk looks into it; a {@link import("./read-pack.ts").PackReader} is one. */
export interface WalkedPack {
  readonly index: PackIndex;
  readonly refs: PackRefs;
}

/** Whether and how an object was met. */
const MET = 1;
/** Met, and another pack's: it is marked there. */
const ELSEWHERE = 2;

interface Marks {
  readonly pack: WalkedPack;
  /** By position. */
  readonly objects: Uint8Array;
  /** Runs whose edges were followed: every object that shares one shares what it names. */
  readonly runs: Uint8Array;
  readonly externals: Uint8Array;
  /** Objects met that are this pack's. */
  count: number;
  /** Positions whose edges are still to be followed. */
  readonly pending: number[];
}

/** A walk that can be gone on with: tips may be added after `run`. Holds some three bytes for each object of the packs. */
export class ClosureWalk {
  readonly #marks: readonly Marks[];
  readonly #onOutside: (oid: Oid) => void;

  /** @param onOutside called once a pack with each id that is named and that no pack has */
  constructor(packs: readonly WalkedPack[], onOutside: (oid: Oid) => void) {
    this.#marks = packs.map((pack) => ({
      pack,
      objects: new Uint8Array(pack.index.count),
      runs: new Uint8Array(pack.refs.runCount),
      externals: new Uint8Array(pack.refs.externalCount),
      count: 0,
      pending: [],
    }));
    this.#onOutside = onOutside;
  }

  /** Adds a tip; false when no pack has it. */
  enter(oid: Oid): boolean {
    for (const marks of this.#marks) {
      const position = marks.pack.index.findPosition(oid);
      if (position < 0) continue;
      this.#meet(marks, position);
      return true;
    }
    return false;
  }

  /** Follows everything that was entered to its end. */
  run(): void {
    // Following one pack's objects may add to another's: until a round finds nothing.
    for (let open = true; open; ) {
      open = false;
      for (const marks of this.#marks) {
        for (let next = marks.pending.pop(); next !== undefined; next = marks.pending.pop()) {
          open = true;
          this.#follow(marks, next);
        }
      }
    }
  }

  /** Whether the walk met the object, in whichever pack. */
  has(oid: Oid): boolean {
    return this.#marks.some(({ pack, objects }) => {
      const position = pack.index.findPosition(oid);
      return position >= 0 && objects[position] === MET;
    });
  }

  /** How many objects were met, those of several packs once. */
  get count(): number {
    return this.#marks.reduce((sum, { count }) => sum + count, 0);
  }

  /** How many of them count as the given pack's, by its place in the list. */
  countIn(pack: number): number {
    return this.#marks[pack]?.count ?? 0;
  }

  /** Positions of those, in id order. */
  *listIn(pack: number): Generator<number> {
    const objects = this.#marks[pack]?.objects ?? new Uint8Array(0);
    for (let position = 0; position < objects.length; position++) {
      if (objects[position] === MET) yield position;
    }
  }

  #meet(marks: Marks, position: number): void {
    if (marks.objects[position] !== 0) return;
    const { oids } = marks.pack.index;
    for (const earlier of this.#marks) {
      if (earlier === marks) break;
      const same = earlier.pack.index.findPositionOf(oids, position * 20);
      if (same < 0) continue;
      marks.objects[position] = ELSEWHERE;
      this.#meet(earlier, same); // the first that has it: this goes one deep
      return;
    }
    marks.objects[position] = MET;
    marks.count++;
    marks.pending.push(position);
  }

  #follow(marks: Marks, position: number): void {
    const { runListStarts, runList, runStarts, edges, count } = marks.pack.refs;
    const end = runListStarts[position + 1] as number;
    for (let i = runListStarts[position] as number; i < end; i++) {
      const run = runList[i] as number;
      if (marks.runs[run] !== 0) continue;
      marks.runs[run] = 1;
      const stop = runStarts[run + 1] as number;
      for (let at = runStarts[run] as number; at < stop; at++) {
        const edge = edges[at] as number;
        if (edge < count) this.#meet(marks, edge);
        else this.#leave(marks, edge - count);
      }
    }
  }

  /** An id that the pack names and does not have. */
  #leave(marks: Marks, row: number): void {
    if (marks.externals[row] !== 0) return;
    marks.externals[row] = 1;
    const oid = marks.pack.refs.externalAt(row);
    if (!this.enter(oid)) this.#onOutside(oid);
  }
}

/**
 * Whether everything that the tips reach is in this one pack. That it is also of the type that it is used as is
 * `typesAgree` of an ingested pack.
 */
export function holdsClosure(pack: WalkedPack, tips: readonly Oid[]): boolean {
  let whole = true;
  const walk = new ClosureWalk([pack], () => {
    whole = false;
  });
  for (const tip of tips) if (!walk.enter(tip)) return false;
  walk.run();
  return whole;
}
