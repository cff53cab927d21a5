import { describe, expect, it } from "vitest";
import type { SyncFailureCode, SyncLink, SyncReport } from "../../ports/sync.ts";
import { afterRun } from "./plan-runs.ts";

const NOW = 1_000_000;

const makeLink = (fields: Partial<SyncLink> = {}): SyncLink => ({
  id: "sync_x",
  provider: "github",
  connectionId: "conn_x",
  remote: "o/r",
  url: "https://github.com/o/r.git",
  direction: "import",
  branches: null,
  tags: true,
  force: false,
  prune: false,
  atomic: false,
  triggers: { push: false, webhook: true, intervalSec: null },
  state: "active",
  stateReason: null,
  failures: 0,
  nextRunAtMs: null,
  lastSyncedAtMs: null,
  lastError: null,
  lastSyncedSha: null,
  createdAtMs: 0,
  updatedAtMs: 0,
  ...fields,
});

const makeReport = (code: SyncFailureCode | null, retryAfterSec: number | null = null): SyncReport => ({
  refs: [],
  total: 0,
  objects: 0,
  bytes: 0,
  failure: code === null ? null : { code, message: `it was ${code}`, retryAfterSec },
});

const waitsAfter = (failures: number, retryAfterSec: number | null = null) => {
  const report = makeReport("unreachable", retryAfterSec);
  const { due } = afterRun(makeLink({ failures: failures - 1 }), "webhook", { report, nowMs: NOW });
  return due && (due.dueMs - NOW) / 1_000;
};

describe("after a failure", () => {
  it("a link waits longer each time, and stops after ten", () => {
    const minutes = [1, 2, 3, 4, 5, 9].map((failures) => (waitsAfter(failures) ?? 0) / 60);
    expect(minutes).toEqual([1, 5, 15, 60, 360, 360]);
    expect(waitsAfter(10)).toBeNull();
  });

  it("a link waits as long as the remote says, when that is longer", () => {
    expect([waitsAfter(1, 10), waitsAfter(1, 3_000)]).toEqual([60, 3_000]);
  });

  it.each(["unauthorized", "forbidden", "not-found", "not-git", "refused-address", "no-credential"] as const)(
    "that trying again cannot help (%s), a link stops and says why",
    (code) => {
      const plan = afterRun(makeLink(), "webhook", { report: makeReport(code), nowMs: NOW });
      expect(plan).toMatchObject({ state: "stopped", stateReason: `it was ${code}`, failures: 1, due: null });
    },
  );

  it("of a run by hand nothing is tried again by itself, unless the link runs by itself anyway", () => {
    const report = makeReport("timeout");
    expect(afterRun(makeLink(), "manual", { report, nowMs: NOW }).due).toBeNull();
    const regular = makeLink({ triggers: { push: false, webhook: false, intervalSec: 60 } });
    expect(afterRun(regular, "manual", { report, nowMs: NOW }).due).toEqual({
      trigger: "interval",
      dueMs: NOW + 60_000,
    });
  });
});

describe("after a success", () => {
  it("a stopped link is active again, and due after its interval", () => {
    const link = makeLink({
      state: "stopped",
      failures: 7,
      triggers: { push: false, webhook: false, intervalSec: 90 },
    });
    expect(afterRun(link, "manual", { report: makeReport(null), nowMs: NOW })).toMatchObject({
      state: "active",
      stateReason: null,
      failures: 0,
      lastSyncedAtMs: NOW,
      lastError: null,
      due: { trigger: "interval", dueMs: NOW + 90_000 },
    });
  });
});
