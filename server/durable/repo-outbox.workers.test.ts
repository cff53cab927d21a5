import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { RefUpdate } from "../git/ports.ts";
import type { MoveBatch, MovesTaken } from "../ports/events.ts";
import { platformIds } from "../stores/pack-id.ts";
import { fromReply } from "../stores/repo-rpc.ts";
import { makeCommit, REASON } from "../testing/repo-store-contract.ts";
import { makeRepoId, workersEnv } from "../testing/workers-env.ts";
import { RepoDO, type RepoEnv } from "./repo-do.ts";

interface Bench {
  readonly repo: RepoDO;
  readonly sql: SqlStorage;
  readonly batches: MoveBatch[];
  /** What the org answers; by default it takes everything. */
  answer: (batch: MoveBatch) => Promise<MovesTaken>;
  readonly clock: { nowMs: number };
  move(updates: readonly RefUpdate[]): Promise<void>;
}

const takeAll = async ({ moves }: MoveBatch): Promise<MovesTaken> => ({
  kind: "taken",
  upTo: moves.at(-1)?.id ?? 0,
});

const commit = await makeCommit("outbox");
const create = (name: string): RefUpdate => ({ name, expected: null, next: commit.oid });
const listRefs = (batches: readonly MoveBatch[]) =>
  batches.flatMap(({ moves }) => moves.map(({ ref }) => ref));

/** Gives the background its turns until the condition holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((done) => setTimeout(done, 5));
}

/** A repository of an org that the test plays. */
async function onBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const repoId = makeRepoId();
  await runInDurableObject(workersEnv.REPO.getByName(repoId), async (_instance, state) => {
    const batches: MoveBatch[] = [];
    const clock = { nowMs: Date.now() };
    const bench: { answer: Bench["answer"] } = { answer: takeAll };
    // The bindings of vitest.config.ts.
    const repo = new RepoDO(state, env as unknown as RepoEnv, {
      connectOrg: (orgId) => ({
        async takeMoves(batch) {
          expect(orgId).toBe("org");
          batches.push(batch);
          return bench.answer(batch);
        },
      }),
      ids: { ...platformIds, now: () => clock.nowMs },
    });
    await state.blockConcurrencyWhile(async () => undefined);
    const first = {
      updates: [create("refs/heads/main")],
      atomic: true,
      reason: REASON,
      objects: commit.objects,
    };
    await fromReply(repo.create({ repoId, orgId: "org", defaultBranch: "main", first }));
    const running: Bench = {
      repo,
      batches,
      clock,
      sql: state.storage.sql,
      set answer(answer: Bench["answer"]) {
        bench.answer = answer;
      },
      get answer() {
        return bench.answer;
      },
      async move(updates) {
        const results = await fromReply(repo.transact({ updates, atomic: true, reason: REASON }));
        expect(results.every(({ kind }) => kind === "moved")).toBe(true);
      },
    };
    await run(running);
    // Whatever is left waits for no answer of the test.
    bench.answer = takeAll;
  });
}

describe("the outbox of a repository", () => {
  it("hands over what moved soon after, and what the repository began with never", async () => {
    await onBench(async ({ move, batches }) => {
      await move([create("refs/heads/a"), create("refs/tags/b")]);
      expect(batches).toEqual([]);
      await until(() => batches.length > 0);
      expect(batches[0]?.moves).toMatchObject([
        { id: 2, ref: "refs/heads/a", from: null, to: commit.oid, reason: REASON },
        { id: 3, ref: "refs/tags/b" },
      ]);
      expect(batches[0]?.final).toBe(false);
    });
  });

  it("takes many moves in one call, and far too many in several of 500", async () => {
    await onBench(async ({ move, batches }) => {
      const names = Array.from({ length: 1_201 }, (_, i) => `refs/heads/many/${i}`);
      await move(names.slice(0, 1_200).map(create));
      await move([create(names[1_200] ?? "")]);
      await until(() => listRefs(batches).length >= names.length);
      expect(batches.map(({ moves }) => moves.length)).toEqual([500, 500, 201]);
      expect(listRefs(batches)).toEqual(names);
    });
  });

  it("begins again where the org has confirmed, after a failure and after a restart", async () => {
    await onBench(async (bench) => {
      const { move, batches, sql } = bench;
      bench.answer = async () => {
        throw new Error("injected: the org cannot be reached");
      };
      await move([create("refs/heads/a")]);
      await until(() => batches.length > 0);
      await move([create("refs/heads/b")]);
      const readCursor = () => sql.exec("SELECT value FROM facts WHERE name = 'events_sent'").one().value;
      expect(readCursor()).toBe("1");
      bench.answer = takeAll;
      await until(() => readCursor() === "3");
      expect(batches.at(-1)?.moves.map(({ ref }) => ref)).toEqual(["refs/heads/a", "refs/heads/b"]);
    });
  });

  it("follows an org that has more than was confirmed: the answer was lost", async () => {
    await onBench(async (bench) => {
      const { move, batches, sql } = bench;
      let lost = true;
      bench.answer = async (batch) => {
        if (lost) {
          lost = false;
          throw new Error("injected: taken, but the answer was lost");
        }
        return takeAll(batch);
      };
      await move([create("refs/heads/a")]);
      await until(() => batches.length === 2);
      expect(batches[1]?.moves).toEqual(batches[0]?.moves);
      await until(() => sql.exec("SELECT value FROM facts WHERE name = 'events_sent'").one().value === "2");
    });
  });

  it("is emptied by the alarm when the run in memory died", async () => {
    await onBench(async ({ repo, move, batches }) => {
      await move([create("refs/heads/a")]);
      await repo.alarm();
      expect(listRefs(batches)).toEqual(["refs/heads/a"]);
    });
  });

  it("waits for a name that comes late, for an hour", async () => {
    await onBench(async (bench) => {
      const { move, batches, clock, repo, sql } = bench;
      bench.answer = async () => ({ kind: "unknown-repo" });
      await move([create("refs/heads/a")]);
      await repo.alarm();
      expect(sql.exec("SELECT value FROM facts WHERE name = 'events_sent'").one().value).toBe("1");
      clock.nowMs += 61 * 60 * 1000;
      await repo.alarm();
      expect(sql.exec("SELECT value FROM facts WHERE name = 'events_sent'").one().value).toBe("2");
      expect(batches.length).toBeGreaterThanOrEqual(2);
    });
  });

  it("hands over the last moves of a deleted repository before anything else of it goes", async () => {
    await onBench(async (bench) => {
      const { move, batches, repo, sql, clock } = bench;
      bench.answer = async () => {
        throw new Error("injected: the org cannot be reached");
      };
      await move([create("refs/heads/last")]);
      await fromReply(repo.destroy());
      await repo.alarm();
      expect(sql.exec("SELECT count(*) AS n FROM reflog").one().n).toBe(2);
      bench.answer = takeAll;
      clock.nowMs += 60_000;
      const before = batches.length;
      await repo.alarm();
      expect(batches.slice(before)).toMatchObject([{ final: true, moves: [{ ref: "refs/heads/last" }] }]);
      expect(sql.exec("SELECT count(*) AS n FROM reflog").one().n).toBe(0);
      expect(sql.exec("SELECT count(*) AS n FROM facts").one().n).toBe(0);
    });
  });

  it("does not hold up the flush when the org cannot be reached", async () => {
    await onBench(async (bench) => {
      const { move, repo, sql, clock } = bench;
      bench.answer = async () => {
        throw new Error("injected: the org cannot be reached");
      };
      await move([create("refs/heads/a")]);
      clock.nowMs += 31_000;
      await repo.alarm();
      expect(sql.exec("SELECT count(*) AS n FROM packs").one().n).toBe(1);
      bench.answer = takeAll;
    });
  });
});
