import type { UsageCounts, UsageQuery, UsageReport, UsageRow } from "../ports/account.ts";
import { sumUsage, type UsageSum } from "../services/usage/sum-usage.ts";

/** Days that are kept: of the org as a whole, and of each repository and caller. */
const ORG_DAYS = 400;
const SUBJECT_DAYS = 92;
const DAY_MS = 86_400_000;
/** Callers of one day that are counted for themselves. */
export const CALLERS_PER_DAY = 2_000;
/** Where those beyond it are counted. No caller has this name. */
export const OTHER_CALLERS = "~others";

type CountRow = {
  readonly requests: number;
  readonly commits: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
};

const SUMS =
  "sum(requests) AS requests, sum(commits) AS commits, sum(bytes_in) AS bytes_in, sum(bytes_out) AS bytes_out";

/** Adds to the counters of each day: of the org, its repositories and its callers. */
export function addUsage(sql: SqlStorage, rows: readonly UsageRow[], nowMs: number): void {
  const sums = sumUsage(rows);
  let isFull: boolean | null = null;
  for (const sum of sums) {
    isFull ??= countCallers(sql, sum.day) >= CALLERS_PER_DAY;
    const known = sum.kind !== "caller" || !isFull || hasSubject(sql, sum);
    insertSum(sql, known ? sum : { ...sum, subject: OTHER_CALLERS });
  }
  prune(sql, nowMs);
}

function insertSum(
  sql: SqlStorage,
  { day, kind, subject, requests, commits, bytesIn, bytesOut }: UsageSum,
): void {
  sql.exec(
    `INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, kind, subject) DO UPDATE SET
       requests = requests + excluded.requests, commits = commits + excluded.commits,
       bytes_in = bytes_in + excluded.bytes_in, bytes_out = bytes_out + excluded.bytes_out`,
    day,
    kind,
    subject,
    requests,
    commits,
    bytesIn,
    bytesOut,
  );
}

function countCallers(sql: SqlStorage, day: string): number {
  return sql
    .exec<{ n: number }>("SELECT count(*) AS n FROM usage WHERE day = ? AND kind = 'caller'", day)
    .one().n;
}

function hasSubject(sql: SqlStorage, { day, kind, subject }: UsageSum): boolean {
  return (
    sql.exec("SELECT 1 FROM usage WHERE day = ? AND kind = ? AND subject = ?", day, kind, subject).toArray()
      .length > 0
  );
}

function prune(sql: SqlStorage, nowMs: number): void {
  const before = (days: number) => formatDay(nowMs - days * DAY_MS);
  sql.exec("DELETE FROM usage WHERE day < ?", before(ORG_DAYS));
  sql.exec("DELETE FROM usage WHERE day < ? AND kind <> 'org'", before(SUBJECT_DAYS));
}

export function readUsageRows(sql: SqlStorage, { since, until, limit }: UsageQuery): UsageReport {
  const days = sql
    .exec<CountRow & { day: string }>(
      `SELECT day, ${SUMS} FROM usage WHERE kind = 'org' AND day BETWEEN ? AND ? GROUP BY day ORDER BY day`,
      since,
      until,
    )
    .toArray()
    .map((row) => ({ day: row.day, ...toCounts(row) }));
  const total = (of: keyof UsageCounts) => days.reduce((sum, day) => sum + day[of], 0);
  const repos = sql
    .exec<
      CountRow & { subject: string; namespace: string | null; slug: string | null; bytes: number | null }
    >(
      `SELECT u.*, r.namespace, r.slug, s.bytes FROM (SELECT subject, ${SUMS} FROM usage WHERE kind = 'repo'
         AND day BETWEEN ? AND ? GROUP BY subject ORDER BY requests DESC, subject LIMIT ?) AS u
       LEFT JOIN repos AS r ON r.id = u.subject LEFT JOIN repo_storage AS s ON s.repo_id = u.subject
       ORDER BY u.requests DESC, u.subject`,
      since,
      until,
      limit,
    )
    .toArray();
  const callers = sql
    .exec<CountRow & { subject: string }>(
      `SELECT subject, ${SUMS} FROM usage WHERE kind = 'caller' AND day BETWEEN ? AND ?
       GROUP BY subject ORDER BY requests DESC, subject LIMIT ?`,
      since,
      until,
      limit,
    )
    .toArray();
  return {
    totals: {
      requests: total("requests"),
      commits: total("commits"),
      bytesIn: total("bytesIn"),
      bytesOut: total("bytesOut"),
    },
    days,
    repos: repos.map((row) => ({
      id: row.subject,
      name: row.slug === null ? null : { namespace: row.namespace || null, slug: row.slug },
      storageBytes: row.bytes ?? 0,
      ...toCounts(row),
    })),
    callers: callers.map((row) => ({ id: row.subject, ...toCounts(row) })),
  };
}

function toCounts(row: CountRow): UsageCounts {
  return {
    requests: row.requests,
    commits: row.commits,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
  };
}

function formatDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
