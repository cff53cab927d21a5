import type { SyncConfig, SyncRun as WireRun } from "../../sdk/contract/sync.ts";
import type { SyncLink, SyncRun } from "../ports/sync.ts";

/** A link as the API shows it. */
export function formatLink(link: SyncLink, repoId: string, publicUrl: string): SyncConfig {
  const { branches, triggers } = link;
  const only = branches?.length === 1 ? (branches[0] ?? null) : null;
  return {
    id: link.id,
    repo_id: repoId,
    connection_id: link.connectionId,
    provider: link.provider,
    remote: link.remote,
    url: link.url,
    direction: link.direction,
    branch: only !== null && /[*?]/.test(only) ? null : only,
    branches: branches === null ? null : [...branches],
    tags: link.tags,
    force: link.force,
    prune: link.prune,
    atomic: link.atomic,
    auto_sync: triggers.push || triggers.webhook || triggers.intervalSec !== null,
    on: [...(triggers.push ? (["push"] as const) : []), ...(triggers.webhook ? (["webhook"] as const) : [])],
    interval_seconds: triggers.intervalSec,
    webhook_id: null,
    webhook_url: triggers.webhook ? `${publicUrl}/v1/hooks/${link.provider}/${link.id}` : null,
    state: link.state,
    state_reason: link.stateReason,
    failures: link.failures,
    next_run_at: formatTime(link.nextRunAtMs),
    last_synced_sha: link.lastSyncedSha,
    last_synced_at: formatTime(link.lastSyncedAtMs),
    last_error: link.lastError,
    created_at: new Date(link.createdAtMs).toISOString(),
    updated_at: new Date(link.updatedAtMs).toISOString(),
  };
}

/** A run as the API shows it. */
export function formatRun(run: SyncRun): WireRun {
  const { report } = run;
  return {
    id: run.id,
    sync_id: run.linkId,
    direction: run.spec.direction,
    remote: run.spec.remote,
    url: run.spec.url,
    trigger: run.trigger,
    status: run.status,
    attempts: run.attempts,
    created_at: new Date(run.createdAtMs).toISOString(),
    started_at: formatTime(run.startedAtMs),
    ended_at: formatTime(run.endedAtMs),
    error: report?.failure
      ? {
          code: report.failure.code,
          message: report.failure.message,
          retry_after: report.failure.retryAfterSec,
        }
      : null,
    refs: (report?.refs ?? []).map(({ ref, direction, outcome, oldSha, newSha, message }) => ({
      ref,
      direction,
      status: outcome,
      old_sha: oldSha,
      new_sha: newSha,
      message,
    })),
    refs_total: report?.total ?? 0,
    objects: report?.objects ?? 0,
    pack_bytes: report?.bytes ?? 0,
  };
}

function formatTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
