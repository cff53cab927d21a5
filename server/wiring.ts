import { waitUntil } from "cloudflare:workers";
import type { Hono } from "hono";
import type { DeliveryMessage, DeliverySource, EventStore } from "./ports/events.ts";
import type { PackFamilies } from "./ports/fork.ts";
import type { OrgStore } from "./ports/org.ts";
import type { SyncStore } from "./ports/sync.ts";
import type { AppParts } from "./routes/create-app.ts";
import { createHttpApp } from "./routes/create-app.ts";
import { createHandlers } from "./routes/handlers.ts";
import type { LfsParts } from "./routes/lfs-http.ts";
import { createListingCache } from "./services/files/listing-cache.ts";
import { hashSecret } from "./services/org-keys.ts";
import { findAddressFault, parseAllowedHosts } from "./services/public-address.ts";
import { createSecretSealer } from "./services/seal-secret.ts";
import { formatViewId } from "./services/sessions/session-id.ts";
import { createHookSecrets } from "./services/sync/hook-secret.ts";
import { createUsageTally } from "./services/usage/usage-tally.ts";
import type { Timers } from "./services/watch/watch-stream.ts";
import { deliverWebhook, type SenderDeps } from "./services/webhooks/deliver-webhook.ts";
import { createDurableDeliverySource, createDurableEventStore } from "./stores/durable-event-store.ts";
import { createDurableLfsStore } from "./stores/durable-lfs-store.ts";
import { createDurableOrgStore } from "./stores/durable-org-store.ts";
import { createDurablePackFamilies } from "./stores/durable-pack-families.ts";
import { createDurableRepoLifecycle } from "./stores/durable-repo-lifecycle.ts";
import { createDurableRepoStore } from "./stores/durable-repo-store.ts";
import { createDurableSessionRepoStore, createDurableSessionStore } from "./stores/durable-session-store.ts";
import { createDurableSyncStore } from "./stores/durable-sync-store.ts";
import { createDurableWatch, type SocketStub } from "./stores/durable-watch.ts";
import { createHttpRemotes } from "./stores/http-remote.ts";
import type { LfsRpc } from "./stores/lfs-rpc.ts";
import { createObjectCache } from "./stores/object-cache.ts";
import { createR2Presigner } from "./stores/presign-r2.ts";
import { createR2Files } from "./stores/r2-files.ts";
import { createR2LfsFiles } from "./stores/r2-lfs-files.ts";
import { createRepoHandle } from "./stores/repo-handle.ts";
import type { RepoRpc } from "./stores/repo-rpc.ts";
import type { SessionRpc } from "./stores/session-rpc.ts";
import { storeObjects } from "./stores/store-pack.ts";

/** Bindings and variables of a deployment; wrangler.toml names them. */
export interface Env {
  readonly FAMILY: { getByName(name: string): PackFamilies };
  readonly REPO: { getByName(name: string): RepoRpc & SocketStub };
  readonly ORG: { getByName(name: string): OrgStore & EventStore & DeliverySource & SocketStub };
  /** By the hash of the session's id. */
  readonly SESSION: { getByName(name: string): SessionRpc };
  /** Large files, by repository. */
  readonly LFS: { getByName(name: string): LfsRpc };
  /** By the repository's id. */
  readonly SYNC: { getByName(name: string): SyncStore };
  readonly PACKS: R2Bucket;
  /** "off" switches rate limits off; read by OrgDO. */
  readonly RATE_LIMITS?: string;
  /** Secret. Opens the operator's routes; without it they do not exist. */
  readonly ADMIN_KEY?: string;
  /** Access to the bucket by its S3 address; with all four, large files do not come through the Worker. */
  readonly R2_ENDPOINT?: string;
  readonly R2_BUCKET?: string;
  /** Secrets. */
  readonly R2_ACCESS_KEY_ID?: string;
  readonly R2_SECRET_ACCESS_KEY?: string;
  /** Largest body that the platform lets through, in bytes: 100 MB on most plans. */
  readonly LFS_PROXY_BYTES?: string;
  /** Secret: 32 bytes in base64url, to seal with what must be readable again. Without it there are no such secrets. */
  readonly SECRETS_KEY?: string;
  /** The key before, while what it sealed is still around. */
  readonly SECRETS_KEY_PREVIOUS?: string;
  /** Private hosts that may be called all the same: `host` or `host:port`, separated by commas. */
  readonly OUTBOUND_HOSTS?: string;
}

const systemTimers: Timers = {
  every(ms, task) {
    const timer = setInterval(task, ms);
    return () => clearInterval(timer);
  },
};

/** The app over a deployment's bindings. */
export function createApp(env: Env): Hono {
  const files = createR2Files(env.PACKS);
  const openOrg = (orgId: string) => createDurableOrgStore(() => env.ORG.getByName(orgId));
  const log = (line: Readonly<Record<string, unknown>>) => console.error(JSON.stringify(line));
  const cache = createObjectCache();
  const parts: AppParts = {
    openOrg,
    usage: createUsageTally({
      report: (orgId, rows) => openOrg(orgId).reportUsage(rows),
      defer: (work) => waitUntil(work()),
      wait: (ms) => scheduler.wait(ms),
      now: Date.now,
      onLost: (error) => log({ level: "warn", message: `counters of usage are lost: ${error}` }),
    }),
    openRepo: (record) =>
      createRepoHandle(record, {
        store: createDurableRepoStore(() => env.REPO.getByName(record.id)),
        files,
        cache,
      }),
    openSession: (hash) => createDurableSessionStore(() => env.SESSION.getByName(hash)),
    openSessionRepo: (hash, record) =>
      // Under a name of its own: what this isolate remembers of the session must not be shown to others.
      createRepoHandle(
        { ...record, id: formatViewId(record.id, hash) },
        { store: createDurableSessionRepoStore(() => env.SESSION.getByName(hash), record.id), files, cache },
      ),
    adminKeyHash: env.ADMIN_KEY ? hashSecret(env.ADMIN_KEY) : null,
    now: Date.now,
    clockMs: () => performance.now(),
    log,
    lfs: createLfsParts(env),
  };
  const repos = createDurableRepoLifecycle(env);
  const outbound = createOutbound(env);
  return createHttpApp(
    parts,
    createHandlers({
      ...parts,
      repos,
      families: createDurablePackFamilies(env.FAMILY),
      storeObjects,
      listings: createListingCache(),
      watches: createDurableWatch({
        connectRepo: (repoId) => env.REPO.getByName(repoId),
        connectOrg: (orgId) => env.ORG.getByName(orgId),
      }),
      timers: systemTimers,
      openEvents: (orgId) => createDurableEventStore(() => env.ORG.getByName(orgId)),
      openSync: (repoId) => createDurableSyncStore(() => env.SYNC.getByName(repoId)),
      addressRules: outbound.rules,
      ...outbound,
    }),
  );
}

/** Bodies that most plans let through to a Worker. */
const PROXY_BYTES = 100_000_000;

function createLfsParts(env: Env): LfsParts {
  const { R2_ENDPOINT, R2_BUCKET, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY, LFS_PROXY_BYTES } = env;
  const presigns = R2_ENDPOINT && R2_BUCKET && R2_ACCESS_KEY_ID && R2_SECRET_ACCESS_KEY;
  return {
    open: (repoId) => createDurableLfsStore(() => env.LFS.getByName(repoId)),
    files: createR2LfsFiles(env.PACKS),
    presigner: presigns
      ? createR2Presigner({
          endpoint: R2_ENDPOINT,
          bucket: R2_BUCKET,
          accessKeyId: R2_ACCESS_KEY_ID,
          secretAccessKey: R2_SECRET_ACCESS_KEY,
        })
      : null,
    proxyBytes: LFS_PROXY_BYTES === undefined ? PROXY_BYTES : Number(LFS_PROXY_BYTES),
  };
}

/** What calls other servers needs. @throws Error when a key has not its form */
function createOutbound(env: Env) {
  const keys = { current: env.SECRETS_KEY, previous: env.SECRETS_KEY_PREVIOUS };
  const rules = { allowedHosts: parseAllowedHosts(env.OUTBOUND_HOSTS) };
  const send: typeof fetch = (input, init) => fetch(input, init);
  const findFault = (url: URL) => findAddressFault(url, rules);
  return {
    rules,
    sealer: createSecretSealer(keys),
    hookSecrets: createHookSecrets(keys),
    fetch: send,
    findAddressFault: findFault,
    openRemote: createHttpRemotes({ fetch: send, findAddressFault: findFault }),
  };
}

/** The fetch handler of a Worker: `export default { fetch: createHandler() }` is a whole deployment. */
export function createHandler(): (request: Request, env: Env, ctx: ExecutionContext) => Promise<Response> {
  const apps = new WeakMap<Env, Hono>();
  return async (request, env, ctx) => {
    let app = apps.get(env);
    if (!app) {
      app = createApp(env);
      apps.set(env, app);
    }
    return app.fetch(request, env, ctx);
  };
}

/** The handler of the queue EVENTS: `export default { fetch: createHandler(), queue: createQueueHandler() }`. */
export function createQueueHandler(): (batch: MessageBatch<DeliveryMessage>, env: Env) => Promise<void> {
  const senders = new WeakMap<Env, SenderDeps>();
  return async (batch, env) => {
    const sender = senders.get(env) ?? createSender(env);
    senders.set(env, sender);
    await Promise.all(
      batch.messages.map(async (message) => {
        try {
          await deliverWebhook(sender, message.body);
          message.ack();
        } catch (error) {
          // The org's store could not be reached. Its alarm sends another message, too.
          console.error("a delivery could not be looked up", error);
          message.retry({ delaySeconds: 5 });
        }
      }),
    );
  };
}

function createSender(env: Env): SenderDeps {
  const files = createR2Files(env.PACKS);
  const cache = createObjectCache();
  return {
    ...createOutbound(env),
    openDeliveries: (orgId) => createDurableDeliverySource(() => env.ORG.getByName(orgId)),
    openRepo: (record) =>
      createRepoHandle(record, {
        store: createDurableRepoStore(() => env.REPO.getByName(record.id)),
        files,
        cache,
      }),
    fetch: (input, init) => fetch(input, init),
    now: Date.now,
    clockMs: () => performance.now(),
  };
}
