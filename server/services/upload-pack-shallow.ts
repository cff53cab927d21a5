import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { type Commit, decodeCommit, encodeCommit } from "../git/object/commit.ts";
import type { GitObject, ObjectReader } from "../git/ports.ts";
import { type Deepen, INFINITE_DEPTH, type UploadRequest } from "../git/protocol/upload-request.ts";
import { walkHistory } from "../git/walk/history.ts";
import { peelTags } from "./peel-tags.ts";
import type { FetchRefs } from "./upload-pack-wants.ts";

/** Where the client's history ends, before and after this fetch. */
export interface ShallowPlan {
  /** New boundary commits to announce. */
  readonly shallow: readonly Oid[];
  /** Old boundary commits whose parents now come along. */
  readonly unshallow: readonly Oid[];
  /** Commits that the walk must take for parentless, because the client does. */
  readonly grafts: ReadonlySet<Oid>;
  /** Parents of unshallowed commits: wanted although the client has their child. */
  readonly extraWants: readonly Oid[];
}

/** Commits of a wanted history: parents by id, and whether the boundary runs through it. */
interface Boundary {
  readonly shallow: readonly Oid[];
  /** Commits inside, whose parents are sent too. */
  readonly inside: ReadonlySet<Oid>;
}

/** The plan of a request; null when neither side knows of a boundary. @throws GitError missing-object, protocol */
export async function planShallow(
  objects: ObjectReader,
  request: UploadRequest,
  refs: FetchRefs,
): Promise<ShallowPlan | null> {
  if (!request.deepen && request.shallow.length === 0) return null;
  const client = new Set((await objects.readObjects(request.shallow)).found.keys());
  if (!request.deepen) return { shallow: [], unshallow: [], grafts: client, extraWants: [] };
  const boundary = await findBoundary(objects, request, request.deepen, refs);
  const shallow = boundary.shallow.filter((oid) => !client.has(oid));
  const unshallow = [...client].filter((oid) => boundary.inside.has(oid));
  const parents = await readParents(objects, unshallow);
  return {
    shallow,
    unshallow,
    // An unshallowed commit stays a graft: what the client has ends there, its parents are wanted by name.
    grafts: new Set([...client, ...shallow]),
    extraWants: [...new Set([...parents.values()].flat())],
  };
}

/** A reader for which the commits of `grafts` have no parents. Only for walks: the bytes it gives are not the objects. */
export function graftReader(objects: ObjectReader, grafts: ReadonlySet<Oid>): ObjectReader {
  if (grafts.size === 0) return objects;
  return {
    readHeaders: (oids) => objects.readHeaders(oids),
    async readObjects(oids) {
      const { found, missing } = await objects.readObjects(oids);
      const grafted = new Map<Oid, GitObject>(found);
      for (const [oid, object] of found) {
        if (object.type !== "commit" || !grafts.has(oid)) continue;
        grafted.set(oid, { ...object, data: encodeCommit({ ...decodeCommit(object.data), parents: [] }) });
      }
      return { found: grafted, missing };
    },
  };
}

async function findBoundary(
  objects: ObjectReader,
  request: UploadRequest,
  deepen: Deepen,
  refs: FetchRefs,
): Promise<Boundary> {
  const wanted = await peelTags(objects, request.wants);
  const tips = [
    ...new Set([...wanted.values()].filter(({ type }) => type === "commit").map(({ oid }) => oid)),
  ];
  if (deepen.kind === "cut") return findCutBoundary(objects, tips, deepen, refs);
  if (deepen.depth >= INFINITE_DEPTH) return { shallow: [], inside: new Set(request.shallow) };
  if (!deepen.relative) return findDepthBoundary(objects, tips, deepen.depth);
  const present = await keepReachable(objects, tips, request.shallow);
  return findDepthBoundary(objects, present, deepen.depth + 1);
}

/** Level by level: the commits at `depth` (tips have depth 1) are the boundary, those above lie inside. */
async function findDepthBoundary(
  objects: ObjectReader,
  tips: readonly Oid[],
  depth: number,
): Promise<Boundary> {
  const inside = new Set<Oid>();
  let level: Oid[] = [...tips];
  for (let at = 1; at < depth && level.length > 0; at++) {
    for (const oid of level) inside.add(oid);
    const parents = await readParents(objects, level);
    level = [...new Set([...parents.values()].flat())].filter((oid) => !inside.has(oid));
  }
  return { shallow: level, inside };
}

/** Commits of the tips that are new enough and not reachable from the excluded refs; those with a parent outside. */
async function findCutBoundary(
  objects: ObjectReader,
  tips: readonly Oid[],
  cut: Extract<Deepen, { kind: "cut" }>,
  refs: FetchRefs,
): Promise<Boundary> {
  const excluded = cut.notRefs.map((name) => findRefByName(refs, name));
  const hide = [...(await peelTags(objects, excluded)).values()].filter(({ type }) => type === "commit");
  const kept = new Map<Oid, Commit>();
  for await (const { oid, commit } of walkHistory(objects, {
    from: [...tips],
    hide: hide.map(({ oid }) => oid),
  })) {
    if (commit.committer.seconds >= (cut.sinceSeconds ?? Number.NEGATIVE_INFINITY)) kept.set(oid, commit);
  }
  const reached = reachWithin(kept, tips);
  if (reached.size === 0) throw new GitError("protocol", "no commits selected for shallow requests");
  const shallow: Oid[] = [];
  const inside = new Set<Oid>();
  for (const oid of reached) {
    const open = kept.get(oid)?.parents.some((parent) => !reached.has(parent)) ?? false;
    if (open) shallow.push(oid);
    else inside.add(oid);
  }
  return { shallow, inside };
}

function reachWithin(commits: ReadonlyMap<Oid, Commit>, tips: readonly Oid[]): ReadonlySet<Oid> {
  const reached = new Set(tips.filter((oid) => commits.has(oid)));
  // A Set may grow while it is iterated: it is the queue too.
  for (const oid of reached) {
    for (const parent of commits.get(oid)?.parents ?? []) if (commits.has(parent)) reached.add(parent);
  }
  return reached;
}

/** Of `candidates`, those that are ancestors of a tip. */
async function keepReachable(
  objects: ObjectReader,
  tips: readonly Oid[],
  candidates: readonly Oid[],
): Promise<Oid[]> {
  const open = new Set(candidates);
  const found: Oid[] = [];
  if (open.size === 0) return found;
  for await (const { oid } of walkHistory(objects, { from: [...tips] })) {
    if (open.delete(oid)) found.push(oid);
    if (open.size === 0) break;
  }
  return found;
}

function findRefByName({ refs, headOid }: FetchRefs, name: string): Oid {
  if (name === "HEAD" && headOid) return headOid;
  for (const full of [name, `refs/${name}`, `refs/tags/${name}`, `refs/heads/${name}`]) {
    const ref = refs.find((candidate) => candidate.name === full);
    if (ref) return ref.oid;
  }
  throw new GitError("missing-object", `deepen-not is not a ref: ${name.slice(0, 200)}`);
}

async function readParents(
  objects: ObjectReader,
  oids: readonly Oid[],
): Promise<ReadonlyMap<Oid, readonly Oid[]>> {
  const parents = new Map<Oid, readonly Oid[]>();
  for (const [oid, object] of (await objects.readObjects(oids)).found) {
    if (object.type === "commit") parents.set(oid, decodeCommit(object.data).parents);
  }
  return parents;
}
