/**
 * The `.refs` file beside a pack: per object its type, inflated size, delta base and the objects it names, as integers,
 * so that closure, connectivity, sizes and filters are walks over arrays that inflate nothing.
 *
 * Objects are numbered by position in the `.idx`; numbers from `objects` on are rows of the table of external ids.
 * What an object names is cut into *runs* at places that the contents decide, and equal runs are stored once: two
 * versions of a directory of 10,000 files share all but one or two of some 600 runs. A walk that marks the runs it has
 * seen does each of them once.
 *
 * Little-endian: magic, version, six counts, pack checksum, zeros up to 64 bytes; then u32 tables: large sizes (low,
 * high), sizes (high bit: row of the large ones), bases (all ones: none), run lists' starts, run lists, runs' starts,
 * edges; then external ids in order, types, SHA-1 of all before.
 */
import { equalBytes } from "../bytes/bytes.ts";
import { GitError } from "../errors.ts";
import { findObjectType, type ObjectType } from "../hash/object-type.ts";
import { type Oid, oidFromBytes } from "../hash/oid.ts";
import { sha1 } from "../hash/sha1.ts";

const MAGIC = 0x46524743; // "CGRF"
const VERSION = 1;
const HEADER_BYTES = 64;
const CHECKSUM_AT = 32;
const LARGE = 0x80000000;
const NONE = 0xffffffff;

/** What a `.refs` file holds, in idx order. */
export interface PackRefsTables {
  readonly packChecksum: Uint8Array;
  /** Type numbers 1-4. */
  readonly types: Uint8Array;
  readonly sizes: Float64Array;
  /** Position of the delta base, `objects` + row of an external one, or -1. */
  readonly bases: Int32Array;
  /** Per object its slice of `runList`: `objects` + 1 numbers. */
  readonly runListStarts: Uint32Array;
  readonly runList: Uint32Array;
  /** Per run its slice of `edges`: `runs` + 1 numbers. */
  readonly runStarts: Uint32Array;
  /** Positions, or `objects` + row of an external id. */
  readonly edges: Uint32Array;
  /** Ids that are not in the pack, 20 bytes each, in order. */
  readonly externals: Uint8Array;
}

export function encodePackRefs(tables: PackRefsTables): Uint8Array {
  const objects = tables.types.length;
  const large: number[] = [];
  for (const size of tables.sizes) if (size >= LARGE) large.push(size % 2 ** 32, Math.floor(size / 2 ** 32));
  const sizes = new Uint32Array(objects);
  let largeRow = 0;
  tables.sizes.forEach((size, position) => {
    sizes[position] = size >= LARGE ? LARGE + largeRow++ : size;
  });
  const columns = [
    Uint32Array.from(large),
    sizes,
    new Uint32Array(tables.bases), // -1 becomes all ones
    tables.runListStarts,
    tables.runList,
    tables.runStarts,
    tables.edges,
  ];
  const words = columns.reduce((sum, column) => sum + column.length, 0);
  const bytes = new Uint8Array(HEADER_BYTES + words * 4 + tables.externals.length + objects + 20);
  const header = new Uint32Array(bytes.buffer, 0, HEADER_BYTES / 4);
  header.set([MAGIC, VERSION, objects, tables.externals.length / 20, largeRow]);
  header.set([tables.runList.length, tables.runStarts.length - 1, tables.edges.length], 5);
  bytes.set(tables.packChecksum, CHECKSUM_AT);
  let at = HEADER_BYTES;
  for (const column of columns) {
    new Uint32Array(bytes.buffer, at, column.length).set(column);
    at += column.length * 4;
  }
  bytes.set(tables.externals, at);
  bytes.set(tables.types, at + tables.externals.length);
  bytes.set(sha1(bytes.subarray(0, bytes.length - 20)), bytes.length - 20);
  return bytes;
}

/** An open `.refs`. Numbers below `count` are positions in the idx; `count` + k is external id k. */
export interface PackRefs {
  readonly count: number;
  readonly packChecksum: Uint8Array;
  /** External ids, in order. */
  readonly externalCount: number;
  externalAt(row: number): Oid;
  typeAt(position: number): ObjectType;
  /** Inflated size of the object. */
  sizeAt(position: number): number;
  /** Number of the delta base; -1 when the object is stored whole. */
  baseAt(position: number): number;
  readonly runCount: number;
  /** An object's runs are `runList[runListStarts[position]]` up to `runList[runListStarts[position + 1] - 1]`. */
  readonly runListStarts: Uint32Array;
  readonly runList: Uint32Array;
  /** A run's edges are `edges[runStarts[run]]` up to `edges[runStarts[run + 1] - 1]`. */
  readonly runStarts: Uint32Array;
  readonly edges: Uint32Array;
  /** Numbers of the objects that the object names, in its own order: of a commit the tree, then the parents. */
  listEdges(position: number): number[];
}

/** Opens a whole `.refs`; a view of `bytes` where they are aligned to 4, else of a copy. @throws GitError corrupt-index */
export function openPackRefs(bytes: Uint8Array): PackRefs {
  const file = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  if (file.length < HEADER_BYTES + 20) throw corrupt("file is cut off");
  const header = new Uint32Array(file.buffer, file.byteOffset, HEADER_BYTES / 4);
  if (header[0] !== MAGIC || header[1] !== VERSION) throw corrupt("not a version 1 sidecar");
  const [objects, externals, large, runRefs, runs, edgeCount] = header.subarray(2, 8) as unknown as Counts;
  const lengths = [large * 2, objects, objects, objects + 1, runRefs, runs + 1, edgeCount];
  const words = lengths.reduce((sum, length) => sum + length, 0);
  const externalsAt = HEADER_BYTES + words * 4;
  if (file.length !== externalsAt + externals * 20 + objects + 20)
    throw corrupt("size does not fit the counts");
  const trailerAt = file.length - 20;
  if (!equalBytes(sha1(file.subarray(0, trailerAt)), file.subarray(trailerAt))) {
    throw corrupt("checksum does not match");
  }
  let at = file.byteOffset + HEADER_BYTES;
  const columns = lengths.map((length) => {
    const column = new Uint32Array(file.buffer, at, length);
    at += length * 4;
    return column;
  });
  const [largeSizes, sizes, bases, runListStarts, runList, runStarts, edges] = columns as Columns;
  const types = file.subarray(externalsAt + externals * 20, trailerAt);
  const externalOids = file.subarray(externalsAt, externalsAt + externals * 20);
  checkStarts(runListStarts, runRefs);
  checkStarts(runStarts, edgeCount);
  checkBelow(runList, runs, "run");
  checkBelow(edges, objects + externals, "edge");
  checkObjects(types, sizes, bases, { large, numbers: objects + externals });
  for (let row = 0; row < large; row++) {
    if ((largeSizes[2 * row + 1] as number) >= 2 ** 21) throw corrupt("size is beyond 2^53");
  }

  return {
    count: objects,
    packChecksum: file.subarray(CHECKSUM_AT, CHECKSUM_AT + 20),
    externalCount: externals,
    externalAt: (row) => oidFromBytes(externalOids, row * 20),
    typeAt: (position) => findObjectType(types[position] as number) as ObjectType, // all checked above
    sizeAt(position) {
      const size = sizes[position] as number;
      if (size < LARGE) return size;
      const row = (size - LARGE) * 2;
      return (largeSizes[row + 1] as number) * 2 ** 32 + (largeSizes[row] as number);
    },
    baseAt: (position) => (bases[position] === NONE ? -1 : (bases[position] as number)),
    runCount: runs,
    runListStarts,
    runList,
    runStarts,
    edges,
    listEdges(position) {
      const listed: number[] = [];
      const end = runListStarts[position + 1] as number;
      for (let i = runListStarts[position] as number; i < end; i++) {
        const run = runList[i] as number;
        const stop = runStarts[run + 1] as number;
        for (let edge = runStarts[run] as number; edge < stop; edge++) listed.push(edges[edge] as number);
      }
      return listed;
    },
  };
}

type Counts = [number, number, number, number, number, number];
type Columns = [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];

function checkObjects(
  types: Uint8Array,
  sizes: Uint32Array,
  bases: Uint32Array,
  limits: { readonly large: number; readonly numbers: number },
): void {
  for (let position = 0; position < types.length; position++) {
    const base = bases[position] as number;
    const size = sizes[position] as number;
    if (base !== NONE && base >= limits.numbers) throw corrupt("base is out of range");
    if (size >= LARGE && size - LARGE >= limits.large)
      throw corrupt("size is outside the table of large ones");
    if (findObjectType(types[position] as number) === null) throw corrupt("unknown object type");
  }
}

function checkStarts(starts: Uint32Array, end: number): void {
  if (starts[0] !== 0 || starts[starts.length - 1] !== end) throw corrupt("slices do not fill their table");
  for (let i = 1; i < starts.length; i++) {
    if ((starts[i] as number) < (starts[i - 1] as number)) throw corrupt("slices are not in order");
  }
}

function checkBelow(numbers: Uint32Array, limit: number, what: string): void {
  for (let i = 0; i < numbers.length; i++) {
    if ((numbers[i] as number) >= limit) throw corrupt(`${what} is out of range`);
  }
}

function corrupt(message: string): GitError {
  return new GitError("corrupt-index", `pack sidecar: ${message}`);
}
