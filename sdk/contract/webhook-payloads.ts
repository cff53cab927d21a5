/** Bodies of deliveries: types alone, for those who receive them. */

export interface WebhookActor {
  readonly id: string;
  readonly type: "key" | "token" | "signed" | "operator" | "system" | "anonymous";
}

export interface WebhookRepository {
  readonly id: string;
  readonly namespace: string | null;
  readonly slug: string;
  /** null: the repository is gone. */
  readonly default_branch: string | null;
  readonly visibility: string | null;
}

export interface WebhookCommit {
  readonly sha: string;
  /** Its first 1,000 characters. */
  readonly message: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly timestamp: string;
  readonly parents: readonly string[];
}

interface PayloadBase {
  /** Of what happened: the same for all webhooks that are told. */
  readonly id: string;
  readonly created_at: string;
  readonly organization: { readonly id: string; readonly slug: string };
  readonly repository: WebhookRepository;
  readonly actor: WebhookActor;
}

export interface PingPayload {
  readonly event: "ping";
  readonly organization: { readonly id: string; readonly slug: string };
  readonly webhook: { readonly id: string; readonly url: string; readonly events: readonly string[] };
}

export interface PushPayload extends PayloadBase {
  readonly event: "push";
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  /** What the reflog says: `commit: …`, `push`, `merge …`. */
  readonly reason: string;
  /** null: the ref is new. */
  readonly before: string | null;
  /** null: the ref is gone. */
  readonly after: string | null;
  readonly created: boolean;
  readonly deleted: boolean;
  /** The same as `actor`. */
  readonly pusher: WebhookActor;
  /** Newest first, at most 20; of a tag none. */
  readonly commits: readonly WebhookCommit[];
  /** There are more, or they could not be read because the repository is gone. */
  readonly commits_truncated: boolean;
}

export interface RefPayload extends PayloadBase {
  readonly event: "branch.created" | "branch.deleted" | "tag.created" | "tag.deleted";
  readonly ref: string;
  readonly reason: string;
  /** Without `refs/heads/` or `refs/tags/`. */
  readonly name: string;
  /** Where it is, or was. */
  readonly sha: string;
}

export interface RepoPayload extends PayloadBase {
  readonly event: "repo.created" | "repo.updated" | "repo.deleted";
  /** Settings: of an update those that it named. */
  readonly changes: Readonly<Record<string, unknown>>;
}

/** By `event`. New events may come for webhooks that listen to `*`. */
export type WebhookPayload = PingPayload | PushPayload | RefPayload | RepoPayload;
