import { GitError } from "../errors.ts";
import type { ObjectType } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import type { ObjectReader } from "../ports.ts";
import { type LimitedCommit, type LimitedWalk, walkLimited } from "./limited-walk.ts";
import { resolveTips } from "./tips.ts";
import { collectTreeObjects, type TreeObject } from "./tree-objects.ts";

export interface ReachableObject {
  readonly oid: Oid;
  readonly type: ObjectType;
}

export interface ReachableQuery {
  /** Objects of any type. */
  readonly wants: readonly Oid[];
  /** What the other side has, with all that it reaches. Ids that this side does not know are passed over. */
  readonly haves: readonly Oid[];
  /** Default {@link MAX_REACHABLE_OBJECTS}. */
  readonly maxObjects?: number;
  /** Is given trees and blobs that the other side was seen to have: old versions of what it lacks, mostly. */
  readonly known?: Set<Oid>;
}

/** About 250 bytes are held for each object, so this is more than one isolate can do; a store should set its own. */
export const MAX_REACHABLE_OBJECTS = 2_000_000;

/** Trees of so many of the newest haves are compared besides those at the edge: for a branch that was rewritten. */
const COMPARED_HAVES = 32;
/** Ids whose headers are read in one call. */
const HEADERS_PER_READ = 4_096;

/**
 * The objects that one side must send so that the other one has all that `wants` reach: commits, newest first, then
 * tags, trees and blobs. Gitlinks are passed over. Nothing is left out that the other side lacks; a few objects may
 * be given that it has (see `walkLimited` and `collectTreeObjects`).
 * @throws GitError missing-object, wrong-type, corrupt-object, limit-exceeded
 */
export async function collectReachable(
  reader: ObjectReader,
  { wants, haves, maxObjects = MAX_REACHABLE_OBJECTS, known }: ReachableQuery,
): Promise<readonly ReachableObject[]> {
  const want = await resolveTips(reader, new Set(wants));
  if (want.missing.length > 0) throw missingObject(want.missing[0] as Oid);
  const have = await resolveTips(reader, new Set(haves));
  const walk = await walkLimited(reader, want.commits, have.commits);
  const inTrees = await collectTreeObjects(reader, {
    include: [...walk.commits.map((commit) => commit.tree), ...want.trees],
    exclude: [...listKnownTrees(walk), ...have.trees],
    maxObjects: maxObjects - walk.commits.length,
    ...(known ? { known } : {}),
  });
  const given = new Set<Oid>([...have.tags, ...have.blobs]);
  const objects: ReachableObject[] = [];
  const add = (oid: Oid, type: ObjectType) => {
    if (given.has(oid)) return;
    given.add(oid);
    objects.push({ oid, type });
  };
  for (const { oid } of walk.commits) objects.push({ oid, type: "commit" });
  for (const oid of want.tags) add(oid, "tag");
  const isGiven = have.blobs.length > 0 ? ({ oid }: TreeObject) => !given.has(oid) : () => true;
  for (const object of inTrees) if (isGiven(object)) objects.push(object);
  if (want.blobs.length > 0) {
    for (const { oid } of inTrees) given.add(oid);
    for (const oid of want.blobs) add(oid, "blob");
  }
  return objects;
}

export interface ConnectivityQuery {
  /** Tips whose whole closure is known to be there, such as the refs before a push. Absent ones are passed over. */
  readonly known: readonly Oid[];
  /** Default {@link MAX_REACHABLE_OBJECTS}. */
  readonly maxObjects?: number;
}

/**
 * Of all that new tips reach, the objects that are not there; empty = connected. Does not look below `known`, so a
 * push costs what it brings. Gitlinks are passed over.
 * @throws GitError wrong-type when an object is there but is not of the type that it is used as; corrupt-object,
 * limit-exceeded
 */
export async function findMissing(
  reader: ObjectReader,
  tips: readonly Oid[],
  { known, maxObjects = MAX_REACHABLE_OBJECTS }: ConnectivityQuery,
): Promise<readonly Oid[]> {
  const missing = new Set<Oid>();
  const onMissing = (oid: Oid) => missing.add(oid);
  const fresh = await resolveTips(reader, new Set(tips));
  fresh.missing.forEach(onMissing);
  const trusted = await resolveTips(reader, new Set(known));
  const walk = await walkLimited(reader, fresh.commits, trusted.commits, onMissing);
  const objects = await collectTreeObjects(reader, {
    include: [...walk.commits.map((commit) => commit.tree), ...fresh.trees],
    exclude: [...listKnownTrees(walk), ...trusted.trees],
    onMissing,
    maxObjects: maxObjects - walk.commits.length,
  });
  const blobs = objects.filter((object) => object.type === "blob").map((object) => object.oid);
  for (let start = 0; start < blobs.length; start += HEADERS_PER_READ) {
    const headers = await reader.readHeaders(blobs.slice(start, start + HEADERS_PER_READ));
    headers.missing.forEach(onMissing);
    for (const [oid, { type }] of headers.found) {
      if (type !== "blob") throw new GitError("wrong-type", `${oid} is a ${type}, not a blob`, { oid, type });
    }
  }
  return [...missing];
}

function listKnownTrees({ boundary, hidden }: LimitedWalk): Oid[] {
  const newest = [...hidden].sort((a, b) => b.seconds - a.seconds).slice(0, COMPARED_HAVES);
  return [...boundary, ...newest].map((commit: LimitedCommit) => commit.tree);
}

function missingObject(oid: Oid): GitError {
  return new GitError("missing-object", `object ${oid} is missing`, { oid });
}
