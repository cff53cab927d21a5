import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../sdk/contract/limits.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { ReflogEntry } from "../git/ports.ts";
import type { AttemptOutcome, DeliveryMessage, NewWebhook } from "../ports/events.ts";
import type { NewRepo } from "../ports/org.ts";
import { hashSecret, orgIdOf } from "../services/org-keys.ts";
import { OrgDO, type OrgEnv } from "./org-do.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const { ORG } = env as unknown as { readonly ORG: DurableObjectNamespace<OrgDO> };

const DAY_MS = 24 * 60 * 60 * 1000;
/** Far ahead: an alarm in the past would ring at once. */
const START_MS = Date.UTC(2100, 10, 27);
const oid = (n: number) => n.toString(16).padStart(40, "0") as Oid;

function move(id: number, fields: Partial<ReflogEntry> = {}): ReflogEntry {
  const reason = { actor: "key_1", message: "push" };
  return { id, ref: "refs/heads/main", from: oid(id), to: oid(id + 1), reason, atMs: START_MS, ...fields };
}

function repo(id: string): NewRepo {
  return {
    id,
    namespace: "ns",
    slug: id,
    description: null,
    visibility: "private",
    defaultBranch: "main",
    isTemplate: false,
    autoIndex: false,
    fork: null,
  };
}

function hook(id: string, fields: Partial<NewWebhook> = {}): NewWebhook {
  return {
    id: `whk_${id}`,
    url: "https://example.com/",
    events: ["push"],
    description: null,
    active: true,
    sealedSecret: null,
    fingerprint: null,
    ...fields,
  };
}

const OK: AttemptOutcome = { status: 200, error: null, response: "", durationMs: 1, body: "{}" };
const BAD: AttemptOutcome = { ...OK, status: 500, error: "answered 500" };

interface Bench {
  readonly org: OrgDO;
  readonly sql: SqlStorage;
  readonly clock: { nowMs: number };
  /** Messages that were sent since the last look. */
  takeMessages(): number[];
  getAlarmInMs(): Promise<number>;
  /** The same org after its object was restarted. */
  restart(more?: Partial<OrgEnv>): Promise<OrgDO>;
}

let made = 0;

/** An org with a repository `r`, its clock in the test's hand and its queue under the test's eyes. */
async function onBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const slug = `events-${++made}`;
  await runInDurableObject(ORG.getByName(orgIdOf(slug)), async (_instance, state) => {
    const clock = { nowMs: START_MS };
    const sent: DeliveryMessage[] = [];
    const start = async (more: Partial<OrgEnv> = {}) => {
      // It asks for nothing of the environment but what is handed in here.
      const org = new OrgDO(state, { WEBHOOK_RETRY_SECONDS: "10,60", ...more } as OrgEnv, {
        now: () => clock.nowMs,
        queue: { send: async (messages) => void sent.push(...messages) },
        repos: { destroy: async () => undefined },
      });
      // What is read at the start holds up everything else.
      await state.blockConcurrencyWhile(async () => undefined);
      return org;
    };
    const org = await start();
    await org.createOrg({ slug, name: null, keyHash: hashSecret(slug) });
    await org.createRepo(repo("r"));
    await run({
      org,
      clock,
      sql: state.storage.sql,
      takeMessages: () => sent.splice(0).map(({ delivery }) => delivery),
      getAlarmInMs: async () => ((await state.storage.getAlarm()) ?? Infinity) - clock.nowMs,
      restart: start,
    });
  });
}

const count = (sql: SqlStorage, table: string) =>
  sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;

describe("moves that a repository hands over", () => {
  it("are logged once, however often they come", async () => {
    await onBench(async ({ org }) => {
      const batch = { repoId: "r", moves: [move(1), move(2), move(3)], final: false };
      expect(await org.takeMoves(batch)).toEqual({ kind: "taken", upTo: 3 });
      expect(await org.takeMoves(batch)).toEqual({ kind: "taken", upTo: 3 });
      expect(await org.takeMoves({ ...batch, moves: [move(3), move(4)] })).toEqual({
        kind: "taken",
        upTo: 4,
      });
      const { entries } = await org.listLog({ limit: 10, resourceType: "ref" });
      expect(entries.map(({ details }) => details.to).reverse()).toEqual([oid(2), oid(3), oid(4), oid(5)]);
      expect(entries[0]).toMatchObject({
        action: "push",
        actor: "key_1",
        resourceName: "ns/r",
        resourceId: "r",
      });
    });
  });

  it("are refused for a repository that has no name, and taken under the old name of one that is deleted", async () => {
    await onBench(async ({ org, sql }) => {
      expect(await org.takeMoves({ repoId: "none", moves: [move(1)], final: false })).toEqual({
        kind: "unknown-repo",
      });
      await org.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      await org.deleteRepo("r");
      const last = { repoId: "r", moves: [move(1), move(2)], final: true };
      expect(await org.takeMoves(last)).toEqual({ kind: "taken", upTo: 2 });
      const { entries } = await org.listLog({ limit: 10, resourceType: "ref" });
      expect(entries.map(({ resourceName, details }) => [resourceName, details.to])).toEqual([
        ["ns/r", oid(3)],
        ["ns/r", oid(2)],
      ]);
      expect(count(sql, "log_sources")).toBe(0);
      expect((await org.takeMoves(last)).kind).toBe("unknown-repo");
    });
  });

  it("say nothing of what a fork begins with", async () => {
    await onBench(async ({ org }) => {
      const reason = { actor: "key_1", message: "fork: from ns/source" };
      const moves = [move(1, { from: null, reason }), move(2)];
      expect(await org.takeMoves({ repoId: "r", moves, final: false })).toEqual({ kind: "taken", upTo: 2 });
      expect((await org.listLog({ limit: 10, resourceType: "ref" })).entries).toHaveLength(1);
    });
  });

  it("cannot make up an action by the message of a commit or the options of a push", async () => {
    await onBench(async ({ org }) => {
      const messages = ["commit: merge: x", "push -o merge:", "branch: created from merge", "made up"];
      const moves = messages.map((message, i) =>
        move(i + 1, { from: null, reason: { actor: "tok_1", message } }),
      );
      await org.takeMoves({ repoId: "r", moves, final: false });
      const { entries } = await org.listLog({ limit: 10, resourceType: "ref" });
      expect(entries.map(({ action }) => action).reverse()).toEqual([
        "commit",
        "push",
        "branch.create",
        "branch.create",
      ]);
    });
  });
});

describe("deliveries", () => {
  it("are made of the events that a webhook listens to, from its creation on", async () => {
    await onBench(async ({ org, sql, takeMessages }) => {
      await org.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      await org.createWebhook(hook("push"), "key_1");
      await org.createWebhook(hook("all", { events: ["*"] }), "key_1");
      await org.createWebhook(hook("off", { events: ["*"], active: false }), "key_1");
      await org.createWebhook(hook("gone", { events: ["branch.deleted"] }), "key_1");
      const moves = [
        move(2, { from: null }),
        move(3, { to: null }),
        move(4, { ref: "refs/notes/agent" }),
        move(5, { ref: "refs/tags/v1", from: null }),
      ];
      await org.takeMoves({ repoId: "r", moves, final: false });
      const rows = sql.exec("SELECT webhook, event FROM deliveries ORDER BY webhook, seq").toArray();
      const of = (webhook: number) => rows.filter((row) => row.webhook === webhook).map(({ event }) => event);
      expect(of(1)).toEqual(["push", "push", "push"]);
      expect(of(2)).toEqual(["branch.created", "push", "push", "branch.deleted", "tag.created", "push"]);
      expect(of(3)).toEqual([]);
      expect(of(4)).toEqual(["branch.deleted"]);
      expect(takeMessages()).toHaveLength(10);
    });
  });

  it("of very many moves wait in the log, 1,000 rows at a time, and all of them are made", async () => {
    await onBench(async ({ org, sql, takeMessages }) => {
      await org.createWebhook(hook("many"), "key_1");
      const total = 3_000;
      for (let from = 1; from <= total; from += 500) {
        const moves = Array.from({ length: 500 }, (_, i) =>
          move(from + i, { ref: `refs/heads/b${from + i}` }),
        );
        await org.takeMoves({ repoId: "r", moves, final: false });
      }
      let settled = 0;
      const seen = new Set<number>();
      for (let messages = takeMessages(); messages.length > 0; messages = takeMessages()) {
        const pending = sql
          .exec<{ n: number }>("SELECT count(*) AS n FROM deliveries WHERE due_ms IS NOT NULL")
          .one().n;
        expect(pending).toBeLessThanOrEqual(LIMITS.webhookPending);
        for (const delivery of messages) {
          const opened = await org.openDelivery(delivery);
          seen.add(opened?.entry?.id ?? 0);
          await org.settleDelivery(delivery, OK);
          settled++;
        }
      }
      expect([settled, seen.size]).toEqual([total, total]);
    });
  });

  it("are under way eight at a time for one webhook, and one at a time once it fails", async () => {
    await onBench(async ({ org, takeMessages, clock }) => {
      await org.createWebhook(hook("slow"), "key_1");
      await org.takeMoves({
        repoId: "r",
        moves: Array.from({ length: 20 }, (_, i) => move(i + 1)),
        final: false,
      });
      const first = takeMessages();
      expect(first).toHaveLength(8);
      for (const delivery of first.slice(0, 2)) await org.settleDelivery(delivery, OK);
      expect(takeMessages()).toHaveLength(2);
      for (const delivery of first.slice(2)) await org.settleDelivery(delivery, BAD);
      takeMessages();
      clock.nowMs += 31_000;
      await org.alarm();
      expect(takeMessages()).toHaveLength(1);
    });
  });

  it("are sent to one of two messages, and again when a lease runs out", async () => {
    await onBench(async ({ org, takeMessages, clock, getAlarmInMs }) => {
      await org.createWebhook(hook("lost"), "key_1");
      await org.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      const [delivery = 0] = takeMessages();
      expect(await org.openDelivery(delivery)).toMatchObject({ attempt: 1, event: "push" });
      expect(await org.openDelivery(delivery)).toBeNull();
      expect(await getAlarmInMs()).toBeLessThanOrEqual(30_000);
      clock.nowMs += 30_001;
      await org.alarm();
      expect(takeMessages()).toEqual([delivery]);
      expect(await org.openDelivery(delivery)).not.toBeNull();
      await org.settleDelivery(delivery, OK);
      expect(await org.openDelivery(delivery)).toBeNull();
    });
  });

  it("whose messages died with a queue in memory are sent again at once", async () => {
    await onBench(async ({ org, takeMessages, restart }) => {
      await org.createWebhook(hook("restart"), "key_1");
      await org.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      const [delivery] = takeMessages();
      const durable = await restart();
      await durable.alarm();
      expect(takeMessages()).toEqual([]);
      const local = await restart({ QUEUE_STORAGE: "memory" });
      await local.alarm();
      expect(takeMessages()).toEqual([delivery]);
    });
  });

  it("are tried as the schedule says, then failed; a redelivery begins anew under the same id", async () => {
    await onBench(async ({ org, takeMessages, clock, getAlarmInMs }) => {
      await org.createWebhook(hook("dead"), "key_1");
      await org.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      for (const delaySec of [10, 60, null]) {
        const [delivery = 0] = takeMessages();
        await org.openDelivery(delivery);
        await org.settleDelivery(delivery, BAD);
        const listed = (await org.listDeliveries("whk_dead", { limit: 1 }))?.deliveries[0];
        if (delaySec === null) {
          expect(listed).toMatchObject({
            state: "failed",
            attempts: 3,
            nextAtMs: null,
            error: "answered 500",
          });
          const again = await org.redeliver("whk_dead", listed?.id ?? "", "k");
          expect(again).toMatchObject({ kind: "queued", delivery: { id: listed?.id, state: "pending" } });
          const [sent = 0] = takeMessages();
          expect(await org.openDelivery(sent)).toMatchObject({ id: listed?.id, body: "{}" });
          await org.settleDelivery(sent, OK);
          // A repetition of the request under its key is no second wish.
          await org.redeliver("whk_dead", listed?.id ?? "", "k");
          expect(takeMessages()).toEqual([]);
          return;
        }
        const inMs = (listed?.nextAtMs ?? 0) - clock.nowMs;
        expect(inMs).toBeGreaterThanOrEqual(delaySec * 1_000);
        expect(inMs).toBeLessThanOrEqual(delaySec * 1_200);
        expect(await getAlarmInMs()).toBeLessThanOrEqual(inMs);
        clock.nowMs += inMs;
        await org.alarm();
      }
    });
  });

  it("end when their webhook has failed for three days, which is said and can be undone", async () => {
    await onBench(async ({ org, takeMessages, clock }) => {
      await org.createWebhook(hook("down"), "key_1");
      await org.takeMoves({ repoId: "r", moves: [move(1), move(2)], final: false });
      const [first = 0, second = 0] = takeMessages();
      await org.settleDelivery(first, BAD);
      clock.nowMs += 3 * DAY_MS - 1;
      await org.settleDelivery(second, BAD);
      expect(await org.findWebhook("whk_down")).toMatchObject({
        active: true,
        failures: 2,
        failingSinceMs: START_MS,
      });
      clock.nowMs += 100_000;
      await org.alarm();
      const [third = 0] = takeMessages();
      await org.settleDelivery(third, BAD);
      expect(await org.findWebhook("whk_down")).toMatchObject({
        active: false,
        disabledReason: expect.stringContaining("3 days"),
      });
      const { entries } = await org.listLog({ limit: 1 });
      expect(entries[0]).toMatchObject({
        action: "webhook.disable",
        actor: "system",
        resourceId: "whk_down",
      });
      const states = (await org.listDeliveries("whk_down", { limit: 10 }))?.deliveries.map(
        ({ state }) => state,
      );
      expect(states).toEqual(["failed", "failed"]);
      await org.takeMoves({ repoId: "r", moves: [move(3)], final: false });
      const back = await org.updateWebhook("whk_down", { active: true }, "key_1");
      expect(back).toMatchObject({ active: true, disabledReason: null, failures: 0, failingSinceMs: null });
      expect(takeMessages()).toEqual([]);
      await org.takeMoves({ repoId: "r", moves: [move(4)], final: false });
      expect(takeMessages()).toHaveLength(1);
    });
  });

  it("go with their webhook, and what is under way then comes to nothing", async () => {
    await onBench(async ({ org, sql, takeMessages }) => {
      await org.createWebhook(hook("deleted"), "key_1");
      await org.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      const [delivery = 0] = takeMessages();
      await org.openDelivery(delivery);
      await org.deleteWebhook("whk_deleted", "key_1");
      await org.settleDelivery(delivery, BAD);
      expect(await org.openDelivery(delivery)).toBeNull();
      expect(count(sql, "deliveries")).toBe(0);
    });
  });
});

describe("what is old", () => {
  it("leaves the log after 90 days and the list of deliveries after seven", async () => {
    await onBench(async ({ org, sql, clock, takeMessages }) => {
      await org.createWebhook(hook("old"), "key_1");
      await org.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      for (const delivery of takeMessages()) await org.settleDelivery(delivery, OK);
      const before = count(sql, "log");
      clock.nowMs += 7 * DAY_MS + 1;
      await org.alarm();
      expect([count(sql, "deliveries"), count(sql, "log")]).toEqual([0, before]);
      await org.takeMoves({ repoId: "r", moves: [move(2)], final: false });
      clock.nowMs += 83 * DAY_MS + 1;
      await org.alarm();
      const { entries, next } = await org.listLog({ limit: 10 });
      expect(entries.map(({ details }) => details.to)).toEqual([oid(3)]);
      expect(next).toBeNull();
      clock.nowMs += 90 * DAY_MS;
      await org.alarm();
      expect(count(sql, "log")).toBe(0);
    });
  });

  it("never takes an id with it: the next entry's is greater, also after a restart", async () => {
    await onBench(async ({ org, clock, restart }) => {
      const [newest] = (await org.listLog({ limit: 1 })).entries;
      clock.nowMs += 91 * DAY_MS;
      await org.alarm();
      const again = await restart();
      await again.createWebhook(hook("late"), "key_1");
      await again.takeMoves({ repoId: "r", moves: [move(1)], final: false });
      const [entry] = (await again.listLog({ limit: 1 })).entries;
      expect(entry?.id).toBeGreaterThan((newest?.id ?? 0) + 1);
      expect((await again.listDeliveries("whk_late", { limit: 5 }))?.deliveries).toHaveLength(1);
    });
  });

  it("is deleted so far that 1,000 ended deliveries of a webhook are left", async () => {
    await onBench(async ({ org, sql, clock, takeMessages }) => {
      await org.createWebhook(hook("busy"), "key_1");
      const moves = Array.from({ length: 500 }, (_, i) => i + 1);
      for (const base of [0, 500, 1_000]) {
        await org.takeMoves({ repoId: "r", moves: moves.map((i) => move(base + i)), final: false });
        for (let sent = takeMessages(); sent.length > 0; sent = takeMessages()) {
          for (const delivery of sent) await org.settleDelivery(delivery, OK);
        }
      }
      clock.nowMs += DAY_MS;
      await org.alarm();
      clock.nowMs += 1_000;
      await org.alarm();
      expect(count(sql, "deliveries")).toBe(LIMITS.webhookDeliveries);
    });
  });
});
