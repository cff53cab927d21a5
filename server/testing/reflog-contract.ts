import { describe, expect, it } from "vitest";
import type { Oid } from "../git/hash/oid.ts";
import type { RefUpdate } from "../git/ports.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import { makeObject } from "./plan-root-files.ts";

const REASON = { actor: "key_test", message: "test" };
/** In the year 2100: nothing here goes by itself while the test runs. */
const LATER_MS = 4_102_444_800_000;
const blobs = ["one", "two", "three"].map((text) => makeObject("blob", text));
const [ONE, TWO, THREE] = blobs.map(({ oid }) => oid) as [Oid, Oid, Oid];

/** What every repository store keeps of moves: where refs were, when they go by themselves, and receipts. */
export function reflogContract(create: () => Promise<CommittingRepoStore>): void {
  const move = (store: CommittingRepoStore, updates: readonly RefUpdate[], more: object = {}) =>
    store.transact({ updates, atomic: true, reason: REASON, ...more });
  const start = async () => {
    const store = await create();
    await store.transact({ updates: [], atomic: true, reason: REASON, objects: blobs });
    return store;
  };
  const expiryOf = async (store: CommittingRepoStore, name: string) => {
    const { refs, expiries } = await store.snapshot({ refs: [name] });
    const [record] = (await store.listRefs({ prefix: name, limit: 1 })).refs;
    expect(record?.expiresAtMs).toBe(expiries?.get(name));
    return refs.has(name) ? (expiries?.get(name) ?? null) : undefined;
  };

  describe("reflog", () => {
    it("lists moves newest first, by ref, id and object, before an entry, and of refs that are gone", async () => {
      const store = await start();
      await move(store, [{ name: "refs/x/a", next: ONE }]);
      await move(store, [{ name: "refs/x/b", next: ONE }]);
      await move(store, [{ name: "refs/x/a", next: TWO }]);
      await move(store, [{ name: "refs/x/a", next: null }]);
      const all = await store.listReflog({ limit: 10 });
      expect(all.map(({ ref, from, to }) => [ref, from, to])).toEqual([
        ["refs/x/a", TWO, null],
        ["refs/x/a", ONE, TWO],
        ["refs/x/b", null, ONE],
        ["refs/x/a", null, ONE],
      ]);
      expect(all.map(({ id }) => id)).toEqual([4, 3, 2, 1]);
      expect(all[0]?.reason).toEqual(REASON);
      const list = async (query: object) =>
        (await store.listReflog({ limit: 10, ...query })).map(({ id }) => id);
      expect(await list({ ref: "refs/x/a" })).toEqual([4, 3, 1]);
      expect(await list({ ref: "refs/x/a", limit: 2 })).toEqual([4, 3]);
      expect(await list({ ref: "refs/x/a", before: 4 })).toEqual([3, 1]);
      expect(await list({ ref: "refs/x/a", id: 3 })).toEqual([3]);
      expect(await list({ ref: "refs/x/b", id: 3 })).toEqual([]);
      expect(await list({ ref: "refs/x/a", oid: TWO })).toEqual([4, 3]);
    });
  });

  describe("refs that go by themselves", () => {
    it("say when, keep it through moves, and stay when told", async () => {
      const store = await start();
      const name = "refs/heads/brief";
      await move(store, [{ name, next: ONE, expiresAtMs: LATER_MS }]);
      await move(store, [{ name, next: TWO }]);
      expect(await expiryOf(store, name)).toBe(LATER_MS);
      await move(store, [{ name, next: TWO, expiresAtMs: LATER_MS + 1 }]);
      expect(await expiryOf(store, name)).toBe(LATER_MS + 1);
      await move(store, [{ name, next: TWO, expiresAtMs: null }]);
      expect(await expiryOf(store, name)).toBeNull();
      // Saying when is no move.
      expect(await store.listReflog({ ref: name, limit: 10 })).toHaveLength(2);
    });

    it("leave nothing of it to the next ref of their name", async () => {
      const store = await start();
      const name = "refs/heads/brief";
      await move(store, [{ name, next: ONE, expiresAtMs: LATER_MS }]);
      await move(store, [{ name, next: null }]);
      await move(store, [{ name, next: ONE }]);
      expect(await expiryOf(store, name)).toBeNull();
    });

    it("are gone for every look once their time has come, with a line in the reflog, and give way to others", async () => {
      const store = await start();
      await move(store, [
        { name: "refs/heads/past", next: ONE, expiresAtMs: 1 },
        { name: "refs/heads/stays", next: ONE },
      ]);
      expect((await store.listRefs({ prefix: "refs/heads/" })).refs.map(({ name }) => name)).toEqual([
        "refs/heads/stays",
      ]);
      expect(await expiryOf(store, "refs/heads/past")).toBeUndefined();
      const [line] = await store.listReflog({ ref: "refs/heads/past", limit: 1 });
      expect(line).toMatchObject({
        from: ONE,
        to: null,
        reason: { actor: "system", message: "branch: expired" },
      });
      await move(store, [{ name: "refs/heads/past", next: ONE, expiresAtMs: 1 }]);
      expect(await move(store, [{ name: "refs/heads/past/x", next: TWO, expected: null }])).toMatchObject([
        { kind: "moved", previous: null },
      ]);
      expect(await store.countRefs("refs/heads/")).toBe(2);
    });

    it("are never the default branch", async () => {
      const store = await start();
      const refused = await move(store, [{ name: "refs/heads/main", next: ONE, expiresAtMs: LATER_MS }]);
      expect(refused).toMatchObject([{ kind: "rejected", reason: "default-branch" }]);
      await move(store, [{ name: "refs/heads/next", next: ONE, expiresAtMs: LATER_MS }]);
      await store.setHead({ kind: "symbolic", target: "refs/heads/next" }, REASON);
      expect(await expiryOf(store, "refs/heads/next")).toBeNull();
    });
  });

  describe("receipts", () => {
    const idempotency = {
      key: "k",
      fingerprint: "f",
      detail: { strategy: "squash", created: 1, none: null },
    };

    it("tell a repetition where the ref went, where it was, and what was kept for the reply", async () => {
      const store = await start();
      await move(store, [{ name: "refs/x/a", next: ONE }]);
      const update = { name: "refs/x/a", next: TWO, expected: ONE };
      expect(await move(store, [update], { idempotency })).toMatchObject([{ kind: "moved", previous: ONE }]);
      await move(store, [{ name: "refs/x/a", next: THREE }]);
      expect(await move(store, [update], { idempotency })).toEqual([
        {
          kind: "moved",
          name: "refs/x/a",
          previous: ONE,
          replayed: { oid: TWO, detail: idempotency.detail },
        },
      ]);
      const other = { ...idempotency, fingerprint: "g" };
      expect(await move(store, [update], { idempotency: other })).toMatchObject([
        { reason: "idempotency-mismatch" },
      ]);
    });

    it("tell of deletions and of writes without refs, and keep nothing of what was refused", async () => {
      const store = await start();
      await move(store, [{ name: "refs/x/a", next: ONE }]);
      const wrong = [{ name: "refs/x/a", next: TWO, expected: TWO }];
      expect(await move(store, wrong, { idempotency })).toMatchObject([{ reason: "stale" }]);
      await move(store, [{ name: "refs/x/a", next: null }], { idempotency });
      expect(await move(store, [{ name: "refs/x/a", next: null }], { idempotency })).toMatchObject([
        { previous: ONE, replayed: { oid: null } },
      ]);
      const bare = { key: "bare", fingerprint: "f", detail: { n: 1 } };
      expect(await move(store, [], { idempotency: bare })).toEqual([]);
      expect(await move(store, [], { idempotency: bare })).toMatchObject([
        { replayed: { detail: { n: 1 } } },
      ]);
    });
  });
}
