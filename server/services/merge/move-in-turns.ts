import { GitError } from "../../git/errors.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { RefTurn } from "../../git/ports.ts";
import type { MoveContext } from "./move-branch.ts";

/** One try of moving a branch to what was computed on its tip. */
export interface MoveAttempt {
  /** To be named by the transaction that moves the branch. */
  readonly turn: RefTurn | null;
}

/** How often something is computed anew because its branch moved meanwhile. */
const ATTEMPTS_MAX = 30;

/**
 * Computes and moves until the branch has not moved in between. The first try is made without asking anybody; who loses
 * it waits in the branch's line, so that of many who land at once each computes about twice, not once for all others.
 * @param attempt null: the branch had moved
 * @throws GitError overloaded when others kept moving the branch; what `attempt` throws
 */
export async function moveInTurns<T>(
  context: MoveContext,
  branch: string,
  attempt: (attempt: MoveAttempt) => Promise<T | null>,
): Promise<T> {
  const { store } = context.repo;
  const name = BRANCH_PREFIX + branch;
  let turn: RefTurn | null = null;
  try {
    for (let made = 0; made < ATTEMPTS_MAX; made++) {
      const result = await attempt({ turn });
      if (result !== null) return result;
      turn ??= await store.takeTurn(name);
    }
  } finally {
    // After a move the turn is over already; a conflict or an error ends it here.
    if (turn) {
      const reason = { actor: context.actor, message: "" };
      await store.transact({ updates: [], atomic: true, reason, turn });
    }
  }
  throw new GitError("overloaded", `others keep moving ${name}; try again`, { ref: name, reason: "busy" });
}
