import { type Oid, oidFromBytes } from "../git/hash/oid.ts";
import { ClosureWalk } from "../git/pack/closure-walk.ts";
import { visitEdges } from "../git/pack/object-edges.ts";
import type { PackReader } from "../git/pack/read-pack.ts";
import { readStretch } from "../git/pack/read-ranges.ts";
import {
  PACK_HEADER_BYTES,
  PACK_TRAILER_BYTES,
  type PackStreamEntry,
  streamPack,
} from "../git/pack/write-pack.ts";
import type { ObjectReader } from "../git/ports.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { readPackEntries } from "./upload-pack-entries.ts";
import type { FetchScope, PackedObject } from "./upload-pack-objects.ts";

/** A pack that is ready to be sent. */
export interface PlannedPack {
  readonly objects: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Fresh objects that no pack has yet are read to see what they name; more than this are left to the other walk. */
const MAX_LOOSE = 20_000;
const LOOSE_PER_READ = 1_000;

/** Everything that the wants reach. */
interface Closure {
  /** Largest first: of an object that several have, the copy in the largest counts, so that this one stays whole. */
  readonly packs: readonly PackReader[];
  readonly walk: ClosureWalk;
  /** Met, and in no pack. */
  readonly loose: readonly PackedObject[];
}

/**
 * The pack for a client that has nothing and wants everything behind its wants, as most clones do: found in the sidecars
 * alone, and copied without a look inside where a stored pack holds nothing else. A stored pack that is exactly the
 * answer is sent as it lies. null when the request is of another kind, or when something is missing: the walk over the
 * objects themselves says then what.
 */
export async function planClosure(repo: RepoHandle, scope: FetchScope): Promise<PlannedPack | null> {
  const { request, common, shallow } = scope;
  // Whole packs have ofs-deltas in them, which only very old clients do not read.
  if (common.length > 0 || shallow || request.filter || !request.ofsDelta || !repo.openPacks) return null;
  const packs = [...(await repo.openPacks())].sort((a, b) => b.index.count - a.index.count);
  if (packs.length === 0) return null;
  const closure = await walkClosure(repo.objects, packs, scope);
  if (!closure) return null;
  const objects = closure.walk.count + closure.loose.length;
  const exact = packs.find((pack, at) => isWhole(closure, at) && pack.index.count === objects);
  if (exact) return { objects, bytes: readStretch(exact.pack, { offset: 0, length: exact.pack.size }) };
  return { objects, bytes: streamPack(listEntries(repo.objects, closure), { count: objects }) };
}

async function walkClosure(
  objects: ObjectReader,
  packs: readonly PackReader[],
  { request, refs }: FetchScope,
): Promise<Closure | null> {
  const outside = new Set<Oid>();
  const loose = new Map<Oid, PackedObject>();
  const walk = new ClosureWalk(packs, (oid) => outside.add(oid));
  const enter = (oid: Oid) => {
    if (!walk.enter(oid)) outside.add(oid);
  };
  const follow = async (): Promise<boolean> => {
    for (walk.run(); outside.size > 0; walk.run()) {
      const batch = [...outside].slice(0, LOOSE_PER_READ);
      const { found, missing } = await objects.readObjects(batch);
      if (missing.length > 0 || loose.size + outside.size > MAX_LOOSE) return false;
      for (const { oid, type } of found.values()) loose.set(oid, { oid, type });
      for (const { type, data } of found.values()) {
        visitEdges(type, data, (bytes, at) => enter(oidFromBytes(bytes, at)));
      }
      for (const oid of outside) if (loose.has(oid)) outside.delete(oid);
    }
    return true;
  };
  request.wants.forEach(enter);
  if (!(await follow())) return null;
  if (request.includeTag) {
    const isMet = (oid: Oid) => walk.has(oid) || loose.has(oid);
    for (const { oid, peeled } of refs.refs) if (peeled && isMet(peeled) && !isMet(oid)) enter(oid);
    if (!(await follow())) return null;
  }
  return { packs, walk, loose: [...loose.values()] };
}

function isWhole({ packs, walk }: Closure, at: number): boolean {
  const count = packs[at]?.index.count ?? 0;
  return count > 0 && walk.countIn(at) === count;
}

async function* listEntries(objects: ObjectReader, closure: Closure): AsyncGenerator<PackStreamEntry> {
  const list = [...closure.loose];
  for (const [at, { index, refs, pack }] of closure.packs.entries()) {
    if (isWhole(closure, at)) {
      const length = pack.size - PACK_HEADER_BYTES - PACK_TRAILER_BYTES;
      const bytes = readStretch(pack, { offset: PACK_HEADER_BYTES, length });
      yield { kind: "entries", count: index.count, bytes };
      continue;
    }
    for (const position of closure.walk.listIn(at)) {
      list.push({ oid: index.oidAt(position), type: refs.typeAt(position) });
    }
  }
  // Deltas made with objects of the whole packs are welcome: those have no base outside, so no circle can close.
  yield* readPackEntries(objects, { list, bases: closure.walk });
}
