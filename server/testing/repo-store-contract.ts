import { describe, expect, it } from "vitest";
import type { Oid } from "../git/hash/oid.ts";
import { decodeCommit } from "../git/object/commit.ts";
import { decodeTree } from "../git/object/tree.ts";
import { buildPack } from "../git/pack/write-pack.ts";
import type { FileStore, GitObject, PackEntry, RefUpdate } from "../git/ports.ts";
import type { CommitOutcome, CommitRequest } from "../ports/commit.ts";
import type { RepoRecord } from "../ports/org.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import { createObjectCache } from "../stores/object-cache.ts";
import { createRepoHandle } from "../stores/repo-handle.ts";
import { storePack } from "../stores/store-pack.ts";
import { notesContract } from "./notes-contract.ts";
import { makeObject, planRootFiles } from "./plan-root-files.ts";
import { reflogContract } from "./reflog-contract.ts";

/** A new, empty repository whose HEAD is the unborn refs/heads/main. */
export interface RepoStoreUnderTest {
  readonly store: CommittingRepoStore;
  readonly files: FileStore;
}

/** What the directory would say of the repository under test. */
export const TEST_RECORD: RepoRecord = {
  id: "repo",
  orgId: "org",
  orgSlug: "acme",
  namespace: null,
  slug: "demo",
  description: null,
  visibility: "private",
  defaultBranch: "main",
  isTemplate: false,
  autoIndex: false,
  createdAtMs: 0,
  fork: null,
};

export const REASON = { actor: "key_test", message: "test" };
const IDENTITY = { name: "Ada", email: "ada@example.com" };

/** A request that puts `content` at `path` in the root folder. */
export function putRequest(path: string, content: string, more: Partial<CommitRequest> = {}): CommitRequest {
  const blob = makeObject("blob", content);
  return {
    branch: "main",
    message: `Put ${path}`,
    author: IDENTITY,
    committer: IDENTITY,
    changes: [{ kind: "put", field: "changes.0", path, oid: blob.oid }],
    blobs: [blob],
    requiredOids: [],
    actor: "key_test",
    ...more,
  };
}

/** A parentless commit of one file, with its objects. */
export async function makeCommit(text: string): Promise<{ oid: Oid; objects: readonly GitObject[] }> {
  const none = {
    readObjects: async () => ({ found: new Map(), missing: [] }),
    readHeaders: async () => ({ found: new Map(), missing: [] }),
  };
  const plan = await planRootFiles(none, null, putRequest("file", text), {
    seconds: 1_700_000_000,
    zone: "+0000",
  });
  if (plan.kind !== "planned") throw new Error("the planner refused");
  return { oid: plan.receipt.oid, objects: plan.objects };
}

/** The receipt of a commit that must have succeeded. */
export function readReceipt(outcome: CommitOutcome) {
  if (outcome.kind !== "committed") throw new Error(`not committed: ${JSON.stringify(outcome)}`);
  return outcome.receipt;
}

/** Stores objects as a pack under a key that the store reserved. */
export async function putPack(
  store: CommittingRepoStore,
  files: FileStore,
  objects: readonly GitObject[],
): Promise<PackEntry> {
  const place = await store.beginPack();
  return storePack(files, { ...place, createdAtMs: 1_700_000_000_000 }, buildPack(objects));
}

/** What every repository store does. `make` is called once per test. */
export function repoStoreContract(make: () => Promise<RepoStoreUnderTest>): void {
  const create = async () => (await make()).store;
  const seed = async (store: CommittingRepoStore, names: readonly string[]): Promise<Oid> => {
    const commit = await makeCommit("seed");
    await store.transact({
      updates: names.map((name) => ({ name, next: commit.oid })),
      atomic: true,
      reason: REASON,
      objects: commit.objects,
    });
    return commit.oid;
  };
  const move = async (store: CommittingRepoStore, updates: readonly RefUpdate[], atomic = false) =>
    store.transact({ updates, atomic, reason: REASON });
  const findRef = async (store: CommittingRepoStore, name: string) =>
    (await store.snapshot({ refs: [name] })).refs.get(name) ?? null;

  reflogContract(create);
  notesContract(create);

  describe("snapshot", () => {
    it("shows an empty repository with an unborn HEAD", async () => {
      const store = await create();
      const snapshot = await store.snapshot({ refs: ["refs/heads/main"] });
      expect(snapshot.head).toEqual({ kind: "symbolic", target: "refs/heads/main" });
      expect(snapshot.refs.size).toBe(0);
      expect(snapshot.packs).toEqual([]);
      expect(snapshot.hotObjects).toBe(0);
    });

    it("leaves the catalog out for a caller who knows its version", async () => {
      const store = await create();
      const { catalogVersion } = await store.snapshot({});
      expect((await store.snapshot({ knownCatalogVersion: catalogVersion })).packs).toBeNull();
      expect((await store.snapshot({ knownCatalogVersion: catalogVersion - 1 })).packs).toEqual([]);
    });
  });

  describe("refs", () => {
    it("lists in byte order, by prefix, page by page", async () => {
      const store = await create();
      // UTF-16 order would put the emoji before the full-width tilde.
      const names = [
        "refs/heads/a",
        "refs/heads/b/c",
        "refs/heads/\u{ff5e}",
        "refs/heads/\u{1f600}",
        "refs/headsup/x",
        "refs/tags/v1",
      ];
      await seed(store, [...names].reverse());
      expect((await store.listRefs({})).refs.map((ref) => ref.name)).toEqual(names);
      expect((await store.listRefs({ prefix: "refs/heads/" })).refs.map((ref) => ref.name)).toEqual(
        names.slice(0, 4),
      );
      const paged: string[] = [];
      let after: string | undefined;
      for (;;) {
        const page = await store.listRefs({
          prefix: "refs/heads/",
          limit: 3,
          ...(after === undefined ? {} : { after }),
        });
        paged.push(...page.refs.map((ref) => ref.name));
        if (page.next === null) break;
        after = page.next;
      }
      expect(paged).toEqual(names.slice(0, 4));
      expect(await store.countRefs("refs/heads/")).toBe(4);
      expect(await store.countRefs("")).toBe(6);
    });

    it("keeps the peeled object of a tag, and forgets it when the tag moves to a commit", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main"]);
      await move(store, [{ name: "refs/tags/v1", next: oid, peeled: oid }]);
      expect((await store.listRefs({ prefix: "refs/tags/" })).refs).toEqual([
        { name: "refs/tags/v1", oid, peeled: oid },
      ]);
      await move(store, [{ name: "refs/tags/v1", next: oid }]);
      expect((await store.listRefs({ prefix: "refs/tags/" })).refs).toEqual([{ name: "refs/tags/v1", oid }]);
    });

    it("creates, moves and deletes with the expected old value", async () => {
      const store = await create();
      const first = await seed(store, ["refs/heads/main"]);
      const second = await makeCommit("second");
      const name = "refs/heads/x";
      expect(await move(store, [{ name, expected: null, next: first }])).toEqual([
        { kind: "moved", name, previous: null },
      ]);
      expect(await move(store, [{ name, expected: null, next: first }])).toEqual([
        { kind: "rejected", name, reason: "stale", current: first },
      ]);
      const results = await store.transact({
        updates: [{ name, expected: first, next: second.oid }],
        atomic: false,
        reason: REASON,
        objects: second.objects,
      });
      expect(results).toEqual([{ kind: "moved", name, previous: first }]);
      expect(await move(store, [{ name, expected: first, next: null }])).toMatchObject([
        { reason: "stale", current: second.oid },
      ]);
      expect(await move(store, [{ name, expected: second.oid, next: null }])).toMatchObject([
        { kind: "moved" },
      ]);
      expect(await findRef(store, name)).toBeNull();
    });

    it("refuses names that are a folder of one another", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main", "refs/heads/a/b"]);
      const results = await move(store, [
        { name: "refs/heads/a", next: oid },
        { name: "refs/heads/a/b/c/d", next: oid },
        { name: "refs/heads/a/bc", next: oid },
        { name: "refs/heads/a-b", next: oid },
      ]);
      expect(results.map((result) => (result.kind === "rejected" ? result.reason : "moved"))).toEqual([
        "name-conflict",
        "name-conflict",
        "moved",
        "moved",
      ]);
    });

    it("lets a deleted name give way to its folder in one transaction", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main", "refs/heads/a"]);
      const results = await move(
        store,
        [
          { name: "refs/heads/a/b", next: oid },
          { name: "refs/heads/a", next: null },
        ],
        true,
      );
      expect(results.map((result) => result.kind)).toEqual(["moved", "moved"]);
      expect(results.map((result) => result.name)).toEqual(["refs/heads/a/b", "refs/heads/a"]);
      expect((await store.listRefs({})).refs.map((ref) => ref.name)).toEqual([
        "refs/heads/a/b",
        "refs/heads/main",
      ]);
    });

    it("does all or nothing when atomic, and each for itself when not", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main"]);
      const updates: RefUpdate[] = [
        { name: "refs/heads/x", expected: null, next: oid },
        { name: "refs/heads/main", expected: null, next: oid },
        { name: "refs/heads/y", expected: null, next: oid },
      ];
      const hot = (await store.snapshot({})).hotObjects;
      const extra = makeObject("blob", "must not stay");
      const refused = await store.transact({ updates, atomic: true, reason: REASON, objects: [extra] });
      expect(refused.map((result) => result.kind === "rejected" && result.reason)).toEqual([
        "not-attempted",
        "stale",
        "not-attempted",
      ]);
      expect(await findRef(store, "refs/heads/x")).toBeNull();
      expect((await store.snapshot({})).hotObjects).toBe(hot);
      const single = await move(store, updates);
      expect(single.map((result) => result.kind)).toEqual(["moved", "rejected", "moved"]);
      expect(await findRef(store, "refs/heads/y")).toBe(oid);
    });

    it("keeps the branch of HEAD, until HEAD points elsewhere", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main", "refs/heads/dev"]);
      expect(await move(store, [{ name: "refs/heads/main", next: null }])).toEqual([
        { kind: "rejected", name: "refs/heads/main", reason: "default-branch", current: oid },
      ]);
      await store.setHead({ kind: "symbolic", target: "refs/heads/dev" }, REASON);
      expect((await store.snapshot({})).head).toEqual({ kind: "symbolic", target: "refs/heads/dev" });
      expect(await move(store, [{ name: "refs/heads/main", next: null }])).toMatchObject([{ kind: "moved" }]);
    });

    it("points HEAD at objects it has, and into refs/heads/ only", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main"]);
      const absent = makeObject("blob", "absent").oid;
      await expect(store.setHead({ kind: "detached", oid: absent }, REASON)).rejects.toMatchObject({
        code: "missing-object",
      });
      await expect(store.setHead({ kind: "symbolic", target: "refs/tags/v1" }, REASON)).rejects.toMatchObject(
        {
          code: "invalid-ref-name",
        },
      );
      await store.setHead({ kind: "detached", oid }, REASON);
      expect((await store.snapshot({})).head).toEqual({ kind: "detached", oid });
    });

    it("moves HEAD together with its renamed branch, or neither", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main", "refs/heads/taken"]);
      const rename = (name: string) =>
        store.transact({
          updates: [
            { name, expected: null, next: oid },
            { name: "refs/heads/main", expected: oid, next: null },
          ],
          atomic: true,
          reason: REASON,
          head: { kind: "symbolic", target: name },
        });
      expect((await rename("refs/heads/taken")).map((result) => result.kind)).toEqual([
        "rejected",
        "rejected",
      ]);
      expect((await store.snapshot({})).head).toEqual({ kind: "symbolic", target: "refs/heads/main" });
      expect((await rename("refs/heads/trunk")).map((result) => result.kind)).toEqual(["moved", "moved"]);
      const after = await store.snapshot({ refs: ["refs/heads/main", "refs/heads/trunk"] });
      expect(after.head).toEqual({ kind: "symbolic", target: "refs/heads/trunk" });
      expect([...after.refs.keys()]).toEqual(["refs/heads/trunk"]);
    });

    it("refuses a tip that the repository does not have", async () => {
      const store = await create();
      const { oid, objects } = await makeCommit("elsewhere");
      const updates = [{ name: "refs/heads/x", next: oid }];
      expect(await move(store, updates)).toMatchObject([{ kind: "rejected", reason: "missing-object" }]);
      expect(await store.transact({ updates, atomic: true, reason: REASON, objects })).toMatchObject([
        { kind: "moved" },
      ]);
    });

    it("lets the next one in when a turn's transaction has moved its ref, and keeps the turn when it has lost", async () => {
      const { store } = await make();
      const name = "refs/heads/main";
      const { oid, objects } = await makeCommit("turn");
      await store.transact({ updates: [{ name, next: oid }], atomic: true, reason: REASON, objects });
      const other = await makeCommit("other");
      const turn = await store.takeTurn(name);
      if (!turn) throw new Error("nobody else is in line");
      let isIn = false;
      const next = store.takeTurn(name).then((taken) => {
        isIn = true;
        return taken;
      });
      const move = (expected: Oid | null) =>
        store.transact({
          updates: [{ name, expected, next: other.oid }],
          atomic: true,
          reason: REASON,
          objects: other.objects,
          turn,
        });
      expect(await move(null)).toMatchObject([{ kind: "rejected", reason: "stale" }]);
      expect(isIn).toBe(false);
      // Others wait now, and go on once the turn is over.
      const waiting = store.commit(putRequest("late", "1"));
      expect(await move(oid)).toMatchObject([{ kind: "moved" }]);
      expect(readReceipt(await waiting).parent).toBe(other.oid);
      expect(await next).toMatchObject({ name });
    });

    it("moves a ref named twice in one transaction once", async () => {
      const store = await create();
      const oid = await seed(store, ["refs/heads/main"]);
      const twice = await move(store, [
        { name: "refs/heads/x", next: oid },
        { name: "refs/heads/x", next: oid },
      ]);
      expect(twice.map((result) => result.kind)).toEqual(["moved", "rejected"]);
    });
  });

  describe("hot objects", () => {
    it("gives back what was written with the refs, byte for byte, and skips what it does not have", async () => {
      const store = await create();
      const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
      const objects = [makeObject("blob", every), makeObject("blob", ""), makeObject("tree", "")];
      await store.transact({ updates: [], atomic: true, reason: REASON, objects });
      const absent = makeObject("blob", "absent").oid;
      const read = await store.readHot([...objects.map((object) => object.oid), absent]);
      expect(sortByOid(read)).toEqual(sortByOid(objects));
      const headers = await store.readHotHeaders([...objects.map((object) => object.oid), absent]);
      expect(headers).toEqual(
        new Map(objects.map(({ oid, type, data }) => [oid, { type, size: data.length }])),
      );
      expect((await store.snapshot({})).hotObjects).toBe(3);
    });

    it("refuses an object that no pack could hold", async () => {
      const store = await create();
      const objects = [makeObject("blob", "fine"), makeObject("tree", "not a tree")];
      await expect(
        store.transact({ updates: [], atomic: true, reason: REASON, objects }),
      ).rejects.toMatchObject({ code: "corrupt-object" });
      expect((await store.snapshot({})).hotObjects).toBe(0);
    });

    it("holds an object once however often it is written", async () => {
      const store = await create();
      const objects = [makeObject("blob", "same")];
      for (let i = 0; i < 3; i++)
        await store.transact({ updates: [], atomic: true, reason: REASON, objects });
      expect((await store.snapshot({})).hotObjects).toBe(1);
    });

    it("takes objects of several megabytes and more than one reply can carry", async () => {
      const { store, files } = await make();
      const objects = [1, 2, 3, 4, 5].map((seed) => makeObject("blob", fillBytes(4_500_000 + seed, seed)));
      for (const object of objects) {
        await store.transact({ updates: [], atomic: true, reason: REASON, objects: [object] });
      }
      // Through a handle: so much is soon on its way into a pack.
      const handle = createRepoHandle(TEST_RECORD, { store, files, cache: createObjectCache() });
      const { found } = await handle.objects.readObjects(objects.map((object) => object.oid));
      expect([...found.keys()].sort()).toEqual(objects.map((object) => object.oid).sort());
      for (const object of found.values()) expect(makeObject("blob", object.data).oid).toBe(object.oid);
    });
  });

  describe("packs", () => {
    it("reserves distinct keys under the repository, sortable by time", async () => {
      const store = await create();
      const first = await store.beginPack();
      const second = await store.beginPack();
      expect(first.key).not.toBe(second.key);
      expect(first.key.endsWith(`/${first.id}`)).toBe(true);
      expect(first.id.length).toBe(second.id.length);
    });

    it("does not catalogue a pack whose key was never reserved", async () => {
      const store = await create();
      const entry = {
        id: "x",
        key: "packs/other/x",
        objects: 1,
        packBytes: 1,
        idxBytes: 1,
        refsBytes: 1,
        createdAtMs: 0,
      };
      await expect(
        store.transact({ updates: [], atomic: true, reason: REASON, pack: entry }),
      ).rejects.toMatchObject({ code: "missing-object" });
      expect((await store.snapshot({})).packs).toEqual([]);
    });

    it("shows a pack with the refs that need it, newest first", async () => {
      const { store, files } = await make();
      const { catalogVersion } = await store.snapshot({});
      const commits = [await makeCommit("one"), await makeCommit("two")];
      const entries: PackEntry[] = [];
      for (const [i, commit] of commits.entries()) {
        const pack = await putPack(store, files, commit.objects);
        entries.unshift(pack);
        expect(
          await store.transact({
            updates: [{ name: `refs/heads/b${i}`, expected: null, next: commit.oid }],
            atomic: true,
            reason: REASON,
            pack,
          }),
        ).toMatchObject([{ kind: "moved" }]);
      }
      const snapshot = await store.snapshot({ knownCatalogVersion: catalogVersion });
      expect(snapshot.packs).toEqual(entries);
      expect(snapshot.catalogVersion).toBeGreaterThan(catalogVersion);
      expect(snapshot.hotObjects).toBe(0);
      // What is in a pack is visible to later updates.
      const again = [{ name: "refs/tags/v1", next: commits[0]?.oid ?? null }];
      expect(await move(store, again)).toMatchObject([{ kind: "moved" }]);
    });

    it("catalogues a pack once when the call is repeated", async () => {
      const { store, files } = await make();
      const commit = await makeCommit("one");
      const pack = await putPack(store, files, commit.objects);
      const transaction = {
        updates: [{ name: "refs/heads/x", next: commit.oid }],
        atomic: true,
        reason: REASON,
        pack,
      };
      await store.transact(transaction);
      await store.transact(transaction);
      expect((await store.snapshot({})).packs).toEqual([pack]);
    });

    it("leaves the pack of a refused transaction out", async () => {
      const { store, files } = await make();
      const commit = await makeCommit("one");
      const elsewhere = await makeCommit("elsewhere");
      const pack = await putPack(store, files, commit.objects);
      const updates = [
        { name: "refs/heads/x", next: commit.oid },
        { name: "refs/heads/y", next: elsewhere.oid },
      ];
      const results = await store.transact({ updates, atomic: true, reason: REASON, pack });
      expect(results.map((result) => result.kind === "rejected" && result.reason)).toEqual([
        "not-attempted",
        "missing-object",
      ]);
      expect((await store.snapshot({})).packs).toEqual([]);
    });
  });

  describe("commit", () => {
    it("starts the branch of HEAD and builds on its head from then on", async () => {
      const store = await create();
      const first = readReceipt(await store.commit(putRequest("a", "1")));
      expect(first).toMatchObject({ parent: null, branch: "main", filesChanged: 1 });
      const second = readReceipt(await store.commit(putRequest("b", "2")));
      expect(second.parent).toBe(first.oid);
      expect(await findRef(store, "refs/heads/main")).toBe(second.oid);
      const [commit] = await store.readHot([second.oid]);
      expect(decodeCommit(commit?.data ?? new Uint8Array()).parents).toEqual([first.oid]);
    });

    it("loses none of thirty concurrent commits, and makes one line of them", async () => {
      const store = await create();
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, i) => store.commit(putRequest(`file-${i}`, `content ${i}`))),
      );
      const receipts = outcomes.map(readReceipt);
      const parents = new Set(receipts.map((receipt) => receipt.parent));
      expect(parents.size).toBe(30);
      const tip = receipts.find((receipt) => !parents.has(receipt.oid));
      const [tree] = await store.readHot([tip?.tree as Oid]);
      expect(decodeTree(tree?.data ?? new Uint8Array())).toHaveLength(30);
    });

    it("lets exactly one of thirty win that name the same parent", async () => {
      const store = await create();
      const { oid } = readReceipt(await store.commit(putRequest("a", "1")));
      const outcomes = await Promise.all(
        Array.from({ length: 30 }, (_, i) => store.commit(putRequest(`f${i}`, "x", { parentOid: oid }))),
      );
      const won = outcomes.filter((outcome) => outcome.kind === "committed");
      expect(won).toHaveLength(1);
      const current = await findRef(store, "refs/heads/main");
      for (const outcome of outcomes) {
        if (outcome.kind !== "committed") expect(outcome).toEqual({ kind: "head-moved", current });
      }
    });

    it("tells a missing branch from one that must not exist yet", async () => {
      const store = await create();
      await store.commit(putRequest("a", "1"));
      expect(await store.commit(putRequest("a", "1", { branch: "dev" }))).toMatchObject({
        kind: "rejected",
        reason: "no-branch",
      });
      const orphan = readReceipt(
        await store.commit(putRequest("a", "1", { branch: "dev", parentOid: null })),
      );
      expect(orphan.parent).toBeNull();
      expect(await store.commit(putRequest("a", "2", { branch: "dev", parentOid: null }))).toEqual({
        kind: "head-moved",
        current: orphan.oid,
      });
      expect(await store.commit(putRequest("a", "1", { branch: "dev/x", parentOid: null }))).toMatchObject({
        kind: "rejected",
      });
    });

    it("writes nothing when a precondition fails", async () => {
      const store = await create();
      const { oid } = readReceipt(await store.commit(putRequest("a", "1")));
      const before = await store.snapshot({});
      const request = putRequest("b", "2");
      const [change] = request.changes;
      const outcome = await store.commit({
        ...request,
        changes: change ? [{ ...change, ifMatch: oid }] : [],
      });
      expect(outcome).toMatchObject({
        kind: "path-conflict",
        path: "b",
        expected: oid,
        current: null,
        head: oid,
      });
      expect(await store.snapshot({})).toEqual(before);
    });

    it("answers a repeated Idempotency-Key with the first result, and refuses it for another request", async () => {
      const store = await create();
      const idempotency = { key: "k1", fingerprint: "f1" };
      const first = await store.commit(putRequest("a", "1", { idempotency }));
      await store.commit(putRequest("b", "2"));
      expect(await store.commit(putRequest("a", "1", { idempotency }))).toEqual({ ...first, replayed: true });
      expect(
        await store.commit(putRequest("a", "9", { idempotency: { key: "k1", fingerprint: "f2" } })),
      ).toEqual({
        kind: "idempotency-mismatch",
      });
      const both = { key: "k2", fingerprint: "f" };
      const twins = await Promise.all(
        [1, 2].map(() => store.commit(putRequest("c", "3", { idempotency: both }))),
      );
      expect(twins.map((outcome) => outcome.kind === "committed" && outcome.replayed)).toEqual([false, true]);
      expect(twins.map(readReceipt)[0]).toEqual(twins.map(readReceipt)[1]);
    });

    it("takes blobs from a pack that comes along, and builds on commits that are packed", async () => {
      const { store, files } = await make();
      const pushed = await makeCommit("pushed");
      const base = await putPack(store, files, pushed.objects);
      await store.transact({
        updates: [{ name: "refs/heads/main", next: pushed.oid }],
        atomic: true,
        reason: REASON,
        pack: base,
      });
      const request = putRequest("large", "large content");
      const pack = await putPack(store, files, request.blobs);
      const receipt = readReceipt(await store.commit({ ...request, blobs: [], pack }));
      expect(receipt.parent).toBe(pushed.oid);
      expect((await store.snapshot({})).packs).toEqual([pack, base]);
      const [tree] = await store.readHot([receipt.tree]);
      const names = decodeTree(tree?.data ?? new Uint8Array()).map((entry) => entry.name);
      expect(names).toEqual(["file", "large"]);
    });

    it("sees a branch that a push has moved in between", async () => {
      const store = await create();
      await store.commit(putRequest("a", "1"));
      const pushed = await makeCommit("pushed");
      const moved = store.transact({
        updates: [{ name: "refs/heads/main", next: pushed.oid }],
        atomic: true,
        reason: REASON,
        objects: pushed.objects,
      });
      const committed = store.commit(putRequest("b", "2"));
      await moved;
      const receipt = readReceipt(await committed);
      expect(await findRef(store, "refs/heads/main")).toBe(
        receipt.parent === pushed.oid ? receipt.oid : pushed.oid,
      );
    });
  });
}

/** Bytes that do not compress to nothing and differ by seed. */
export function fillBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function sortByOid(objects: readonly GitObject[]): GitObject[] {
  return [...objects].sort((a, b) => (a.oid < b.oid ? -1 : 1));
}
