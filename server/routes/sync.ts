import { createHash } from "node:crypto";
import type {
  SyncConfigCreated,
  SyncTriggered,
  syncEndpoints,
  SyncRun as WireRun,
} from "../../sdk/contract/sync.ts";
import type { Oid } from "../git/hash/oid.ts";
import { quotaExceeded } from "../middleware/quota.ts";
import { invalidField, notFound, RequestError, unprocessable } from "../middleware/request-error.ts";
import type { RepoRecord } from "../ports/org.ts";
import type { RepoHandle, RepoLifecycle } from "../ports/repo.ts";
import type { RunRequest, SyncDirection, SyncLink, SyncRun, SyncSpec, SyncStore } from "../ports/sync.ts";
import { createRepo } from "../services/create-repo.ts";
import { randomText } from "../services/org-keys.ts";
import type { AddressRules } from "../services/public-address.ts";
import { countChanges } from "../services/sync/count-changes.ts";
import { formatLinkId, type HookSecrets } from "../services/sync/hook-secret.ts";
import { type LinkRequest, planSpec, planTriggers } from "../services/sync/plan-link.ts";
import { createHookHandler } from "./hooks.ts";
import { formatListCursor, parseListCursor } from "./list-cursor.ts";
import { checkNamespacedSlug, formatRepo, readOrgIdempotency } from "./repos.ts";
import type { HandlersFor, RequestContext } from "./router.ts";
import { formatLink, formatRun } from "./sync-replies.ts";

export interface SyncHandlerDeps {
  readonly openSync: (repoId: string) => SyncStore;
  readonly repos: RepoLifecycle;
  readonly rules: AddressRules;
  /** null: the deployment has no key to derive them from. */
  readonly hookSecrets: HookSecrets | null;
}

const LINK_RANDOM_CHARS = 12;
const SHOWN_RUNS = 10;
const TRIGGER_WAIT_SEC = 25;

/** Links to other git servers, and their runs. */
export function createSyncHandlers(deps: SyncHandlerDeps): HandlersFor<typeof syncEndpoints> {
  return {
    "POST /import": (context) => postImport(deps, context),
    "POST /repos/:repo/sync/config": (context) => postConfig(deps, context),
    async "GET /repos/:repo/sync/config"({ repo, publicUrl }) {
      const links = await deps.openSync(repo.record.id).listLinks();
      const configs = links.map((link) => formatLink(link, repo.record.id, publicUrl));
      return { config: configs[0] ?? null, configs };
    },
    async "PATCH /repos/:repo/sync/config"(context) {
      const { repo, publicUrl, body } = context;
      const store = deps.openSync(repo.record.id);
      const link = await chooseLink(store, context.query.sync_id);
      const request = readScope({ ...body, connection_id: undefined });
      const spec = await readSpec(deps, context, { request, before: link });
      const triggers = planTriggers(request, spec.direction, link.triggers);
      const { remote, url, direction, branches, tags, force, prune, atomic } = spec;
      const patch = { remote, url, direction, branches, tags, force, prune, atomic, triggers };
      const updated = await store.updateLink(link.id, patch);
      if (!updated) throw notFound("Sync config");
      return { ...formatLink(updated, repo.record.id, publicUrl), updated: true };
    },
    async "DELETE /repos/:repo/sync/config"({ repo, query }) {
      const store = deps.openSync(repo.record.id);
      const link = await chooseLink(store, query.sync_id);
      if (!(await store.deleteLink(link.id))) throw notFound("Sync config");
      return { deleted: true };
    },
    "POST /repos/:repo/sync": (context) => postTrigger(deps, context),
    async "GET /repos/:repo/sync"({ repo, publicUrl }) {
      const store = deps.openSync(repo.record.id);
      const [links, { runs }] = await Promise.all([store.listLinks(), store.listRuns({ limit: SHOWN_RUNS })]);
      return {
        configs: links.map((link) => formatLink(link, repo.record.id, publicUrl)),
        runs: runs.map(formatRun),
      };
    },
    "POST /repos/:repo/sync/import": (context) => postRun(deps, context, "import"),
    "POST /repos/:repo/sync/export": (context) => postRun(deps, context, "export"),
    async "GET /repos/:repo/sync/history"({ repo, query }) {
      const page = await deps.openSync(repo.record.id).listRuns({
        limit: query.limit,
        ...(query.cursor !== undefined && { before: parseListCursor("sync-runs", query.cursor) }),
        ...(query.sync_id !== undefined && { linkId: query.sync_id }),
      });
      return {
        runs: page.runs.map(formatRun),
        next_cursor: page.next === null ? null : formatListCursor("sync-runs", page.next),
      };
    },
    async "GET /repos/:repo/sync/runs/:id"({ repo, params, query }) {
      const run = await deps.openSync(repo.record.id).awaitRun(params.id, query.wait_seconds * 1_000);
      if (!run) throw notFound("Sync run");
      return formatRun(run);
    },
    "POST /hooks/:provider/:id": createHookHandler(deps),
  };
}

type AnyContext = Pick<
  RequestContext<"POST /repos/:repo/sync/config">,
  "org" | "idempotencyKey" | "principal" | "publicUrl"
>;

async function postConfig(
  deps: SyncHandlerDeps,
  context: RequestContext<"POST /repos/:repo/sync/config">,
): Promise<SyncConfigCreated> {
  return createLink(deps, context, {
    record: context.repo.record,
    request: readScope(context.body),
    body: context.body,
  });
}

interface LinkParts {
  readonly record: RepoRecord;
  readonly request: LinkRequest;
  /** What the caller sent: for its Idempotency-Key. */
  readonly body: unknown;
}

async function createLink(
  deps: SyncHandlerDeps,
  context: AnyContext,
  { record, request, body }: LinkParts,
): Promise<SyncConfigCreated> {
  const spec = await readSpec(deps, context, { request, before: null });
  const triggers = planTriggers(request, spec.direction, null);
  const secrets = triggers.webhook ? readSecrets(deps.hookSecrets) : null;
  const created = await deps
    .openSync(record.id)
    .createLink(
      record,
      { ...spec, id: formatLinkId(record.id, randomText(LINK_RANDOM_CHARS)), triggers },
      readIdempotency(context, "link", body),
    );
  if (created.kind === "full") {
    throw new RequestError("QUOTA_EXCEEDED", `The repository has ${created.limit} links already`, {
      limit: created.limit,
    });
  }
  if (created.kind === "idempotency-mismatch") throw keyReused();
  return {
    ...formatLink(created.link, record.id, context.publicUrl),
    webhook_secret: secrets?.secretOf(created.link.id) ?? null,
  };
}

async function postImport(deps: SyncHandlerDeps, context: RequestContext<"POST /import">) {
  const { body, org } = context;
  const { sync } = body;
  checkNamespacedSlug({ namespace: body.namespace ?? null, slug: body.slug });
  const request: LinkRequest = {
    ...readScope({ ...body, remote: body.url }),
    ...(sync && readScope({ ...sync, connection_id: undefined })),
  };
  // Everything that can be refused is refused before the repository is made.
  const spec = await readSpec(deps, context, { request, before: null });
  if (sync && planTriggers(request, spec.direction, null).webhook) readSecrets(deps.hookSecrets);
  const made = await createRepo(
    { org: org.store, repos: deps.repos },
    {
      namespace: body.namespace ?? null,
      slug: body.slug,
      description: body.description ?? null,
      visibility: body.visibility,
      defaultBranch: "main",
      isTemplate: false,
      autoIndex: false,
      init: false,
      fork: null,
    },
    {
      orgId: org.id,
      actor: actorOf(context),
      nowMs: context.now(),
      ...readOrgIdempotency(context, "import"),
    },
  );
  if (made.kind === "taken") throw new RequestError("CONFLICT", `Repository ${body.slug} exists already`);
  if (made.kind === "idempotency-mismatch") throw keyReused();
  if (made.kind === "quota-exceeded") throw quotaExceeded(made.excess);
  const record = made.repo;
  const config = sync ? await createLink(deps, context, { record, request, body }) : null;
  const run = await startRun(deps, context, {
    record,
    work: { linkId: config?.id ?? null, spec: { ...spec, direction: "import" }, trigger: "manual" },
    body,
    waitSec: body.wait_seconds ?? 0,
  });
  return { repo: formatRepo(record, context.publicUrl), run, config };
}

async function postRun(
  deps: SyncHandlerDeps,
  context: RequestContext<"POST /repos/:repo/sync/import"> | RequestContext<"POST /repos/:repo/sync/export">,
  direction: SyncDirection,
): Promise<WireRun> {
  const { body, repo } = context;
  const { record } = repo;
  const isOnce = body.remote !== undefined;
  if (isOnce && body.sync_id !== undefined) throw invalidField("sync_id", "cannot be given beside remote");
  const link = isOnce ? null : await chooseLink(deps.openSync(record.id), body.sync_id);
  if (link && body.connection_id) throw invalidField("connection_id", "cannot be given without remote");
  const request = { ...readScope(body), direction };
  const spec = await readSpec(deps, context, { request, before: link });
  const work = { linkId: link?.id ?? null, spec, trigger: "manual" } as const;
  return startRun(deps, context, {
    record,
    work,
    body: { ...body, direction },
    waitSec: body.wait_seconds ?? 0,
  });
}

async function postTrigger(
  deps: SyncHandlerDeps,
  context: RequestContext<"POST /repos/:repo/sync">,
): Promise<SyncTriggered> {
  const { body, repo } = context;
  const { record } = repo;
  const link = await chooseLink(deps.openSync(record.id), body.sync_id);
  const request = body.branch === undefined ? {} : { branch: body.branch };
  const spec = await readSpec(deps, context, { request, before: link });
  const run = await startRun(deps, context, {
    record,
    work: { linkId: link.id, spec, trigger: "manual" },
    body,
    waitSec: body.wait_seconds ?? TRIGGER_WAIT_SEC,
  });
  if (run.error)
    throw unprocessable(`The sync failed: ${run.error.message}`, { reason: run.error.code, run });
  return { ...(await summarize(repo, run)), run };
}

const MOVED = /^(created|updated|forced|deleted)$/;
const SAME = /^(created|updated|forced|up-to-date)$/;

/** The words of the API that this one follows, which knew one branch: the first that moved, or else the first. */
async function summarize(repo: RepoHandle, run: WireRun) {
  const branches = run.refs.filter(({ ref, status }) => ref.startsWith("refs/heads/") && SAME.test(status));
  const moved = branches.find(({ status }) => MOVED.test(status));
  const counted =
    moved?.new_sha && moved.direction === "import"
      ? await countChanges(repo, moved.old_sha as Oid | null, moved.new_sha as Oid) // as the run has them
      : null;
  return {
    synced: run.ended_at === null ? null : run.refs.some(({ status }) => MOVED.test(status)),
    remote_sha: (moved ?? branches[0])?.new_sha ?? null,
    commit_sha: moved?.new_sha ?? null,
    files_changed: counted?.changed ?? 0,
    deleted: counted?.deleted ?? 0,
  };
}

interface RunParts {
  readonly record: RepoRecord;
  readonly work: Pick<RunRequest, "linkId" | "spec" | "trigger">;
  readonly body: unknown;
  readonly waitSec: number;
}

async function startRun(
  deps: SyncHandlerDeps,
  context: AnyContext,
  { record, work, body, waitSec }: RunParts,
): Promise<WireRun> {
  const store = deps.openSync(record.id);
  const idempotency = readIdempotency(context, "run", body);
  const started = await store.start(record, { ...work, ...(idempotency && { idempotency }) });
  if (started.kind === "idempotency-mismatch") throw keyReused();
  if (started.kind === "busy") {
    throw new RequestError("RATE_LIMITED", `${started.limit} runs of this repository are waiting already`, {
      limit: started.limit,
    });
  }
  const run: SyncRun | null =
    waitSec > 0 ? await store.awaitRun(started.run.id, waitSec * 1_000) : started.run;
  return formatRun(run ?? started.run);
}

/** The link that a request means. @throws RequestError NOT_FOUND; VALIDATION_ERROR when it must say which */
async function chooseLink(store: SyncStore, id: string | undefined): Promise<SyncLink> {
  const links = await store.listLinks();
  if (id === undefined && links.length > 1)
    throw invalidField("sync_id", `is required: there are ${links.length} links`);
  const link = id === undefined ? links[0] : links.find((candidate) => candidate.id === id);
  if (!link) throw notFound("Sync config");
  return link;
}

async function readSpec(
  { rules }: SyncHandlerDeps,
  { org }: AnyContext,
  { request, before }: { readonly request: LinkRequest; readonly before: SyncSpec | null },
): Promise<SyncSpec> {
  const spec = await planSpec({ org: org.store, rules }, request, before);
  if ("kind" in spec) throw invalidField("connection_id", "there is no such connection");
  return spec;
}

/** What the wire says of a link, in the words of the service. */
function readScope(body: {
  readonly connection_id?: string | null | undefined;
  readonly remote?: string | undefined;
  readonly direction?: SyncDirection | undefined;
  readonly branch?: string | undefined;
  readonly branches?: string[] | undefined;
  readonly tags?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly prune?: boolean | undefined;
  readonly atomic?: boolean | undefined;
  readonly auto_sync?: boolean | undefined;
  readonly on?: ("push" | "webhook")[] | undefined;
  readonly interval_seconds?: number | null | undefined;
}): LinkRequest {
  const words = {
    connectionId: body.connection_id,
    remote: body.remote,
    direction: body.direction,
    branch: body.branch,
    branches: body.branches,
    tags: body.tags,
    force: body.force,
    prune: body.prune,
    atomic: body.atomic,
    autoSync: body.auto_sync,
    on: body.on,
    intervalSec: body.interval_seconds,
  };
  // What was not said must be absent, or it would stand in the way of what was before.
  return Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
}

function readSecrets(secrets: HookSecrets | null): HookSecrets {
  if (secrets) return secrets;
  throw unprocessable("This deployment takes no webhooks: its operator has to set the secret SECRETS_KEY", {
    reason: "no-secrets-key",
  });
}

function readIdempotency({ idempotencyKey, principal }: AnyContext, subject: string, body: unknown) {
  if (idempotencyKey === null) return undefined;
  const fingerprint = createHash("sha256").update(JSON.stringify(body)).digest("hex");
  return { key: JSON.stringify([principal?.actor ?? "anonymous", subject, idempotencyKey]), fingerprint };
}

function actorOf({ principal }: AnyContext): string {
  return principal?.actor ?? "anonymous";
}

function keyReused(): RequestError {
  return unprocessable("This Idempotency-Key was used for another request");
}
