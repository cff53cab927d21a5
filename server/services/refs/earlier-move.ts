import { ZERO_OID } from "../../git/hash/oid.ts";
import type { Idempotency } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { describeMove, type RefMove } from "./move-ref.ts";

/**
 * What an earlier request with the same Idempotency-Key did to a ref, or why this one is not its repetition; null when
 * there was none. To be asked before anything is looked up that may have changed since. The store looks at its receipts
 * before it looks at the update, and this one can never be made: no ref is at the zero id.
 */
export async function findEarlierMove(
  repo: RepoHandle,
  name: string,
  idempotency: Idempotency | null,
): Promise<RefMove | null> {
  if (!idempotency) return null;
  const [result] = await repo.store.transact({
    updates: [{ name, expected: ZERO_OID, next: null }],
    atomic: true,
    reason: { actor: "", message: "" },
    idempotency,
  });
  const move = describeMove(ZERO_OID, result);
  return move.kind === "stale" ? null : move;
}
