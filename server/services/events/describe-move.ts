import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { ReflogEntry } from "../../git/ports.ts";
import type { LogDraft, MoveDetails } from "../../ports/events.ts";

const TAG_PREFIX = "refs/tags/";
/** First words of a reflog line that say what was done better than the refs do. */
const VERBS = [
  "commit",
  "push",
  "merge",
  "rebase",
  "land",
  "revert",
  "reset",
  "cherry-pick",
  "undo",
  "snapshot",
  "session",
  "sync",
];

/** What a repository begins with is told by its creation, not ref by ref. */
export function isBeginning(move: ReflogEntry): boolean {
  return move.reason.message.startsWith("fork:");
}

/** A move of a ref as an entry of the org's log. `name`: the repository's, with its namespace. */
export function describeMove(repoId: string, name: string, move: ReflogEntry): LogDraft {
  const { ref, from, to, reason, atMs } = move;
  const details: MoveDetails = { ref, from, to, reason: reason.message, moved_at_ms: atMs };
  return {
    actor: reason.actor,
    action: findAction(move),
    resourceType: "ref",
    resourceId: repoId,
    resourceName: name,
    details: { ...details },
  };
}

function findAction({ ref, from, to, reason }: ReflogEntry): string {
  const verb = /^[a-z-]+/.exec(reason.message)?.[0] ?? "";
  if (VERBS.includes(verb)) return verb;
  const noun = ref.startsWith(BRANCH_PREFIX) ? "branch" : ref.startsWith(TAG_PREFIX) ? "tag" : "ref";
  return `${noun}.${from === null ? "create" : to === null ? "delete" : "update"}`;
}
