import type { UsageCounts, UsageRow } from "../../ports/account.ts";

/** Something that a caller did. */
export interface UsageNote extends UsageCounts {
  readonly orgId: string;
  readonly repoId: string | null;
  readonly actor: string;
}

/** Counts what requests did, and tells each org now and then. */
export interface UsageTally {
  note(note: UsageNote): void;
}

export interface UsageTallyDeps {
  /** Never on the way of a reply. */
  readonly report: (orgId: string, rows: readonly UsageRow[]) => Promise<void>;
  /** Keeps the process that runs requests alive until the work is done. */
  readonly defer: (work: () => Promise<void>) => void;
  readonly wait: (ms: number) => Promise<void>;
  readonly now: () => number;
  /** Hears of counters that are lost. */
  readonly onLost: (error: unknown) => void;
}

/** From the first request to the report of it and of all that come meanwhile. What is not reported a crash loses. */
const REPORT_DELAY_MS = 2_000;
/** A report that has not happened by then was cut off with the request that was to make it. */
const REPORT_LATE_MS = 30_000;
/** Pairs of repository and caller in one report; with more than that it is not waited for the time. */
const ROWS_MAX = 500;

interface OrgTally {
  readonly rows: Map<string, UsageRow>;
  dueMs: number | null;
}

export function createUsageTally(deps: UsageTallyDeps): UsageTally {
  const orgs = new Map<string, OrgTally>();
  const flush = async (orgId: string) => {
    const rows = [...(orgs.get(orgId)?.rows.values() ?? [])];
    orgs.delete(orgId);
    if (rows.length === 0) return;
    try {
      await deps.report(orgId, rows);
    } catch (error) {
      // It may have arrived: sent again it could count twice.
      deps.onLost(error);
    }
  };
  return {
    note(note) {
      const { orgId, ...counts } = note;
      const org = orgs.get(orgId) ?? { rows: new Map(), dueMs: null };
      orgs.set(orgId, org);
      addRow(org.rows, { ...counts, day: new Date(deps.now()).toISOString().slice(0, 10) });
      if (org.rows.size >= ROWS_MAX) {
        deps.defer(() => flush(orgId));
        return;
      }
      if (org.dueMs !== null && deps.now() < org.dueMs + REPORT_LATE_MS) return;
      org.dueMs = deps.now() + REPORT_DELAY_MS;
      deps.defer(async () => {
        await deps.wait(REPORT_DELAY_MS);
        await flush(orgId);
      });
    },
  };
}

function addRow(rows: Map<string, UsageRow>, row: UsageRow): void {
  const key = `${row.day} ${row.repoId} ${row.actor}`;
  const known = rows.get(key);
  rows.set(
    key,
    known
      ? {
          ...row,
          requests: known.requests + row.requests,
          commits: known.commits + row.commits,
          bytesIn: known.bytesIn + row.bytesIn,
          bytesOut: known.bytesOut + row.bytesOut,
        }
      : row,
  );
}
