import { LIMITS } from "../../../sdk/contract/limits.ts";
import type {
  RefPayload,
  RepoPayload,
  WebhookCommit,
  WebhookPayload,
} from "../../../sdk/contract/webhook-payloads.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import { walkHistory } from "../../git/walk/history.ts";
import type { LogEntry, OpenedDelivery } from "../../ports/events.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { describeCommit } from "../commits/describe-commit.ts";
import { findActorType } from "../events/actor-type.ts";
import { readMove } from "../events/webhook-events.ts";

/** Characters of a commit's message; more is cut off. */
const MESSAGE_CHARS = 1_000;
const TAG_PREFIX = "refs/tags/";

/** The body of a delivery. `repo`: to read the commits of a push from; null when it exists no more. */
export async function buildPayload(
  delivery: OpenedDelivery,
  repo: RepoHandle | null,
): Promise<WebhookPayload> {
  const { entry, org, event } = delivery;
  if (entry === null) {
    const { webhookId, url, events } = delivery;
    return { event: "ping", organization: org, webhook: { id: webhookId, url, events: [...events] } };
  }
  const base = {
    id: `evt_${entry.id}`,
    organization: org,
    repository: describeRepository(delivery, entry),
    actor: { id: entry.actor, type: findActorType(entry.actor) },
  };
  if (entry.resourceType === "repo") {
    // What listWebhookEvents gives for this kind of resource; so below.
    const repoEvent = event as RepoPayload["event"];
    return { event: repoEvent, created_at: formatMs(entry.atMs), ...base, changes: { ...entry.details } };
  }
  const move = readMove(entry);
  const about = { created_at: formatMs(move.moved_at_ms), ...base, ref: move.ref, reason: move.reason };
  if (event !== "push") {
    const name = move.ref.slice((move.ref.startsWith(BRANCH_PREFIX) ? BRANCH_PREFIX : TAG_PREFIX).length);
    return { event: event as RefPayload["event"], ...about, name, sha: move.to ?? move.from ?? "" };
  }
  const { commits, truncated } = await readCommits(repo, entry);
  return {
    event,
    ...about,
    before: move.from,
    after: move.to,
    created: move.from === null,
    deleted: move.to === null,
    pusher: base.actor,
    commits,
    commits_truncated: truncated,
  };
}

function describeRepository({ repo, entry }: OpenedDelivery, { resourceId, resourceName }: LogEntry) {
  const name = resourceName ?? "";
  const slash = name.indexOf("/");
  const details = entry?.resourceType === "repo" ? entry.details : {};
  return {
    id: resourceId ?? "",
    namespace: slash < 0 ? null : name.slice(0, slash),
    slug: name.slice(slash + 1),
    default_branch: repo?.defaultBranch ?? readText(details.default_branch),
    visibility: repo?.visibility ?? readText(details.visibility),
  };
}

function readText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

interface PushedCommits {
  readonly commits: WebhookCommit[];
  /** There are more, or they can no longer be read. */
  readonly truncated: boolean;
}

/**
 * What a push of a branch brought, newest first: commits that were not in it before, and of a new branch those that are
 * not in the default branch.
 */
async function readCommits(repo: RepoHandle | null, entry: LogEntry): Promise<PushedCommits> {
  const { ref, from, to } = readMove(entry);
  if (to === null || !ref.startsWith(BRANCH_PREFIX)) return { commits: [], truncated: false };
  if (repo === null) return { commits: [], truncated: true };
  const standard = BRANCH_PREFIX + repo.record.defaultBranch;
  const { refs } = await repo.snapshot([standard]);
  const known = from ?? (ref === standard ? null : (refs.get(standard) ?? null));
  const commits: WebhookCommit[] = [];
  const walk = walkHistory(repo.objects, { from: [to], ...(known !== null && { hide: [known] }) });
  for await (const { oid, commit } of walk) {
    if (commits.length === LIMITS.webhookCommits) return { commits, truncated: true };
    const { sha, message, author_name, author_email, timestamp, parents } = describeCommit(oid, commit);
    const author = { name: author_name, email: author_email };
    commits.push({ sha, message: message.slice(0, MESSAGE_CHARS), author, timestamp, parents });
  }
  return { commits, truncated: false };
}

function formatMs(ms: number): string {
  return new Date(ms).toISOString();
}
