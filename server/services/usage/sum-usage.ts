import type { UsageCounts, UsageRow } from "../../ports/account.ts";

/** Counters of one day: of the org (`subject` empty), of a repository by its id, of a caller by its actor. */
export interface UsageSum extends UsageCounts {
  readonly day: string;
  readonly kind: "org" | "repo" | "caller";
  readonly subject: string;
}

/** Rows added up by what they are counted for, so that each counter is written once. */
export function sumUsage(rows: readonly UsageRow[]): readonly UsageSum[] {
  const sums = new Map<string, UsageSum>();
  const add = (row: UsageRow, kind: UsageSum["kind"], subject: string) => {
    const key = `${row.day} ${kind} ${subject}`;
    const { day } = row;
    const known = sums.get(key) ?? { day, kind, subject, requests: 0, commits: 0, bytesIn: 0, bytesOut: 0 };
    sums.set(key, {
      ...known,
      requests: known.requests + row.requests,
      commits: known.commits + row.commits,
      bytesIn: known.bytesIn + row.bytesIn,
      bytesOut: known.bytesOut + row.bytesOut,
    });
  };
  for (const row of rows) {
    add(row, "org", "");
    add(row, "caller", row.actor);
    if (row.repoId !== null) add(row, "repo", row.repoId);
  }
  return [...sums.values()];
}
