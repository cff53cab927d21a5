/** Branches that go by themselves, in a real Durable Object: by its alarm, and without it. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { putRequest, REASON, readReceipt } from "../testing/repo-store-contract.ts";
import type { FaultyRepoDO } from "../testing/workers-entry.ts";
import { connectRepo, makeDurableRepo, workersEnv } from "../testing/workers-env.ts";
import type { RepoDO } from "./repo-do.ts";

const MINUTE_MS = 60_000;
const BRIEF = "refs/heads/brief";
// FaultyRepoDO is a RepoDO; namespaces are not covariant.
const faulty = workersEnv.FAULTY_REPO as unknown as DurableObjectNamespace<RepoDO>;
let repo: Awaited<ReturnType<typeof makeDurableRepo>>;

function advance(ms: number): Promise<void> {
  // Only called with stubs of the namespace above.
  return runInDurableObject(repo.stub as unknown as DurableObjectStub<FaultyRepoDO>, (instance) => {
    instance.faults.aheadMs += ms;
  });
}

/** Rows as they lie there: no look of the store comes before. */
function readRows(table: "refs" | "ref_expiries"): Promise<unknown[]> {
  return runInDurableObject(repo.stub, (_, state) =>
    state.storage.sql.exec(`SELECT name FROM ${table} WHERE name = ?`, BRIEF).toArray(),
  );
}

const findAlarm = () => runInDurableObject(repo.stub, (_, state) => state.storage.getAlarm());

beforeEach(async () => {
  repo = await makeDurableRepo(faulty);
  const { oid } = readReceipt(await repo.store.commit(putRequest("a", "1")));
  await repo.store.flush();
  // The alarm that would pack what is fresh is over, so that what is set next is the branch's.
  await advance(MINUTE_MS);
  await runDurableObjectAlarm(repo.stub);
  const nowMs = Date.now() + MINUTE_MS;
  const updates = [{ name: BRIEF, next: oid, expiresAtMs: nowMs + 10 * MINUTE_MS }];
  await repo.store.transact({ updates, atomic: true, reason: REASON });
});

describe("an ephemeral branch", () => {
  it("goes by the alarm, which is set for its time, and leaves a line in the reflog", async () => {
    // The first one is for telling the org of the move.
    await runDurableObjectAlarm(repo.stub);
    const dueMs = (await findAlarm()) ?? 0;
    expect(dueMs - Date.now()).toBeGreaterThan(10 * MINUTE_MS);
    expect(dueMs - Date.now()).toBeLessThanOrEqual(11 * MINUTE_MS);
    await advance(9 * MINUTE_MS);
    await runDurableObjectAlarm(repo.stub);
    expect(await readRows("refs")).toHaveLength(1);
    await advance(MINUTE_MS + 1_000);
    await runDurableObjectAlarm(repo.stub);
    expect([await readRows("refs"), await readRows("ref_expiries")]).toEqual([[], []]);
    const [line] = await repo.store.listReflog({ ref: BRIEF, limit: 1 });
    expect(line).toMatchObject({ to: null, reason: { actor: "system", message: "branch: expired" } });
  });

  it("is not seen beyond its time, however late the alarm is", async () => {
    await advance(10 * MINUTE_MS + 1_000);
    expect(await readRows("refs")).toHaveLength(1);
    expect((await repo.store.snapshot({ refs: [BRIEF] })).refs.size).toBe(0);
    expect(await repo.store.countRefs(BRIEF)).toBe(0);
    expect(await readRows("refs")).toEqual([]);
  });

  it("keeps its time over a restart", async () => {
    const before = (await repo.store.snapshot({ refs: [BRIEF] })).expiries?.get(BRIEF);
    await abortAllDurableObjects();
    const stub = faulty.get(faulty.idFromName(repo.repoId));
    repo = { ...repo, stub, store: connectRepo(stub) };
    expect((await repo.store.snapshot({ refs: [BRIEF] })).expiries?.get(BRIEF)).toBe(before);
    await advance(20 * MINUTE_MS);
    expect((await repo.store.snapshot({ refs: [BRIEF] })).refs.size).toBe(0);
  });

  it("is gone for a push, too: what was deleted by the time is not there to be moved", async () => {
    await advance(11 * MINUTE_MS);
    const [result] = await repo.store.transact({
      updates: [
        {
          name: BRIEF,
          next: null,
          expected: (await repo.store.listReflog({ ref: BRIEF, limit: 5 })).at(-1)?.to ?? null,
        },
      ],
      atomic: true,
      reason: REASON,
    });
    expect(result).toMatchObject({ kind: "rejected", reason: "stale", current: null });
  });
});
