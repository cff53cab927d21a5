/**
 * What is known of each entry of a pack that is being written or taken in: columns of numbers in pack order, one table
 * of ids, one of edges. In the end it becomes the `.idx` and the `.refs`.
 */
import { GitError } from "../errors.ts";
import { type ObjectType, PACK_TYPE } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import { createEdgeRuns, type EdgeRuns } from "./edge-runs.ts";
import { visitEdges } from "./object-edges.ts";
import { createOidTable, growArray, type OidTable, sortOids } from "./oid-table.ts";
import { encodePackIndex } from "./pack-index.ts";
import { encodePackRefs } from "./pack-refs.ts";

/** Numbers of runs and lists of runs that one pack may need: 64 MB of memory. Git's own history needs some 2 M. */
export const MAX_EDGES = 16_000_000;
/** Ids in the pack or named by it. A tree can name ids that exist nowhere, so this is bounded too. */
const MAX_IDS = 4_000_000;

export interface Sidecars {
  readonly idx: Uint8Array;
  readonly refs: Uint8Array;
}

export class PackLedger {
  /** Entries so far. The columns are longer than that. */
  count = 0;
  offsets = new Float64Array(64);
  crcs = new Uint32Array(64);
  /** Type numbers of objects; 0 while a delta is not resolved. */
  types = new Uint8Array(64);
  /** Inflated object sizes. */
  sizes = new Float64Array(64);
  /** Entry number of the delta base, -1 for none; while a pack is taken in also {@link baseById}. */
  bases = new Int32Array(64);
  /** How many deltas it takes to make the object. */
  depths = new Uint32Array(64);
  /** Number in `oids`, or -1 while not known. */
  ids = new Int32Array(64);
  readonly oids: OidTable = createOidTable();
  /** Entry that holds the object with that number, or -1. */
  private entries = new Int32Array(64).fill(-1);
  /** By number in `oids`: bit t is set when an object names it as something of type t. */
  private uses = new Uint8Array(64);
  private edgeLists = new Uint32Array(64);
  private edgeEnds = new Uint32Array(64);
  private readonly runs: EdgeRuns;

  constructor(maxEdges: number = MAX_EDGES) {
    this.runs = createEdgeRuns(maxEdges);
  }

  /** A new entry, of which only the place is known. */
  add(offset: number): number {
    const entry = this.count++;
    if (entry === this.offsets.length) this.growColumns(entry * 2);
    this.offsets[entry] = offset;
    this.bases[entry] = -1;
    this.ids[entry] = -1;
    return entry;
  }

  /**
   * What the entry turned out to be. `data` tells the edges; null for a blob that was not held.
   * @throws GitError corrupt-pack when the object is in the pack already; corrupt-object when its edges cannot be told
   */
  settle(entry: number, oid: Uint8Array, object: SettledObject): number {
    const id = this.oids.intern(oid, 0);
    this.enter(entry, id, object);
    if (object.data !== null) {
      visitEdges(object.type, object.data, this.takeEdge);
    }
    this.endEdges(entry);
    return id;
  }

  /** As {@link settle}, of an object whose edges are known: numbers of `oids`. @throws GitError corrupt-pack */
  settleKnown(
    entry: number,
    id: number,
    object: { readonly type: ObjectType; readonly size: number },
    edges: Iterable<number>,
  ): void {
    this.enter(entry, id, object);
    for (const edge of edges) this.runs.push(edge);
    this.endEdges(entry);
  }

  /** Entry of the object with the id number, or -1. */
  entryOf(id: number): number {
    return id < this.entries.length ? (this.entries[id] as number) : -1;
  }

  oidOf(entry: number): Oid {
    return this.oids.oidAt(this.ids[entry] as number);
  }

  /** Whether every object of the pack is what other objects of the pack take it for. */
  typesAgree(): boolean {
    for (let entry = 0; entry < this.count; entry++) {
      const uses = this.uses[this.ids[entry] as number] ?? 0;
      if ((uses & ~(1 << (this.types[entry] as number))) !== 0) return false;
    }
    return true;
  }

  /** @throws GitError corrupt-pack when an entry never was settled */
  encodeSidecars(packChecksum: Uint8Array): Sidecars {
    const { count } = this;
    const oids = this.collectOids();
    const order = sortOids(oids, count);
    const columns = { count, oids, crcs: this.crcs, offsets: this.offsets };
    return {
      idx: encodePackIndex(columns, packChecksum, { order }),
      refs: this.encodeRefs(order, packChecksum),
    };
  }

  private enter(
    entry: number,
    id: number,
    object: { readonly type: ObjectType; readonly size: number },
  ): void {
    if (this.entryOf(id) >= 0) {
      throw new GitError("corrupt-pack", `object ${this.oids.oidAt(id)} is in the pack twice`);
    }
    if (id >= this.entries.length) this.growEntries(id);
    this.entries[id] = entry;
    this.ids[entry] = id;
    this.types[entry] = PACK_TYPE[object.type];
    this.sizes[entry] = object.size;
  }

  private endEdges(entry: number): void {
    this.edgeLists[entry] = this.runs.endList();
    this.edgeEnds[entry] = this.runs.listEnd;
  }

  private encodeRefs(order: Uint32Array, packChecksum: Uint8Array): Uint8Array {
    const { count } = this;
    const positions = new Int32Array(count);
    order.forEach((entry, position) => {
      positions[entry] = position;
    });
    const { numbers, externals } = this.numberIds(positions);
    const runListStarts = new Uint32Array(count + 1);
    const runList = new Uint32Array(this.runs.runList().length);
    const source = this.runs.runList();
    let end = 0;
    const types = new Uint8Array(count);
    const sizes = new Float64Array(count);
    const bases = new Int32Array(count);
    for (let position = 0; position < count; position++) {
      const entry = order[position] as number;
      const base = this.bases[entry] as number;
      types[position] = this.types[entry] as number;
      sizes[position] = this.sizes[entry] as number;
      bases[position] = base < 0 ? -1 : (positions[base] as number);
      for (let i = this.edgeLists[entry] as number; i < (this.edgeEnds[entry] as number); i++) {
        runList[end++] = source[i] as number;
      }
      runListStarts[position + 1] = end;
    }
    const edges = this.runs.edges().map((id) => numbers[id] as number);
    const runStarts = this.runs.runStarts();
    return encodePackRefs({
      packChecksum,
      types,
      sizes,
      bases,
      runListStarts,
      runList,
      runStarts,
      edges,
      externals,
    });
  }

  /** Of each id its position in the idx, or count + its row among those that are not in the pack. */
  private numberIds(positions: Int32Array): { numbers: Uint32Array; externals: Uint8Array } {
    const ids = this.oids.count;
    const outside: number[] = [];
    const numbers = new Uint32Array(ids);
    for (let id = 0; id < ids; id++) {
      const entry = this.entryOf(id);
      if (entry >= 0) numbers[id] = positions[entry] as number;
      else outside.push(id);
    }
    const raw = this.oids.bytes();
    const unsorted = new Uint8Array(outside.length * 20);
    outside.forEach((id, row) => {
      unsorted.set(raw.subarray(id * 20, id * 20 + 20), row * 20);
    });
    const externals = new Uint8Array(unsorted.length);
    sortOids(unsorted, outside.length).forEach((from, row) => {
      externals.set(unsorted.subarray(from * 20, from * 20 + 20), row * 20);
      numbers[outside[from] as number] = this.count + row;
    });
    return { numbers, externals };
  }

  private collectOids(): Uint8Array {
    const raw = this.oids.bytes();
    const oids = new Uint8Array(this.count * 20);
    for (let entry = 0; entry < this.count; entry++) {
      const id = this.ids[entry] as number;
      if (id < 0) throw new GitError("corrupt-pack", "pack entry was never resolved");
      oids.set(raw.subarray(id * 20, id * 20 + 20), entry * 20);
    }
    return oids;
  }

  private readonly takeEdge = (bytes: Uint8Array, at: number, usedAs: number): void => {
    const id = this.oids.intern(bytes, at);
    if (id >= MAX_IDS) {
      throw new GitError("limit-exceeded", `the pack names more than ${MAX_IDS} objects`, {
        limit: "maxIds",
        max: MAX_IDS,
      });
    }
    this.runs.push(id);
    if (usedAs === 0) return;
    if (id >= this.uses.length) this.uses = growArray(this.uses, Math.max(id + 1, this.uses.length * 2));
    this.uses[id] = (this.uses[id] as number) | (1 << usedAs);
  };

  private growColumns(length: number): void {
    this.offsets = growArray(this.offsets, length);
    this.crcs = growArray(this.crcs, length);
    this.types = growArray(this.types, length);
    this.sizes = growArray(this.sizes, length);
    this.bases = growArray(this.bases, length);
    this.depths = growArray(this.depths, length);
    this.ids = growArray(this.ids, length);
    this.edgeLists = growArray(this.edgeLists, length);
    this.edgeEnds = growArray(this.edgeEnds, length);
  }

  private growEntries(id: number): void {
    const grown = new Int32Array(Math.max(id + 1, this.entries.length * 2)).fill(-1);
    grown.set(this.entries);
    this.entries = grown;
  }
}

/** What `bases` holds for a delta that names its base by id: less than -1. Its own inverse. */
export function baseById(id: number): number {
  return -2 - id;
}

export interface SettledObject {
  readonly type: ObjectType;
  readonly size: number;
  readonly data: Uint8Array | null;
}
