import type { ObjectType } from "../git/hash/object-type.ts";
import type { Oid } from "../git/hash/oid.ts";
import { decodeCommit } from "../git/object/commit.ts";
import { decodeTree, isDirectory } from "../git/object/tree.ts";
import type { ObjectReader } from "../git/ports.ts";
import type { ObjectFilter } from "../git/protocol/object-filter.ts";
import type { UploadRequest } from "../git/protocol/upload-request.ts";
import { collectReachable } from "../git/walk/reachable.ts";
import { peelTags } from "./peel-tags.ts";
import { graftReader, type ShallowPlan } from "./upload-pack-shallow.ts";
import type { FetchRefs } from "./upload-pack-wants.ts";

export interface PackedObject {
  readonly oid: Oid;
  readonly type: ObjectType;
}

/** What a reply sends. */
export interface Selection {
  readonly list: readonly PackedObject[];
  /** Objects outside the list that deltas may be made with: those that the client has, if it takes a thin pack. */
  readonly bases: Pick<ReadonlySet<Oid>, "has">;
}

/** Ids per look-up of headers or trees: bounds what a store holds at once. */
const BATCH = 4_096;

export interface FetchScope {
  readonly request: UploadRequest;
  /** Haves that the repository has too. */
  readonly common: readonly Oid[];
  readonly refs: FetchRefs;
  readonly shallow: ShallowPlan | null;
}

/**
 * The objects of a reply: all that the wants reach and the common commits do not, cut at the client's boundary, less
 * what its filter leaves out, plus annotated tags of what is sent when the client asks for them.
 */
export async function selectObjects(objects: ObjectReader, scope: FetchScope): Promise<Selection> {
  const { request, shallow } = scope;
  const bases = new Set<Oid>();
  // A partial clone lacks some of what its commits reach: a delta made with that would cost it another fetch.
  const thin = request.thinPack && !request.filter;
  const walked = graftReader(objects, shallow?.grafts ?? new Set());
  const wants = [...request.wants, ...(shallow?.extraWants ?? [])];
  const reached = await collectReachable(walked, {
    wants,
    haves: scope.common,
    ...(thin ? { known: bases } : {}),
  });
  const filtered = request.filter
    ? await applyFilter(objects, reached, request.filter, await listNamed(objects, request.wants))
    : reached;
  const list = request.includeTag ? await addTags(objects, filtered, scope.refs) : filtered;
  return { list, bases };
}

/** What the client names, itself or by a tag: no filter leaves it out. As in git, where tags lead to more wants. */
async function listNamed(objects: ObjectReader, wants: readonly Oid[]): Promise<ReadonlySet<Oid>> {
  const peeled = await peelTags(objects, wants);
  return new Set([...wants, ...[...peeled.values()].flatMap(({ oid, tags }) => [oid, ...tags])]);
}

async function applyFilter(
  objects: ObjectReader,
  reached: readonly PackedObject[],
  filter: ObjectFilter,
  wants: ReadonlySet<Oid>,
): Promise<readonly PackedObject[]> {
  let kept = reached;
  if (filter.type) kept = kept.filter(({ oid, type }) => type === filter.type || wants.has(oid));
  if (filter.treeDepth !== null) {
    const shallow = await collectToDepth(objects, reached, { maxDepth: filter.treeDepth, named: wants });
    kept = kept.filter(
      ({ oid, type }) => type === "commit" || type === "tag" || shallow.has(oid) || wants.has(oid),
    );
  }
  if (filter.blobLimitBytes !== null) kept = await dropBlobs(objects, kept, filter.blobLimitBytes, wants);
  return kept;
}

async function dropBlobs(
  objects: ObjectReader,
  list: readonly PackedObject[],
  limitBytes: number,
  wants: ReadonlySet<Oid>,
): Promise<readonly PackedObject[]> {
  if (limitBytes === 0) return list.filter(({ oid, type }) => type !== "blob" || wants.has(oid));
  const blobs = list.filter(({ oid, type }) => type === "blob" && !wants.has(oid)).map(({ oid }) => oid);
  const tooLarge = new Set<Oid>();
  for (const batch of batches(blobs)) {
    for (const [oid, { size }] of (await objects.readHeaders(batch)).found) {
      if (size >= limitBytes) tooLarge.add(oid);
    }
  }
  return list.filter(({ oid }) => !tooLarge.has(oid));
}

/**
 * Trees and blobs of the listed commits that lie above `maxDepth`; a root tree has depth 0, as has
 * what lies in a tree that is named itself. Level by level, so that
 * each tree is first met at its smallest depth.
 */
async function collectToDepth(
  objects: ObjectReader,
  list: readonly PackedObject[],
  { maxDepth, named }: { readonly maxDepth: number; readonly named: ReadonlySet<Oid> },
): Promise<ReadonlySet<Oid>> {
  const kept = new Set<Oid>();
  if (maxDepth === 0) return kept;
  const listed = new Set(list.map(({ oid }) => oid));
  let level = await readRootTrees(objects, list);
  await enterTrees(list.filter(({ oid, type }) => type === "tree" && named.has(oid)).map(({ oid }) => oid));
  for (let depth = 0; depth < maxDepth && level.length > 0; depth++) {
    const fresh = [...new Set(level)].filter((oid) => listed.has(oid) && !kept.has(oid));
    for (const oid of fresh) kept.add(oid);
    level = [];
    if (depth + 1 < maxDepth) await enterTrees(fresh);
  }
  return kept;

  async function enterTrees(trees: readonly Oid[]): Promise<void> {
    for (const batch of batches(trees)) {
      for (const { data } of (await objects.readObjects(batch)).found.values()) {
        for (const entry of decodeTree(data)) {
          if (isDirectory(entry)) level.push(entry.oid);
          else if (listed.has(entry.oid)) kept.add(entry.oid);
        }
      }
    }
  }
}

async function readRootTrees(objects: ObjectReader, list: readonly PackedObject[]): Promise<Oid[]> {
  const roots: Oid[] = [];
  const commits = list.filter(({ type }) => type === "commit").map(({ oid }) => oid);
  for (const batch of batches(commits)) {
    for (const { data } of (await objects.readObjects(batch)).found.values())
      roots.push(decodeCommit(data).tree);
  }
  return roots;
}

/** Adds the tag objects whose target is in the list, tags of tags included. */
async function addTags(
  objects: ObjectReader,
  list: readonly PackedObject[],
  { refs }: FetchRefs,
): Promise<readonly PackedObject[]> {
  const listed = new Set(list.map(({ oid }) => oid));
  const candidates = refs.filter(({ oid, peeled }) => peeled && listed.has(peeled) && !listed.has(oid));
  if (candidates.length === 0) return list;
  const chains = await peelTags(
    objects,
    candidates.map(({ oid }) => oid),
  );
  const tags = new Set([...chains.values()].flatMap((chain) => chain.tags));
  const added = [...tags].filter((oid) => !listed.has(oid));
  return [...list, ...added.map((oid) => ({ oid, type: "tag" as const }))];
}

function* batches(oids: readonly Oid[]): Generator<readonly Oid[]> {
  for (let at = 0; at < oids.length; at += BATCH) yield oids.slice(at, at + BATCH);
}
