import { DurableObject } from "cloudflare:workers";
import { LIMITS } from "../../sdk/contract/limits.ts";
import type { OrgStore, RepoRecord } from "../ports/org.ts";
import type {
  LinkCreation,
  NewSyncLink,
  RunRequest,
  RunStart,
  SyncLink,
  SyncLinkPatch,
  SyncRun,
  SyncStore,
} from "../ports/sync.ts";
import { randomText } from "../services/org-keys.ts";
import { findAddressFault, parseAllowedHosts } from "../services/public-address.ts";
import { createSecretSealer } from "../services/seal-secret.ts";
import { afterRun, type LinkPlan, planDue } from "../services/sync/plan-runs.ts";
import { judgeReport, runSync, type SyncDeps } from "../services/sync/run-sync.ts";
import { createDurableOrgStore } from "../stores/durable-org-store.ts";
import { createDurableRepoStore } from "../stores/durable-repo-store.ts";
import { createHttpRemotes } from "../stores/http-remote.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { createR2Files } from "../stores/r2-files.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import type { RepoRpc } from "../stores/repo-rpc.ts";
import { createSyncTable, type SyncTable } from "./sync-table.ts";

/** What a SyncDO needs of its environment. */
export interface SyncEnv {
  readonly PACKS: R2Bucket;
  readonly REPO: { getByName(name: string): RepoRpc };
  readonly ORG: { getByName(name: string): OrgStore };
  readonly SECRETS_KEY?: string;
  readonly SECRETS_KEY_PREVIOUS?: string;
  /** Hosts that may be called although they are not public. */
  readonly OUTBOUND_HOSTS?: string;
}

/** Pushes that come so soon after each other make one run. */
const PUSH_DELAY_MS = 2_000;
/** The other side's hook may come before its own refs have settled. */
const HOOK_DELAY_MS = 1_000;
/** A run that was cut short is begun again after a start of the server; as often as this. */
const MAX_ATTEMPTS = 3;
const KEPT_RUNS = 100;

const RUN_ID_CHARS = 20;

/** What is read of the repository during a run; apart from those of requests, and small: blobs pass through. */
const cache = createObjectCache({ objectBytes: 16 * 1024 * 1024, partBytes: 16 * 1024 * 1024, blobs: false });

/**
 * The links of one repository to other servers. Runs are rows; the alarm takes one at a time, so two never move the same
 * refs, and one that a crash cut short is begun again: what it had brought was never visible, what it had moved is found
 * moved. Its methods are {@link SyncStore}.
 */
export class SyncDO extends DurableObject<SyncEnv> implements SyncStore {
  readonly #table: SyncTable;
  readonly #waiting = new Map<string, Set<() => void>>();
  /** The run that this instance works on. */
  #current: string | null = null;
  #deps: Omit<SyncDeps, "org"> | null = null;

  constructor(ctx: DurableObjectState, env: SyncEnv) {
    super(ctx, env);
    this.#table = createSyncTable(ctx.storage);
  }

  async createLink(
    repo: RepoRecord,
    link: NewSyncLink,
    idempotency?: { readonly key: string; readonly fingerprint: string },
  ): Promise<LinkCreation> {
    const earlier = idempotency ? this.#table.findLinkReceipt(idempotency.key) : null;
    if (earlier) {
      const isSame = earlier.fingerprint === idempotency?.fingerprint;
      return isSame ? { kind: "created", link: earlier.link } : { kind: "idempotency-mismatch" };
    }
    if (this.#table.listLinks().length >= LIMITS.syncLinks) return { kind: "full", limit: LIMITS.syncLinks };
    const nowMs = Date.now();
    const created: SyncLink = {
      ...link,
      state: "active",
      stateReason: null,
      failures: 0,
      nextRunAtMs: null,
      lastSyncedAtMs: null,
      lastError: null,
      lastSyncedSha: null,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    this.#table.putRepo(repo);
    this.#table.insertLink(created, idempotency);
    this.#planInterval(created, nowMs);
    await this.#followPushes();
    await this.#schedule();
    return { kind: "created", link: this.#table.findLink(link.id) ?? created };
  }

  async listLinks() {
    return this.#table.listLinks();
  }

  async findLink(id: string) {
    return this.#table.findLink(id);
  }

  async updateLink(id: string, patch: SyncLinkPatch): Promise<SyncLink | null> {
    const link = this.#table.findLink(id);
    if (!link) return null;
    const nowMs = Date.now();
    const updated: SyncLink = {
      ...link,
      ...patch,
      state: "active",
      stateReason: null,
      failures: 0,
      updatedAtMs: nowMs,
    };
    this.#table.putLink(updated);
    this.#table.setDue(id, null);
    this.#planInterval(updated, nowMs);
    await this.#followPushes();
    await this.#schedule();
    return this.#table.findLink(id);
  }

  async deleteLink(id: string): Promise<boolean> {
    const deleted = this.#table.deleteLink(id);
    if (deleted) await this.#followPushes();
    return deleted;
  }

  async start(repo: RepoRecord, request: RunRequest): Promise<RunStart> {
    const { idempotency } = request;
    const earlier = idempotency ? this.#table.findRunReceipt(idempotency.key) : null;
    if (earlier) {
      const isSame = earlier.fingerprint === idempotency?.fingerprint;
      return isSame ? { kind: "started", run: earlier.run } : { kind: "idempotency-mismatch" };
    }
    const queued = this.#table.listOpenRuns("queued");
    const waiting = queued.find((run) => isSameWork(run, request));
    if (waiting && !idempotency) return { kind: "started", run: waiting };
    if (queued.length >= LIMITS.syncQueuedRuns) return { kind: "busy", limit: LIMITS.syncQueuedRuns };
    this.#table.putRepo(repo);
    const run = this.#queue(request);
    await this.#followPushes();
    await this.#schedule();
    return { kind: "started", run };
  }

  async findRun(id: string) {
    return this.#table.findRun(id);
  }

  async awaitRun(id: string, waitMs: number): Promise<SyncRun | null> {
    const run = this.#table.findRun(id);
    if (!run || (run.status !== "queued" && run.status !== "running")) return run;
    await new Promise<void>((resume) => {
      const waiters = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiters);
      const end = () => {
        clearTimeout(timer);
        waiters.delete(end);
        resume();
      };
      const timer = setTimeout(end, waitMs);
      waiters.add(end);
    });
    return this.#table.findRun(id);
  }

  async listRuns(query: { readonly limit: number; readonly before?: number; readonly linkId?: string }) {
    return this.#table.listRuns(query);
  }

  async notePush(): Promise<void> {
    const dueMs = Date.now() + PUSH_DELAY_MS;
    for (const link of this.#table.listLinks())
      if (link.triggers.push) this.#bringForward(link, { trigger: "push", dueMs });
    await this.#schedule();
  }

  async noteHook(linkId: string): Promise<boolean> {
    const link = this.#table.findLink(linkId);
    if (!link?.triggers.webhook) return false;
    this.#bringForward(link, { trigger: "webhook", dueMs: Date.now() + HOOK_DELAY_MS });
    await this.#schedule();
    return true;
  }

  async destroy(): Promise<void> {
    if (!this.#table.exists()) return;
    for (const link of this.#table.listLinks()) this.#table.deleteLink(link.id);
    for (const run of this.#table.listOpenRuns("queued")) this.#table.putRun({ ...run, status: "failed" });
    this.#table.trimRuns(0);
  }

  /** One run at a time; each gets an alarm, and the time of an alarm, of its own. Never throws: the rows say what is left. */
  override async alarm(): Promise<void> {
    this.#recover();
    this.#queueDue();
    const run = this.#table.listOpenRuns("queued")[0];
    // An alarm is forgotten when it has come to an end: should the process end before, the next one begins with it.
    if (run) await this.#execute(run);
    await this.#schedule();
  }

  /** Rows of runs that were going when the object died. */
  #recover(): void {
    for (const run of this.#table.listOpenRuns("running")) {
      if (run.id === this.#current) continue;
      if (run.attempts < MAX_ATTEMPTS) this.#table.putRun({ ...run, status: "queued" });
      else this.#finish(run, { refs: [], total: 0, objects: 0, bytes: 0, failure: INTERRUPTED });
    }
  }

  /** Turns links whose time has come into runs. */
  #queueDue(): void {
    const waiting = new Set(this.#table.listOpenRuns("queued").map(({ linkId }) => linkId));
    for (const { id, trigger } of planDue(this.#table.listDue(), Date.now())) {
      const link = this.#table.findLink(id);
      this.#table.setDue(id, null);
      if (link?.state === "active" && !waiting.has(id))
        this.#queue({ linkId: id, spec: toSpec(link), trigger });
    }
  }

  #queue({ linkId, spec, trigger, idempotency }: RunRequest): SyncRun {
    const run = {
      id: `run_${randomText(RUN_ID_CHARS)}`,
      linkId,
      spec,
      trigger,
      status: "queued",
      attempts: 0,
      createdAtMs: Date.now(),
      startedAtMs: null,
      endedAtMs: null,
      report: null,
    } as const;
    return this.#table.insertRun(run, idempotency);
  }

  async #execute(queued: SyncRun): Promise<void> {
    const record = this.#table.findRepo();
    const run: SyncRun = {
      ...queued,
      status: "running",
      attempts: queued.attempts + 1,
      startedAtMs: Date.now(),
    };
    this.#table.putRun(run);
    this.#current = run.id;
    try {
      if (!record) throw new Error("a run without a repository");
      // Written down before anything is asked: a crash of the object in the run must find the row.
      await this.ctx.storage.sync();
      const org = createDurableOrgStore(() => this.env.ORG.getByName(record.orgId));
      const { report, settled } = await runSync(
        { ...this.#createDeps(), org },
        {
          repo: this.#openRepo(record),
          spec: run.spec,
          actor: run.linkId === null ? `sync:${run.id}` : `sync:${run.linkId}`,
          synced: run.linkId === null ? new Map() : this.#table.readSettled(run.linkId),
        },
      );
      if (run.linkId !== null && this.#table.findLink(run.linkId))
        this.#table.writeSettled(run.linkId, settled);
      this.#finish(run, report);
      if (report.failure === null && run.spec.connectionId !== null) {
        await org.updateConnection(run.spec.connectionId, { lastSyncedAtMs: Date.now() });
      }
    } catch (error) {
      console.error(`sync run ${run.id} failed`, error);
      if (this.#table.findRun(run.id)?.status === "running") {
        this.#finish(run, { refs: [], total: 0, objects: 0, bytes: 0, failure: INTERNAL });
      }
    } finally {
      this.#current = null;
    }
  }

  /** Writes down how a run ended, and what that means for its link. */
  #finish(run: SyncRun, report: NonNullable<SyncRun["report"]>): void {
    const nowMs = Date.now();
    this.#table.putRun({ ...run, status: judgeReport(report), endedAtMs: nowMs, report });
    const link = run.linkId === null ? null : this.#table.findLink(run.linkId);
    if (link) {
      const { due, ...state }: LinkPlan = afterRun(link, run.trigger, { report, nowMs });
      this.#table.putLink({ ...link, ...state });
      // What was asked for during a run that went well stays due; after a failure everything waits.
      if (report.failure !== null || link.nextRunAtMs === null) this.#table.setDue(link.id, due);
    }
    this.#table.trimRuns(KEPT_RUNS);
    for (const resume of this.#waiting.get(run.id) ?? []) resume();
    this.#waiting.delete(run.id);
    if (report.failure?.code === "repository-gone") void this.destroy();
  }

  #bringForward(link: SyncLink, due: { readonly trigger: "push" | "webhook"; readonly dueMs: number }): void {
    if (link.state !== "active") return;
    // After failures a link waits its time: whoever pushes must not make it try more often.
    if (link.failures > 0 && link.nextRunAtMs !== null) return;
    if (link.nextRunAtMs === null || link.nextRunAtMs > due.dueMs) this.#table.setDue(link.id, due);
  }

  #planInterval(link: SyncLink, nowMs: number): void {
    const { intervalSec } = link.triggers;
    if (intervalSec !== null) {
      this.#table.setDue(link.id, { trigger: "interval", dueMs: nowMs + intervalSec * 1_000 });
    }
  }

  /** The repository tells of its moves only while a link waits for them. */
  async #followPushes(): Promise<void> {
    const record = this.#table.findRepo();
    if (!record) return;
    const follows = this.#table.listLinks().some(({ triggers }) => triggers.push);
    await createDurableRepoStore(() => this.env.REPO.getByName(record.id)).followMoves(follows);
  }

  /** Sets the alarm for what comes next. */
  async #schedule(): Promise<void> {
    if (this.#current !== null) return;
    const due = this.#table.listDue()[0]?.dueMs ?? null;
    const isWaiting =
      this.#table.listOpenRuns("queued").length + this.#table.listOpenRuns("running").length > 0;
    const atMs = isWaiting ? Date.now() : due;
    if (atMs === null) await this.ctx.storage.deleteAlarm();
    else await this.ctx.storage.setAlarm(atMs);
  }

  #openRepo(record: RepoRecord) {
    const store = createDurableRepoStore(() => this.env.REPO.getByName(record.id));
    return createRepoHandle(record, { store, files: createR2Files(this.env.PACKS), cache });
  }

  #createDeps(): Omit<SyncDeps, "org"> {
    const { SECRETS_KEY, SECRETS_KEY_PREVIOUS, OUTBOUND_HOSTS } = this.env;
    const rules = { allowedHosts: parseAllowedHosts(OUTBOUND_HOSTS) };
    this.#deps ??= {
      openRemote: createHttpRemotes({
        fetch: (input, init) => fetch(input, init),
        findAddressFault: (url) => findAddressFault(url, rules),
      }),
      sealer: createSecretSealer({ current: SECRETS_KEY, previous: SECRETS_KEY_PREVIOUS }),
      now: Date.now,
      onFailure: (error) => console.error("sync", error),
      maxPackBytes: LIMITS.syncPackBytes,
    };
    return this.#deps;
  }
}

const INTERRUPTED = {
  code: "interrupted",
  message: `the server was ended during the run, ${MAX_ATTEMPTS} times`,
  retryAfterSec: null,
} as const;
const INTERNAL = { code: "internal", message: "internal error", retryAfterSec: null } as const;

/** What a run of this link does. */
function toSpec(link: SyncLink): RunRequest["spec"] {
  const { provider, connectionId, remote, url, direction, branches, tags, force, prune, atomic } = link;
  return { provider, connectionId, remote, url, direction, branches, tags, force, prune, atomic };
}

function isSameWork(run: SyncRun, { linkId, spec }: RunRequest): boolean {
  return run.linkId === linkId && JSON.stringify(run.spec) === JSON.stringify(spec);
}
