import type { WebhookEvent } from "../../../sdk/contract/webhooks.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { LogDraft, MoveDetails } from "../../ports/events.ts";

const TAG_PREFIX = "refs/tags/";

const OF_REPO: Readonly<Record<string, WebhookEvent>> = {
  "repo.create": "repo.created",
  "repo.fork": "repo.created",
  "repo.update": "repo.updated",
  "repo.delete": "repo.deleted",
};

/** What an entry of the log is to webhooks; nothing for most kinds. */
export function listWebhookEvents(entry: LogDraft): readonly WebhookEvent[] {
  if (entry.resourceType === "repo") {
    const event = OF_REPO[entry.action];
    return event ? [event] : [];
  }
  if (entry.resourceType !== "ref") return [];
  const { ref, from, to } = readMove(entry);
  const noun = ref.startsWith(BRANCH_PREFIX) ? "branch" : ref.startsWith(TAG_PREFIX) ? "tag" : null;
  if (noun === null) return [];
  // A ref exists before it is pushed to, and is pushed to before it is gone.
  if (from === null) return [`${noun}.created`, "push"];
  return to === null ? ["push", `${noun}.deleted`] : ["push"];
}

/** Details of an entry whose resource is a ref. */
export function readMove(entry: LogDraft): MoveDetails {
  // Written by describeMove, for this kind of resource alone.
  return entry.details as unknown as MoveDetails;
}
