import { GitError } from "../errors.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { decodeTree, entryKind, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";

/** A tree or blob of a walk. */
export interface TreeObject {
  readonly oid: Oid;
  readonly type: "tree" | "blob";
}

export interface TreeObjectsQuery {
  /** Root trees to walk. */
  readonly include: readonly Oid[];
  /** Root trees whose contents the other side has. */
  readonly exclude: readonly Oid[];
  /** Called with trees that are not there, which are then left out; without it they are an error. */
  readonly onMissing?: (oid: Oid) => void;
  /** Above this many objects: GitError limit-exceeded. */
  readonly maxObjects: number;
  /** Is given what was seen on the other side, for deltas that may be made with it; not all that is there. */
  readonly known?: Set<Oid>;
}

interface Candidate extends TreeObject {
  /** The tree through which it was found first; null for a root. */
  readonly via: Candidate | null;
  dropped: boolean;
}

/** A directory that the other side has: our trees there, if any, and theirs. */
interface Place {
  readonly ours: Candidate[];
  readonly theirs: ReadonlySet<Oid>;
}

/** What is read together: trees of one depth. */
interface Level {
  readonly places: Place[];
  /** Our trees at places where the other side has no directory. */
  readonly free: Candidate[];
}

interface Walk {
  readonly reader: Pick<ObjectReader, "readObjects">;
  readonly query: TreeObjectsQuery;
  readonly candidates: Map<Oid, Candidate>;
  /** Everything that was seen in a tree of the other side. */
  readonly known: Set<Oid>;
  /** Directories that only the other side has may still be read this often: what moved away may come from there. */
  searches: number;
}

type Trees = ReadonlyMap<Oid, readonly TreeEntry[]>;

/** Trees read in one call; bounds what one call can hold in memory. */
const TREES_PER_READ = 2_048;
/** Enough for a directory of usual size that moved, and no burden on a fetch after a large removal. */
const MAX_SEARCHES = 256;

/**
 * Trees and blobs below `include` that are not below `exclude`: trees first, then blobs, each in the order found.
 *
 * Both sides are walked together, level by level: where they have the same tree, neither is read, so the cost is that
 * of the difference, not of the repository. What moved inside a changed directory, or out of one, is seen on the other
 * side and left out, as far as {@link MAX_SEARCHES} goes; what was copied out of a directory that did not change may be
 * given all the same.
 * @throws GitError missing-object, wrong-type, corrupt-object, limit-exceeded
 */
export async function collectTreeObjects(
  reader: Pick<ObjectReader, "readObjects">,
  query: TreeObjectsQuery,
): Promise<readonly TreeObject[]> {
  const known = query.known ?? new Set<Oid>();
  for (const oid of query.exclude) known.add(oid);
  const walk: Walk = {
    reader,
    query,
    candidates: new Map(),
    known,
    searches: MAX_SEARCHES,
  };
  const roots: Candidate[] = [];
  for (const oid of query.include)
    addCandidate(walk, roots, { oid, type: "tree", via: null, dropped: false });
  const theirs = new Set(query.exclude);
  let level: Level =
    theirs.size > 0 ? { places: [{ ours: roots, theirs }], free: [] } : { places: [], free: roots };
  while (level.places.length + level.free.length > 0) level = await readLevel(walk, level);
  return listWanted(walk);
}

async function readLevel(walk: Walk, { places, free }: Level): Promise<Level> {
  const below: Level = { places: [], free: [] };
  for (let start = 0; start < places.length; ) {
    const batch: Place[] = [];
    for (let size = 0; start < places.length && size < TREES_PER_READ; start++) {
      const place = places[start] as Place; // start < length
      size += place.ours.length + place.theirs.size;
      batch.push(place);
    }
    await readPlaces(walk, batch, below);
  }
  for (let start = 0; start < free.length; start += TREES_PER_READ) {
    const ours = free.slice(start, start + TREES_PER_READ);
    const trees = await readTreesOf(walk, ours, []);
    for (const tree of ours) enter(walk, tree, trees, (child) => addCandidate(walk, below.free, child));
  }
  return below;
}

async function readPlaces(walk: Walk, batch: readonly Place[], below: Level): Promise<void> {
  // Where we have nothing new, their side need not be read either.
  const isOpen = ({ ours }: Place) =>
    ours.length > 0 ? ours.some((tree) => !walk.known.has(tree.oid)) : walk.searches-- > 0;
  const open = batch.filter(isOpen);
  const trees = await readTreesOf(
    walk,
    open.flatMap((place) => place.ours),
    open.flatMap((place) => [...place.theirs]),
  );
  // All of their side first: what they hold anywhere at this depth is not entered on ours.
  const directories = open.map((place) => enterTheirs(walk, place, trees));
  open.forEach((place, i) => {
    enterOurs(walk, place, directories[i] ?? new Map(), trees, below);
  });
}

async function readTreesOf(walk: Walk, ours: readonly Candidate[], theirs: readonly Oid[]): Promise<Trees> {
  const wanted = new Set<Oid>(theirs);
  for (const tree of ours) if (!walk.known.has(tree.oid)) wanted.add(tree.oid);
  wanted.delete(EMPTY_TREE_OID);
  const trees = new Map<Oid, readonly TreeEntry[]>([[EMPTY_TREE_OID, []]]);
  if (wanted.size === 0) return trees;
  const { found } = await walk.reader.readObjects([...wanted]);
  for (const { oid, type, data } of found.values()) {
    if (type !== "tree") throw new GitError("wrong-type", `${oid} is a ${type}, not a tree`, { oid, type });
    trees.set(oid, decodeTree(data));
  }
  return trees;
}

/** Notes what the other side has at this place; gives its directories by name. */
function enterTheirs(walk: Walk, place: Place, trees: Trees): Map<string, Set<Oid>> {
  const directories = new Map<string, Set<Oid>>();
  for (const oid of place.theirs) {
    for (const entry of trees.get(oid) ?? []) {
      const kind = entryKind(entry);
      if (kind === "gitlink") continue;
      walk.known.add(entry.oid);
      if (kind !== "directory") continue;
      const named = directories.get(entry.name);
      if (named) named.add(entry.oid);
      else directories.set(entry.name, new Set([entry.oid]));
    }
  }
  return directories;
}

function enterOurs(
  walk: Walk,
  place: Place,
  directories: ReadonlyMap<string, ReadonlySet<Oid>>,
  trees: Trees,
  below: Level,
): void {
  const places = new Map<string, Place>();
  for (const [name, theirs] of directories) places.set(name, { ours: [], theirs });
  for (const tree of place.ours) {
    enter(walk, tree, trees, (child, name) =>
      addCandidate(walk, places.get(name)?.ours ?? below.free, child),
    );
  }
  // A name that we still have did not move away.
  const kept = new Set(
    place.ours.flatMap((tree) => (trees.get(tree.oid) ?? []).map((entry) => entry.name as string)),
  );
  for (const [name, inner] of places) {
    if (inner.ours.length > 0 || (walk.searches > 0 && !kept.has(name))) below.places.push(inner);
  }
}

/** Adds the blobs of one of our trees and hands its directories to `onDirectory`. */
function enter(
  walk: Walk,
  tree: Candidate,
  trees: Trees,
  onDirectory: (child: Candidate, name: string) => void,
): void {
  if (walk.known.has(tree.oid)) return;
  const entries = trees.get(tree.oid);
  if (!entries) {
    if (!walk.query.onMissing) {
      throw new GitError("missing-object", `tree ${tree.oid} is missing`, { oid: tree.oid });
    }
    tree.dropped = true;
    walk.query.onMissing(tree.oid);
    return;
  }
  for (const entry of entries) {
    const kind = entryKind(entry);
    if (kind === "gitlink" || walk.known.has(entry.oid)) continue;
    const type = kind === "directory" ? "tree" : "blob";
    const child = { oid: entry.oid, type, via: tree, dropped: false } as const;
    if (type === "tree") onDirectory(child, entry.name);
    else addCandidate(walk, null, child);
  }
}

function addCandidate(walk: Walk, trees: Candidate[] | null, candidate: Candidate): void {
  const { oid, type } = candidate;
  const old = walk.candidates.get(oid);
  if (old && old.type !== type) {
    throw new GitError("wrong-type", `${oid} is used as a tree and as a blob`, { oid });
  }
  if (old) return;
  const { maxObjects } = walk.query;
  if (walk.candidates.size >= maxObjects) {
    throw new GitError("limit-exceeded", `more than ${maxObjects} objects`, { limit: maxObjects });
  }
  walk.candidates.set(oid, candidate);
  trees?.push(candidate);
}

/**
 * Leaves out what turned out to be known after it was found, and what was found through that: the other side has a
 * known tree with all in it. A candidate comes after the one that it was found through.
 */
function listWanted({ candidates, known }: Walk): TreeObject[] {
  const trees: TreeObject[] = [];
  const blobs: TreeObject[] = [];
  for (const candidate of candidates.values()) {
    if (known.has(candidate.oid) || candidate.via?.dropped) candidate.dropped = true;
    if (candidate.dropped) continue;
    if (candidate.type === "tree") trees.push(candidate);
    else blobs.push(candidate);
  }
  return trees.concat(blobs);
}
