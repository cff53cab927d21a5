import type { Merged } from "../../sdk/contract/merges.ts";
import { conflict, notFound, type RequestError, unprocessable } from "../middleware/request-error.ts";
import {
  type BranchMerge,
  type MergeOrder,
  type MergeRefusal,
  nameSource,
} from "../services/merge/merge-branch.ts";
import { describeConflicts } from "./conflict-replies.ts";
import { refuseMove } from "./ref-replies.ts";

/** A merge as the API shows it. */
export function describeMerge(
  outcome: Extract<BranchMerge, { kind: "merged" }>,
  order: Pick<MergeOrder, "dryRun">,
): Merged {
  const { tip, strategy, previous, created } = outcome;
  return {
    merged: true,
    sha: tip,
    strategy,
    commits_created: created,
    ...(strategy === "merge-commit" && { merge_sha: tip }),
    ...(previous !== null && { previous_sha: previous }),
    ...(order.dryRun && { dry_run: true as const }),
  };
}

/** Why a merge was not made: the error to throw. */
export function refuseMerge(
  outcome: MergeRefusal,
  order: Pick<MergeOrder, "target" | "source" | "sourceRepo" | "strategy">,
): RequestError {
  const { target, strategy } = order;
  const source = nameSource(order);
  const merged = { merged: false, strategy };
  switch (outcome.kind) {
    case "conflict": {
      const { conflicts, tip, failed } = outcome;
      const details = {
        ...merged,
        ...describeConflicts(conflicts),
        head_sha: tip,
        ...(failed && { failed_sha: failed }),
      };
      return conflict(`${source} does not merge into ${target}: ${conflicts.length} conflicts`, details);
    }
    case "not-fast-forward": {
      const message = `${target} has commits that ${source} does not: it cannot be fast-forwarded`;
      return conflict(message, {
        ...merged,
        conflicts: [],
        details: [],
        reason: outcome.kind,
        head_sha: outcome.tip,
      });
    }
    case "unrelated":
      return unprocessable(`${source} and ${target} have no common ancestor`, merged);
    case "too-many":
      return tooMany(outcome);
    case "unknown-ref":
      return unknownCommit(outcome.ref);
    default:
      return refuseMove(`Branch ${target}`, outcome);
  }
}

/** More commits than one request applies anew. */
export function tooMany({ count, limit }: { readonly count: number; readonly limit: number }): RequestError {
  return unprocessable(`${count} commits would be applied anew, at most ${limit} are`, { count, limit });
}

/** A name that leads to no commit. */
export function unknownCommit(ref: string): RequestError {
  return notFound(`Commit ${ref.slice(0, 200)}`);
}
