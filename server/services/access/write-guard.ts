import { formatByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { type ChangedPath, listChangedPaths } from "../../git/tree/changed-paths.ts";
import { findEntry } from "../../git/tree/find-entry.ts";
import { type LimitedCommit, walkLimited } from "../../git/walk/limited-walk.ts";
import type { ScopeRule, WriteGuard } from "../../ports/access.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { createGlobMatcher, type GlobMatcher } from "../files/glob.ts";
import { peelTags } from "../peel-tags.ts";
import { peelToTree } from "../read-target.ts";
import { readFetchRefs } from "../upload-pack-wants.ts";

/** New commits of one move that are looked at. */
const COMMITS_MAX = 10_000;

/**
 * The one place that judges moves of refs: for the API, for pushes, for everything that ends in a ref. A rule with globs
 * of paths holds for what a move brings: every new commit against its parents, and an existing ref against where it was.
 * What the default branch has already is never an objection, so that a branch can be brought up to date.
 */
export function createWriteGuard(repo: RepoHandle, rule: ScopeRule): WriteGuard {
  const refs = rule.refs === null ? null : createGlobMatcher(rule.refs);
  const paths = rule.paths === null ? null : createGlobMatcher(rule.paths);
  return {
    async findObjection(move, objects) {
      if (refs && !isAllowedRef(refs, move.name)) return `not permitted to move ${move.name}`;
      if (paths === null || move.next === null) return null;
      const path = await findForbiddenPath({ repo, objects, paths }, move.name, move.next);
      return path === null ? null : `not permitted to change ${path}`;
    },
  };
}

/** A glob may name a ref in full, or without `refs/`, or a branch by its short name. */
export function isAllowedRef(refs: GlobMatcher, name: string): boolean {
  return (
    refs.matches(name) ||
    (name.startsWith("refs/") && refs.matches(name.slice("refs/".length))) ||
    (name.startsWith(BRANCH_PREFIX) && refs.matches(name.slice(BRANCH_PREFIX.length)))
  );
}

interface Judging {
  readonly repo: RepoHandle;
  readonly objects: ObjectReader;
  readonly paths: GlobMatcher;
}

async function findForbiddenPath(judging: Judging, name: string, next: Oid): Promise<string | null> {
  const { objects } = judging;
  const { refs, headOid } = await readFetchRefs(judging.repo);
  const standard = headOid ? await findTree(objects, headOid) : null;
  const previous = refs.find((ref) => ref.name === name)?.oid ?? null;
  if (previous !== null) {
    const [before, after] = [await findTree(objects, previous), await findTree(objects, next)];
    const path = await findFirst(judging, listChangedPaths(objects, before, after), standard);
    if (path !== null) return path;
  }
  const known = [...refs.map(({ oid }) => oid), ...(headOid ? [headOid] : [])];
  // Tips may be annotated tags, snapshots among them; the walk below takes commits only.
  const peeled = await peelTags(objects, [next, ...known]);
  const target = peeled.get(next);
  if (!target) throw new GitError("missing-object", `object ${next} is not there`, { oid: next });
  if (target.type !== "commit") {
    // No history says what it brings: a tree does so as a whole.
    return findFirst(judging, listChangedPaths(objects, null, await findTree(objects, target.oid)), standard);
  }
  const hidden = new Set<Oid>();
  for (const oid of known) {
    const tip = peeled.get(oid);
    if (tip?.type === "commit") hidden.add(tip.oid);
  }
  return findForbiddenCommit(judging, [target.oid, [...hidden]], standard);
}

async function findForbiddenCommit(
  judging: Judging,
  [next, known]: readonly [Oid, readonly Oid[]],
  standard: Oid | null,
): Promise<string | null> {
  const { commits } = await walkLimited(judging.objects, [next], known);
  if (commits.length > COMMITS_MAX) {
    throw new GitError("limit-exceeded", `more than ${COMMITS_MAX} new commits cannot be judged by path`, {
      limit: COMMITS_MAX,
    });
  }
  for (const commit of commits) {
    const path = await findFirst(judging, listOwnChanges(judging.objects, commit), standard);
    if (path !== null) return path;
  }
  return null;
}

/** What a commit changes: of a merge, what is as in none of its parents. */
async function* listOwnChanges(objects: ObjectReader, commit: LimitedCommit): AsyncGenerator<ChangedPath> {
  const [first = null, ...others] = commit.parents;
  const parent = first === null ? null : await findTree(objects, first);
  if (others.length === 0) {
    yield* listChangedPaths(objects, parent, commit.tree);
    return;
  }
  const inherited = await Promise.all(others.map((oid) => findTree(objects, oid)));
  for await (const change of listChangedPaths(objects, parent, commit.tree)) {
    const same = await Promise.all(inherited.map((tree) => isSameAt(objects, tree, change)));
    if (!same.includes(true)) yield change;
  }
}

async function findFirst(
  { objects, paths }: Judging,
  changes: AsyncIterable<ChangedPath>,
  standard: Oid | null,
): Promise<string | null> {
  for await (const change of changes) {
    if (paths.matches(formatByteString(change.path))) continue;
    if (!(await isSameAt(objects, standard, change))) return formatByteString(change.path);
  }
  return null;
}

/** Whether a tree has at the change's path what the change leaves there. */
async function isSameAt(objects: ObjectReader, tree: Oid | null, change: ChangedPath): Promise<boolean> {
  if (tree === null) return change.after === null;
  const entry = await findEntry(objects, tree, change.path);
  return entry?.oid === change.after?.oid && entry?.mode === change.after?.mode;
}

async function findTree(objects: ObjectReader, oid: Oid): Promise<Oid | null> {
  return (await peelToTree(objects, oid))?.tree ?? null;
}
