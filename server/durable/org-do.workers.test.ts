import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { NewRepo, OrgStore } from "../ports/org.ts";
import { createRepoId, hashSecret, orgIdOf } from "../services/org-keys.ts";
import { createDurableOrgStore } from "../stores/durable-org-store.ts";
import { orgStoreContract } from "../testing/org-store-contract.ts";
import { connectRepo, makeDurableRepo } from "../testing/workers-env.ts";
import { OrgDO, type OrgEnv } from "./org-do.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const { ORG } = env as unknown as { readonly ORG: DurableObjectNamespace<OrgDO> };

let made = 0;

function openOrg() {
  const slug = `org-${Date.now()}-${++made}`;
  const stub = ORG.getByName(orgIdOf(slug));
  return { slug, stub, store: connectOrg(stub) };
}

function connectOrg(stub: DurableObjectStub<OrgDO>): OrgStore {
  // The stub's own type wraps every value in what RPC could make of it; OrgDO implements OrgStore by declaration.
  return createDurableOrgStore(() => stub as unknown as OrgStore);
}

function newRepo(id: string): NewRepo {
  return {
    id,
    namespace: null,
    slug: "repo",
    description: null,
    visibility: "private",
    defaultBranch: "main",
    isTemplate: false,
    autoIndex: false,
    fork: null,
  };
}

orgStoreContract(async () => openOrg());

describe("an OrgDO", () => {
  const credential = { kind: "key", secretHash: hashSecret("first") } as const;

  it("writes nothing for an org that does not exist, whatever is asked of it", async () => {
    const { store, stub } = openOrg();
    await store.authorize({ credential, need: "read" });
    await store.authorize({ credential: { kind: "none" }, need: "read" });
    await store.createKey(hashSecret("x"));
    await store.revokeKey("key_x");
    const tables = await runInDurableObject(stub, (_instance, state) =>
      state.storage.sql
        .exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
        .toArray(),
    );
    expect(tables).toEqual([]);
  });

  it("keeps the hash of a secret and never the secret", async () => {
    const { store, stub, slug } = openOrg();
    await store.createOrg({ slug, name: null, keyHash: hashSecret("first") });
    const rows = await runInDurableObject(stub, (_instance, state) =>
      state.storage.sql.exec("SELECT hash, lookup FROM keys").toArray(),
    );
    expect(rows).toEqual([{ hash: hashSecret("first"), lookup: hashSecret("first").slice(0, 16) }]);
  });

  it("knows its org, keys, repositories and receipts after a restart", async () => {
    const { store, slug } = openOrg();
    const created = await store.createOrg({ slug, name: null, keyHash: hashSecret("first") });
    await store.createKey(hashSecret("second"));
    const once = { scope: "s", key: "k", fingerprint: "f" };
    const repoId = createRepoId();
    await store.createRepo(newRepo(repoId), once);
    await store.revokeKey(created?.keyId ?? "");
    await abortAllDurableObjects();
    const again = connectOrg(ORG.getByName(orgIdOf(slug)));
    expect((await again.authorize({ credential, need: "read" })).kind).toBe("unauthorized");
    const second = { kind: "key", secretHash: hashSecret("second") } as const;
    const repo = { namespace: null, slug: "repo" };
    expect(await again.authorize({ credential: second, need: "write", repo })).toMatchObject({
      kind: "allowed",
      orgSlug: slug,
      repo: { id: repoId },
    });
    const replay = await again.createRepo(newRepo(createRepoId()), once);
    expect(replay).toMatchObject({ kind: "created", replayed: true, repo: { id: repoId } });
  });

  it("forgets a receipt after 24 hours", async () => {
    const { store, stub, slug } = openOrg();
    await store.createOrg({ slug, name: null, keyHash: hashSecret("first") });
    const once = { scope: "s", key: "k", fingerprint: "f" };
    await store.createRepo(newRepo(createRepoId()), once);
    await runInDurableObject(stub, (_instance, state) => {
      state.storage.sql.exec("UPDATE receipts SET at_ms = at_ms - ?", 24 * 3_600_000 + 1);
    });
    expect((await store.createRepo(newRepo(createRepoId()), once)).kind).toBe("taken");
    const fresh = { ...newRepo(createRepoId()), slug: "fresh" };
    expect(await store.createRepo(fresh, once)).toMatchObject({ kind: "created", replayed: false });
    const rows = await runInDurableObject(stub, (_instance, state) =>
      state.storage.sql.exec("SELECT count(*) AS n FROM receipts").one(),
    );
    expect(rows).toEqual({ n: 1 });
  });

  it("destroys by alarm what a deletion that was cut short left behind", async () => {
    const { store, stub, slug } = openOrg();
    await store.createOrg({ slug, name: null, keyHash: hashSecret("first") });
    const repoId = createRepoId();
    const durable = await makeDurableRepo(undefined, repoId);
    // The Worker creates repositories by name; the helper made this one under the same.
    await store.createRepo(newRepo(repoId));
    expect(await store.deleteRepo(repoId)).toBe(true);
    expect(await durable.store.countRefs("refs/")).toBe(0);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    await expect(connectRepo(durable.stub).countRefs("refs/")).rejects.toMatchObject({
      code: "missing-object",
    });
    const left = await runInDurableObject(stub, async (_instance, state) => ({
      doomed: state.storage.sql.exec("SELECT id FROM doomed_repos").toArray(),
      alarmInMs: ((await state.storage.getAlarm()) ?? 0) - Date.now(),
    }));
    // What is left to do is to delete the log's entries, in 90 days.
    expect(left.doomed).toEqual([]);
    expect(left.alarmInMs).toBeGreaterThan(89 * 24 * 60 * 60 * 1000);
  });

  it("does not let one repository that cannot be destroyed hold up the others, and tries it again", async () => {
    const { store, stub, slug } = openOrg();
    await store.createOrg({ slug, name: null, keyHash: hashSecret("first") });
    for (const id of ["stuck", "fine"]) {
      await store.createRepo(newRepo(id));
      await store.deleteRepo(id);
    }
    const left = await runInDurableObject(stub, async (_instance, state) => {
      const destroy = async (id: string) => {
        if (id === "stuck") throw new Error("injected: destroy fails");
      };
      // Its alarm asks for nothing of the environment but what is handed in here.
      const faulty = new OrgDO(state, {} as OrgEnv, { repos: { destroy } });
      await faulty.alarm();
      const rows = state.storage.sql.exec("SELECT id FROM doomed_repos").toArray();
      return { rows, alarm: await state.storage.getAlarm() };
    });
    expect(left.rows).toEqual([{ id: "stuck" }]);
    expect(left.alarm).not.toBeNull();
  });

  it("counts requests and refuses those of a key that has used up its minute", async () => {
    const { store, slug } = openOrg();
    await store.createOrg({ slug, name: null, keyHash: hashSecret("first") });
    await store.createKey(hashSecret("second"));
    const verdicts = [];
    // A few more than 600: a minute that passes meanwhile lets some of them through.
    for (let i = 0; i < 640; i++) verdicts.push(await store.authorize({ credential, need: "read" }));
    expect(verdicts[0]).toMatchObject({ kind: "allowed", rate: { limit: 600, remaining: 599 } });
    expect(verdicts.slice(0, 600).every(({ kind }) => kind === "allowed")).toBe(true);
    expect(verdicts[639]).toMatchObject({ kind: "rate-limited", rate: { limit: 600, remaining: 0 } });
    const second = { kind: "key", secretHash: hashSecret("second") } as const;
    expect((await store.authorize({ credential: second, need: "read" })).kind).toBe("allowed");
  });
});
