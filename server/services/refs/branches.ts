import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX, checkRefName } from "../../git/object/ref-name.ts";
import type { Idempotency, RefTransaction } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { resolveDefault, resolveName } from "../read-target.ts";
import { checkNewRef } from "./check-new-ref.ts";
import { findEarlierMove } from "./earlier-move.ts";
import { describeMove, moveRef, peelTag, type RefMove } from "./move-ref.ts";

export interface BranchStart {
  readonly name: string;
  /** Branch, tag, revision or id; null: where HEAD is. */
  readonly from: string | null;
  /** When the branch goes by itself; null: it stays. */
  readonly expiresAtMs: number | null;
  readonly idempotency: Idempotency | null;
}

export type BranchCreation =
  | RefMove
  | { readonly kind: "unknown-start"; readonly from: string }
  /** The default branch has no commit to start from. */
  | { readonly kind: "empty-repository" };

/**
 * Creates a branch; one that exists makes the outcome `stale`. Of a repetition, `detail.expires_at_ms` is what it was.
 * @throws GitError invalid-ref-name, invalid-revision
 */
export async function createBranch(
  repo: RepoHandle,
  start: BranchStart,
  reason: RefTransaction["reason"],
): Promise<BranchCreation> {
  const name = BRANCH_PREFIX + start.name;
  checkNewRef(name);
  const earlier = await findEarlierMove(repo, name, start.idempotency);
  if (earlier) return earlier;
  const named = start.from === null ? await resolveDefault(repo) : await resolveName(repo, [start.from]);
  if (named.kind === "unborn") return { kind: "empty-repository" };
  const from = named.kind === "found" ? await peelTag(repo.objects, named.oid) : null;
  if (!from) return { kind: "unknown-start", from: named.ref };
  const { expiresAtMs } = start;
  const detail = { expires_at_ms: expiresAtMs };
  return moveRef(
    repo,
    {
      name,
      oid: from.oid,
      expected: null,
      ...(expiresAtMs !== null && { expiresAtMs }),
      idempotency: start.idempotency && { ...start.idempotency, detail },
    },
    reason,
  );
}

export interface BranchState {
  readonly oid: Oid;
  /** null: it stays. */
  readonly expiresAtMs: number | null;
}

/** Where a branch is, and when it goes. @throws GitError invalid-ref-name */
export async function findBranch(repo: RepoHandle, short: string): Promise<BranchState | null> {
  const name = BRANCH_PREFIX + short;
  checkRefName(name);
  const { refs, expiries } = await repo.snapshot([name]);
  const oid = refs.get(name);
  return oid ? { oid, expiresAtMs: expiries?.get(name) ?? null } : null;
}

export interface BranchChange {
  readonly from: string;
  /** The same as `from` when the branch keeps its name. */
  readonly to: string;
  /** null: it stays; undefined: as it was. */
  readonly expiresAtMs: number | null | undefined;
  readonly idempotency?: Idempotency | null;
}

export type BranchChanged =
  | ({
      readonly kind: "changed";
      readonly wasDefault: boolean;
      readonly replayed: boolean;
    } & BranchState)
  | { readonly kind: "missing" }
  | Exclude<RefMove, { kind: "moved" }>;

/** How often a change is made anew because somebody committed to the branch meanwhile. */
const ATTEMPTS_MAX = 30;

/**
 * Gives a branch another name or another end, in one transaction: at no time are there both names or none. HEAD goes
 * along when it points there, and when the branch was to go by itself it still is, under its new name.
 * @throws GitError invalid-ref-name
 */
export async function changeBranch(
  repo: RepoHandle,
  change: BranchChange,
  reason: RefTransaction["reason"],
): Promise<BranchChanged> {
  const from = BRANCH_PREFIX + change.from;
  const to = BRANCH_PREFIX + change.to;
  checkRefName(from);
  if (from !== to) checkNewRef(to);
  const earlier = await findEarlierMove(repo, to, change.idempotency ?? null);
  if (earlier?.kind === "moved") {
    return { kind: "changed", oid: earlier.oid, expiresAtMs: null, wasDefault: false, replayed: true };
  }
  if (earlier) return earlier;
  for (let attempt = 1; ; attempt++) {
    const changed = await changeOnce(repo, change, reason);
    const isOutrun = changed.kind === "stale" && changed.name === from && changed.current !== null;
    if (!isOutrun || attempt === ATTEMPTS_MAX) return changed;
  }
}

async function changeOnce(
  repo: RepoHandle,
  change: BranchChange,
  reason: RefTransaction["reason"],
): Promise<BranchChanged> {
  const from = BRANCH_PREFIX + change.from;
  const to = BRANCH_PREFIX + change.to;
  const { head, refs, expiries } = await repo.snapshot([from]);
  const oid = refs.get(from);
  if (!oid) return { kind: "missing" };
  const wasDefault = head.kind === "symbolic" && head.target === from;
  // A branch that stays says nothing of it, so that it can be renamed in a session as well.
  const expiresAtMs = change.expiresAtMs === undefined ? expiries?.get(from) : change.expiresAtMs;
  const isRenamed = from !== to;
  const results = await repo.store.transact({
    updates: [
      {
        name: to,
        next: oid,
        expected: isRenamed ? null : oid,
        ...(expiresAtMs !== undefined && { expiresAtMs }),
      },
      ...(isRenamed ? [{ name: from, next: null, expected: oid }] : []),
    ],
    atomic: true,
    reason,
    ...(wasDefault && isRenamed ? { head: { kind: "symbolic", target: to } as const } : {}),
    ...(change.idempotency && { idempotency: change.idempotency }),
  });
  const refused = results.find((result) => result.kind === "rejected" && result.reason !== "not-attempted");
  const move = refused && describeMove(oid, refused);
  if (move && move.kind !== "moved") return move;
  const replayed = results[0]?.kind === "moved" && results[0].replayed !== undefined;
  return {
    kind: "changed",
    oid,
    expiresAtMs: expiresAtMs ?? null,
    wasDefault: wasDefault && isRenamed,
    replayed,
  };
}
