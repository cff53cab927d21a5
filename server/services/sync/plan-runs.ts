import type { SyncFailureCode, SyncLink, SyncReport, SyncTrigger } from "../../ports/sync.ts";

/** Waits after one failure, two, … in a row. */
const BACKOFF_SEC = [60, 5 * 60, 15 * 60, 60 * 60, 6 * 60 * 60];
/** So many failures in a row stop a link. */
const MAX_FAILURES = 10;

/** Trying again does not help: somebody has to change something. */
const FINAL: ReadonlySet<SyncFailureCode> = new Set([
  "unauthorized",
  "forbidden",
  "not-found",
  "not-git",
  "refused-address",
  "no-credential",
  "too-large",
  "repository-gone",
]);

/** What a run's end changes about its link. */
export type LinkPlan = Pick<
  SyncLink,
  "state" | "stateReason" | "failures" | "lastSyncedAtMs" | "lastError" | "lastSyncedSha"
> & {
  /** The next run by itself; null: none. */
  readonly due: { readonly trigger: SyncTrigger; readonly dueMs: number } | null;
};

/** Those of the links whose time has come. */
export function planDue<T extends { readonly dueMs: number }>(
  links: readonly T[],
  nowMs: number,
): readonly T[] {
  return links.filter(({ dueMs }) => dueMs <= nowMs);
}

/** A success makes a link active again; a failure puts the next try off, or stops it when trying again cannot help. */
export function afterRun(
  link: SyncLink,
  trigger: SyncTrigger,
  { report, nowMs }: { readonly report: SyncReport; readonly nowMs: number },
): LinkPlan {
  const { failure } = report;
  const { intervalSec } = link.triggers;
  if (failure === null) {
    return {
      state: "active",
      stateReason: null,
      failures: 0,
      lastSyncedAtMs: nowMs,
      lastError: describeOpen(report),
      lastSyncedSha: findSyncedSha(report) ?? link.lastSyncedSha,
      due: intervalSec === null ? null : { trigger: "interval", dueMs: nowMs + intervalSec * 1_000 },
    };
  }
  const failures = link.failures + 1;
  const isFinal = FINAL.has(failure.code) || failures >= MAX_FAILURES;
  const waitSec = Math.max(
    BACKOFF_SEC[Math.min(failures, BACKOFF_SEC.length) - 1] ?? 0,
    failure.retryAfterSec ?? 0,
  );
  const runsByItself = trigger !== "manual" || intervalSec !== null;
  const next = trigger === "manual" ? "interval" : trigger;
  return {
    state: isFinal ? "stopped" : "active",
    stateReason: isFinal ? failure.message : null,
    failures,
    lastSyncedAtMs: link.lastSyncedAtMs,
    lastError: failure.message,
    lastSyncedSha: link.lastSyncedSha,
    due: isFinal || !runsByItself ? null : { trigger: next, dueMs: nowMs + waitSec * 1_000 },
  };
}

function describeOpen({ refs }: SyncReport): string | null {
  const open = refs.find(({ outcome }) => outcome === "diverged" || outcome === "rejected");
  return open ? `${open.ref}: ${open.message ?? open.outcome}` : null;
}

/** Where the first branch of the report now is on both sides. */
function findSyncedSha({ refs }: SyncReport): SyncLink["lastSyncedSha"] {
  const same = refs.filter(({ outcome }) => /^(created|updated|forced|up-to-date)$/.test(outcome));
  const branch = same.find(({ ref }) => ref.startsWith("refs/heads/"));
  return branch?.newSha ?? null;
}
