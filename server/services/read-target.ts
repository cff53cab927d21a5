import { GitError } from "../git/errors.ts";
import { EMPTY_TREE_OID, isOid, type Oid } from "../git/hash/oid.ts";
import { type Commit, decodeCommit } from "../git/object/commit.ts";
import { BRANCH_PREFIX, isRefFormat, TAG_PREFIX } from "../git/object/ref-name.ts";
import { decodeTag } from "../git/object/tag.ts";
import type { Head, ObjectReader, RepoSnapshot } from "../git/ports.ts";
import { resolveRevision } from "../git/revision/resolve-revision.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { formatTimestamp } from "./timestamp.ts";

/** The tree that a read looks into, and where it came from. */
export interface ReadTarget {
  /** As the caller wrote it; the default branch's name when none was given. */
  readonly ref: string;
  readonly tree: Oid;
  /** null when the ref names a tree. */
  readonly commit: Oid | null;
  /** Committer's date of `commit`, ISO 8601. */
  readonly committedAt: string | null;
  /** The ref is an object id: what it names never changes. */
  readonly pinned: boolean;
}

export type TargetResolution =
  | {
      readonly kind: "resolved";
      readonly target: ReadTarget;
      readonly path: string;
      /** Short name of the branch that the ref stands for; null for a tag, an id or a revision. */
      readonly branch: string | null;
    }
  /** HEAD's branch has no commit yet. */
  | { readonly kind: "unborn"; readonly ref: string; readonly path: string; readonly branch: string | null }
  | { readonly kind: "unknown"; readonly ref: string };

/** A name that was found, before anything is read: where it points, and what is left of the segments. */
export type NameResolution =
  | {
      readonly kind: "found";
      readonly ref: string;
      readonly oid: Oid;
      readonly used: number;
      readonly branch: string | null;
    }
  | { readonly kind: "unborn"; readonly ref: string; readonly used: number; readonly branch: string | null }
  | { readonly kind: "unknown"; readonly ref: string };

/** Tags that point at tags; git has no limit, a chain of this length is no accident. */
const TAG_CHAIN_MAX = 32;
/** Ref names are at most 1,024 bytes long, so further segments cannot belong to one. */
const REF_CHARS_MAX = 1_024;
/** Segments of a path that are tried as part of a ref. */
const REF_SEGMENTS_MAX = 64;

/**
 * Splits decoded path segments into a ref and a path, because a branch name may contain slashes: the longest ref that
 * exists wins. Of one name, a branch goes before a tag, so that what was just committed is what is read. A full id is
 * that object; `HEAD~2` and the like are read as revisions when no ref has such a name.
 */
export async function resolveTarget(
  repo: RepoHandle,
  segments: readonly string[],
): Promise<TargetResolution> {
  return readNamed(repo, await resolveName(repo, segments), segments);
}

/** The target of a ref given as one text; undefined: of HEAD, which then goes by its branch's name. */
export async function resolveRefTarget(repo: RepoHandle, ref: string | undefined): Promise<TargetResolution> {
  if (ref !== undefined) return resolveTarget(repo, [ref]);
  return readNamed(repo, await resolveDefault(repo), []);
}

async function readNamed(
  repo: RepoHandle,
  named: NameResolution,
  segments: readonly string[],
): Promise<TargetResolution> {
  if (named.kind === "unknown") return named;
  const path = segments.slice(named.used).join("/").replace(/\/+$/, "");
  const { branch } = named;
  if (named.kind === "unborn") return { kind: "unborn", ref: named.ref, path, branch };
  const pinned = isOid(named.ref);
  const target = await readTarget(repo.objects, named.oid, named.ref, pinned);
  return target ? { kind: "resolved", target, path, branch } : { kind: "unknown", ref: named.ref };
}

/** Where HEAD points, under the short name of its branch. */
export async function resolveDefault(repo: RepoHandle): Promise<NameResolution> {
  const snapshot = await repo.snapshot([BRANCH_PREFIX + repo.record.defaultBranch]);
  const named = await resolveHead(repo, snapshot);
  return { ...named, ref: findHeadBranch(snapshot.head) ?? named.ref };
}

/** Short name of the branch that HEAD points at; null when HEAD is detached. */
export function findHeadBranch(head: Head): string | null {
  if (head.kind !== "symbolic") return null;
  return head.target.startsWith(BRANCH_PREFIX) ? head.target.slice(BRANCH_PREFIX.length) : head.target;
}

function findBranch(fullName: string): string | null {
  return fullName.startsWith(BRANCH_PREFIX) ? fullName.slice(BRANCH_PREFIX.length) : null;
}

/** Where a name points: any object, not peeled. */
export async function resolveName(repo: RepoHandle, segments: readonly string[]): Promise<NameResolution> {
  const [first = ""] = segments;
  if (isOid(first)) {
    await repo.snapshot();
    return { kind: "found", ref: first, oid: first, used: 1, branch: null };
  }
  const prefixes = listPrefixes(segments);
  const names = prefixes.flatMap(listFullNames);
  const defaultName = BRANCH_PREFIX + repo.record.defaultBranch;
  const snapshot = await repo.snapshot([...new Set([...names, defaultName])]);
  for (let used = prefixes.length; used > 0; used--) {
    const ref = prefixes[used - 1] as string; // used counts down from the length
    if (ref === "HEAD" || ref === "@") return resolveHead(repo, snapshot);
    const full = listFullNames(ref).find((name) => snapshot.refs.has(name));
    const oid = full && snapshot.refs.get(full);
    if (full && oid) return { kind: "found", ref, oid, used, branch: findBranch(full) };
    if (isUnborn(snapshot, ref)) return { kind: "unborn", ref, used, branch: findHeadBranch(snapshot.head) };
  }
  return resolveAsRevision(repo, snapshot, segments);
}

/** Refs named by the first 1, 2, … segments. */
function listPrefixes(segments: readonly string[]): readonly string[] {
  const prefixes: string[] = [];
  let prefix = "";
  for (const segment of segments.slice(0, REF_SEGMENTS_MAX)) {
    prefix = prefixes.length === 0 ? segment : `${prefix}/${segment}`;
    if (prefix.length > REF_CHARS_MAX) break;
    prefixes.push(prefix);
  }
  return prefixes;
}

/** Full names that a short one may stand for, best first. */
function listFullNames(ref: string): readonly string[] {
  if (!isRefFormat(ref)) return [];
  const names = [BRANCH_PREFIX + ref, TAG_PREFIX + ref];
  if (ref.startsWith("refs/")) names.push(ref);
  else if (ref.startsWith("heads/") || ref.startsWith("tags/")) names.push(`refs/${ref}`);
  return names;
}

async function resolveHead(repo: RepoHandle, snapshot: RepoSnapshot): Promise<NameResolution> {
  const { head } = snapshot;
  const named = { ref: "HEAD", used: 1, branch: findHeadBranch(head) };
  if (head.kind === "detached") return { kind: "found", ...named, oid: head.oid };
  // The directory's record may lag behind HEAD; then one more look is needed.
  const known = snapshot.refs.get(head.target) ?? (await repo.snapshot([head.target])).refs.get(head.target);
  return known ? { kind: "found", ...named, oid: known } : { kind: "unborn", ...named };
}

function isUnborn(snapshot: RepoSnapshot, ref: string): boolean {
  return snapshot.head.kind === "symbolic" && listFullNames(ref).includes(snapshot.head.target);
}

/** `name~2`, `name^{tree}`: the ref ends with the first segment that has such a mark. */
async function resolveAsRevision(
  repo: RepoHandle,
  snapshot: RepoSnapshot,
  segments: readonly string[],
): Promise<NameResolution> {
  const marked = segments.findIndex((segment) => /[~^]/.test(segment));
  const ref = segments.slice(0, marked + 1 || 1).join("/");
  if (marked < 0 || ref.length > REF_CHARS_MAX) return { kind: "unknown", ref };
  const oid = await findRevision(repo, snapshot, ref);
  return oid ? { kind: "found", ref, oid, used: marked + 1, branch: null } : { kind: "unknown", ref };
}

/**
 * The object that a revision names, or null. Same order of refs as everywhere here: branches before tags.
 * @throws GitError invalid-revision
 */
export async function findRevision(
  repo: RepoHandle,
  snapshot: RepoSnapshot,
  text: string,
): Promise<Oid | null> {
  const findRefs = async (names: readonly string[]): Promise<ReadonlyMap<string, Oid>> => {
    const found = new Map((await repo.snapshot(names)).refs);
    for (const name of names) {
      if (!name.startsWith(TAG_PREFIX)) continue;
      if (found.has(BRANCH_PREFIX + name.slice(TAG_PREFIX.length))) found.delete(name);
    }
    return found;
  };
  return resolveRevision(repo.objects, findRefs, snapshot.head, text);
}

/** null when the object is missing or no tree stands behind it. */
export async function readTarget(
  reader: ObjectReader,
  oid: Oid,
  ref: string,
  pinned: boolean,
): Promise<ReadTarget | null> {
  const peeled = await peelToTree(reader, oid);
  if (!peeled) return null;
  const { commit } = peeled;
  return {
    ref,
    tree: peeled.tree,
    commit: commit?.oid ?? null,
    committedAt: commit ? formatTimestamp(commit.commit.committer.seconds) : null,
    pinned,
  };
}

export interface PeeledTree {
  readonly tree: Oid;
  readonly commit: { readonly oid: Oid; readonly commit: Commit } | null;
}

/** The tree behind a commit, an annotated tag or a tree; null for a blob and for what is missing. */
export async function peelToTree(reader: ObjectReader, oid: Oid): Promise<PeeledTree | null> {
  let at = oid;
  for (let depth = 0; depth <= TAG_CHAIN_MAX; depth++) {
    if (at === EMPTY_TREE_OID) return { tree: at, commit: null };
    const object = (await reader.readObjects([at])).found.get(at);
    if (!object || object.type === "blob") return null;
    if (object.type === "tree") return { tree: at, commit: null };
    if (object.type === "commit") {
      const commit = decodeCommit(object.data);
      return { tree: commit.tree, commit: { oid: at, commit } };
    }
    at = decodeTag(object.data).target;
  }
  throw new GitError("limit-exceeded", `more than ${TAG_CHAIN_MAX} tags point at each other`, { oid });
}
