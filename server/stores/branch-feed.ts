import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import type { ReflogEntry } from "../git/ports.ts";
import type { BranchMove, FeedQuery, FeedStart } from "../ports/watch.ts";
import type { RefTable } from "./repo-tables.ts";

export interface FeedRules {
  /** Moves that are told after the fact. */
  readonly replayMoves: number;
}

/** What a watch is told when it begins, and the branches it is about. Read in one turn, so that nothing falls between. */
export function startFeed(
  refs: RefTable,
  query: FeedQuery,
  rules: FeedRules,
): {
  readonly start: FeedStart;
  readonly branches: readonly string[] | null;
  readonly moves: readonly BranchMove[];
} {
  const branches = query.branches?.length === 0 ? listHeadBranch(refs) : query.branches;
  const last = refs.lastMove();
  const state = (branches ?? []).map((name) => ({ name, oid: refs.find(BRANCH_PREFIX + name)?.oid ?? null }));
  const begin = (resumed: FeedStart["resumed"], moves: readonly BranchMove[] = []) => ({
    start: { branches: state, last, resumed },
    branches,
    moves,
  });
  if (query.after === null) return begin(null);
  if (query.after > last) return begin("unknown-id");
  const found = refs.listMoves({
    after: query.after,
    limit: rules.replayMoves + 1,
    ...(branches && { refs: branches.map((name) => BRANCH_PREFIX + name) }),
  });
  return found.length > rules.replayMoves ? begin("too-old") : begin("yes", selectMoves(found, branches));
}

/** Those of the moves that a watch of `branches` (null: all) is told. */
export function selectMoves(
  moves: readonly ReflogEntry[],
  branches: readonly string[] | null,
): readonly BranchMove[] {
  return moves.flatMap(({ id, ref, from, to, reason, atMs }) => {
    if (!ref.startsWith(BRANCH_PREFIX)) return [];
    const branch = ref.slice(BRANCH_PREFIX.length);
    if (branches && !branches.includes(branch)) return [];
    return [{ id, branch, from, to, reason, atMs }];
  });
}

function listHeadBranch(refs: RefTable): readonly string[] {
  const head = refs.readHead();
  return head.kind === "symbolic" ? [head.target.slice(BRANCH_PREFIX.length)] : [];
}
