import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX, checkRefName } from "../../git/object/ref-name.ts";
import type { Idempotency, RefTransaction } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { resolveDefault, resolveName } from "../read-target.ts";
import { checkNewRef } from "./check-new-ref.ts";
import { describeMove, moveRef, peelTag, type RefMove } from "./move-ref.ts";

export interface BranchStart {
  readonly name: string;
  /** Branch, tag, revision or id; null: where HEAD is. */
  readonly from: string | null;
  readonly idempotency: Idempotency | null;
}

export type BranchCreation =
  | RefMove
  | { readonly kind: "unknown-start"; readonly from: string }
  /** The default branch has no commit to start from. */
  | { readonly kind: "empty-repository" };

/** Creates a branch; one that exists makes the outcome `stale`. @throws GitError invalid-ref-name, invalid-revision */
export async function createBranch(
  repo: RepoHandle,
  start: BranchStart,
  reason: RefTransaction["reason"],
): Promise<BranchCreation> {
  const name = BRANCH_PREFIX + start.name;
  checkNewRef(name);
  const named = start.from === null ? await resolveDefault(repo) : await resolveName(repo, [start.from]);
  if (named.kind === "unborn") return { kind: "empty-repository" };
  const from = named.kind === "found" ? await peelTag(repo.objects, named.oid) : null;
  if (!from) return { kind: "unknown-start", from: named.ref };
  return moveRef(repo, { name, oid: from.oid, expected: null, idempotency: start.idempotency }, reason);
}

export type BranchRename =
  | { readonly kind: "renamed"; readonly oid: Oid; readonly wasDefault: boolean }
  | { readonly kind: "missing" }
  | { readonly kind: "same-name" }
  | Exclude<RefMove, { kind: "moved" }>;

/**
 * Renames a branch in one transaction: at no time are there both or none. HEAD goes along when it points there.
 * @throws GitError invalid-ref-name
 */
export async function renameBranch(
  repo: RepoHandle,
  names: { readonly from: string; readonly to: string },
  reason: RefTransaction["reason"],
): Promise<BranchRename> {
  const from = BRANCH_PREFIX + names.from;
  const to = BRANCH_PREFIX + names.to;
  checkRefName(from);
  checkNewRef(to);
  if (from === to) return { kind: "same-name" };
  const { head, refs } = await repo.snapshot([from]);
  const oid = refs.get(from);
  if (!oid) return { kind: "missing" };
  const wasDefault = head.kind === "symbolic" && head.target === from;
  const results = await repo.store.transact({
    updates: [
      { name: from, next: null, expected: oid },
      { name: to, next: oid, expected: null },
    ],
    atomic: true,
    reason,
    ...(wasDefault ? { head: { kind: "symbolic", target: to } as const } : {}),
  });
  const refused = results.find((result) => result.kind === "rejected" && result.reason !== "not-attempted");
  if (!refused) return { kind: "renamed", oid, wasDefault };
  const move = describeMove(oid, refused);
  return move.kind === "moved" ? { kind: "renamed", oid, wasDefault } : move;
}
