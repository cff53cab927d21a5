import { describe, expect, it } from "vitest";
import { LIMITS } from "../../sdk/contract/limits.ts";
import { createSigningKey, type MintOptions, mintToken } from "../../sdk/signing.ts";
import { type NewPublicKey, type NewToken, NO_LIMITS } from "../ports/access.ts";
import type { NewConnection } from "../ports/connection.ts";
import type { Credential, NewRepo, OrgStore } from "../ports/org.ts";
import { DEFAULT_POLICY } from "../services/account/policy.ts";
import { createRepoId, hashSecret, orgIdOf } from "../services/org-keys.ts";

export interface OpenedOrg {
  readonly store: OrgStore;
  readonly slug: string;
}

const ANYBODY: Credential = { kind: "none" };

function keyOf(secret: string): Credential {
  return { kind: "key", secretHash: hashSecret(secret) };
}

function newRepo(fields: Partial<NewRepo> = {}): NewRepo {
  return {
    id: createRepoId(),
    namespace: null,
    slug: "repo",
    description: null,
    visibility: "private",
    defaultBranch: "main",
    isTemplate: false,
    autoIndex: false,
    fork: null,
    ...fields,
  };
}

/**
 * What every OrgStore does.
 * @param open gives the store of an org that nobody has created yet
 */
export function orgStoreContract(open: () => Promise<OpenedOrg>): void {
  const openCreated = async () => {
    const { store, slug } = await open();
    const created = await store.createOrg({ slug, name: "Name", keyHash: hashSecret("first") });
    if (!created) throw new Error("the org exists already");
    return { store, slug, id: created.id, keyId: created.keyId };
  };

  describe("tokens", () => {
    const DAY_MS = 24 * 60 * 60 * 1000;
    const newToken = (secret: string, fields: Partial<NewToken> = {}): NewToken => ({
      id: `tok_${secret}`,
      hash: hashSecret(secret),
      name: secret,
      keyPrefix: "cgt_",
      scopes: { "repos:repo": { ops: ["read"], refs: ["a/*"], paths: null } },
      expiresAtMs: Date.now() + DAY_MS,
      limits: NO_LIMITS,
      ...fields,
    });
    const tokenOf = (secret: string): Credential => ({ kind: "token", secretHash: hashSecret(secret) });

    it("authorise what their scopes say, until they are revoked or run out", async () => {
      const { store } = await openCreated();
      await store.createRepo(newRepo());
      await store.createRepo(newRepo({ slug: "other" }));
      const token = newToken("secret");
      expect(await store.createToken(token)).toMatchObject({ id: token.id, scopes: token.scopes });
      await store.createToken(newToken("late", { expiresAtMs: Date.now() - 1 }));
      const ask = (secret: string, slug: string, need: "read" | "write" | "master") =>
        store.authorize({ credential: tokenOf(secret), need, repo: { namespace: null, slug } });
      expect(await ask("secret", "repo", "read")).toMatchObject({
        kind: "allowed",
        principal: { kind: "token", keyId: token.id, scopes: token.scopes },
      });
      expect((await ask("secret", "repo", "write")).kind).toBe("forbidden");
      expect((await ask("secret", "repo", "master")).kind).toBe("forbidden");
      expect((await ask("secret", "other", "read")).kind).toBe("not-found");
      expect((await ask("late", "repo", "read")).kind).toBe("unauthorized");
      expect((await ask("unknown", "repo", "read")).kind).toBe("unauthorized");
      expect((await store.authorize({ credential: keyOf("secret"), need: "read" })).kind).toBe(
        "unauthorized",
      );
      expect(await store.revokeToken(token.id)).toBe(true);
      expect(await store.revokeToken(token.id)).toBe(false);
      expect((await ask("secret", "repo", "read")).kind).toBe("unauthorized");
    });

    it("are listed page by page, live ones only", async () => {
      const { store } = await openCreated();
      for (const secret of ["a", "b", "c", "d"]) await store.createToken(newToken(secret));
      await store.createToken(newToken("late", { expiresAtMs: Date.now() - 1 }));
      await store.revokeToken("tok_b");
      const first = await store.listTokens({ limit: 2 });
      expect(first.tokens.map(({ name }) => name)).toEqual(["a", "c"]);
      const second = await store.listTokens({ limit: 2, after: first.next ?? 0 });
      expect([second.tokens.map(({ name }) => name), second.next]).toEqual([["d"], null]);
    });

    it("limit a list of repositories to those that are named", async () => {
      const { store } = await openCreated();
      for (const slug of ["a", "b", "c"]) await store.createRepo(newRepo({ slug }));
      await store.createRepo(newRepo({ namespace: "n", slug: "a" }));
      const list = async (names: readonly { namespace: string | null; slug: string }[]) =>
        (await store.listRepos({ limit: 10, offset: 0, publicOnly: false, names })).repos.map(
          ({ namespace, slug }) => [namespace, slug],
        );
      expect(await list([])).toEqual([]);
      expect(
        await list([
          { namespace: null, slug: "b" },
          { namespace: "n", slug: "a" },
        ]),
      ).toEqual([
        [null, "b"],
        ["n", "a"],
      ]);
    });
  });

  describe("public keys", () => {
    const newKey = async (kid: string, fields: Partial<NewPublicKey> = {}) => {
      const { privateKey, publicKey } = await createSigningKey();
      const { kty, crv, x } = publicKey;
      const key: NewPublicKey = {
        kid,
        name: null,
        alg: "EdDSA",
        jwk: { kty, crv, x },
        ceiling: null,
        maxSeconds: 3_600,
        ...fields,
      };
      const mint = (org: string, more: Partial<MintOptions> = {}) =>
        mintToken({
          ...{ privateKey, kid, org, sub: "agent", scopes: { "repos:repo": ["read"] }, expiresIn: 60 },
          ...more,
        });
      return { key, mint };
    };

    it("check tokens, until they are deleted; a deleted name is not used again", async () => {
      const { store, slug } = await openCreated();
      await store.createRepo(newRepo());
      const { key, mint } = await newKey("k");
      expect(await store.createPublicKey(key)).toMatchObject({ kind: "created", key });
      expect(await store.createPublicKey(key)).toMatchObject({ kind: "created", key });
      expect(await store.createPublicKey((await newKey("k")).key)).toEqual({ kind: "taken" });
      expect(await store.createPublicKey({ ...key, maxSeconds: 60 })).toEqual({ kind: "taken" });
      expect(await store.listPublicKeys()).toMatchObject([key]);
      const token = await mint(slug);
      const ask = (need: "read" | "write") =>
        store.authorize({
          credential: { kind: "signed", token },
          need,
          repo: { namespace: null, slug: "repo" },
        });
      expect(await ask("read")).toMatchObject({
        kind: "allowed",
        principal: { kind: "signed", actor: "agent@k" },
      });
      expect((await ask("write")).kind).toBe("forbidden");
      const foreign: Credential = { kind: "signed", token: await mint("another-org") };
      expect((await store.authorize({ credential: foreign, need: "read" })).kind).toBe("unauthorized");
      expect(await store.deletePublicKey("k")).toBe(true);
      expect(await store.deletePublicKey("k")).toBe(false);
      expect((await ask("read")).kind).toBe("unauthorized");
      expect(await store.createPublicKey(key)).toEqual({ kind: "retired" });
      expect(await store.listPublicKeys()).toEqual([]);
    });

    it("have tokens that are revoked one by one, also for the sessions that they opened", async () => {
      const { store, slug } = await openCreated();
      const { key, mint } = await newKey("k");
      await store.createPublicKey(key);
      const token = await mint(slug, { jti: "run" });
      const opened = await store.authorize({ credential: { kind: "signed", token }, need: "read" });
      const grant = opened.kind === "allowed" ? (opened.principal?.grant ?? null) : null;
      if (!grant) throw new Error("not allowed");
      const { keyId, tokenHash, expiresAtMs } = grant;
      expect((await store.openSession({ hash: "session", keyId, grant })).kind).toBe("opened");
      const session: Credential = { kind: "session", keyId, hash: "session" };
      expect(await store.authorize({ credential: session, need: "read" })).toMatchObject({
        kind: "allowed",
        principal: { actor: "agent@k", scopes: grant.scopes },
      });
      const revocation = { tokenHash, jti: "run", expiresAtMs };
      expect(await store.revokeSigned(revocation)).toMatchObject({ kind: "revoked", revocation });
      expect((await store.revokeSigned(revocation)).kind).toBe("revoked");
      expect((await store.authorize({ credential: session, need: "read" })).kind).toBe("unauthorized");
      expect((await store.openSession({ hash: "late", keyId, grant })).kind).toBe("revoked");
      expect(await store.listRevoked(10)).toMatchObject({ revoked: [revocation], total: 1 });
      const next: Credential = { kind: "signed", token: await mint(slug) };
      expect((await store.authorize({ credential: next, need: "read" })).kind).toBe("allowed");
    });
  });

  describe("what an org may use", () => {
    it("is the same for every org until it is changed, setting by setting", async () => {
      const { store } = await openCreated();
      const standard = { policy: DEFAULT_POLICY, repos: 0, storageBytes: 0 };
      expect(await store.readAccount()).toEqual(standard);
      const changed = await store.changePolicy({
        quotas: { repos: 1, storageBytes: null },
        rates: { key: { perMinute: 7 } },
      });
      expect(changed?.policy).toEqual({
        quotas: { ...DEFAULT_POLICY.quotas, repos: 1, storageBytes: null },
        rates: { ...DEFAULT_POLICY.rates, key: { ...DEFAULT_POLICY.rates.key, perMinute: 7 } },
      });
      await store.changePolicy({ quotas: { repos: "default" }, rates: {} });
      expect((await store.readAccount())?.policy).toEqual({
        ...changed?.policy,
        quotas: { ...DEFAULT_POLICY.quotas, storageBytes: null },
      });
      const nobody = await open();
      expect(await nobody.store.readAccount()).toBeNull();
      expect(await nobody.store.changePolicy({})).toBeNull();
      await nobody.store.reportStorage({ repoId: "r", bytes: 1 });
      await nobody.store.reportUsage([]);
    });

    it("ends repositories at their quota, whoever comes first", async () => {
      const { store } = await openCreated();
      await store.changePolicy({ quotas: { repos: 3 } });
      const made = await Promise.all(
        ["a", "b", "c", "d", "e"].map((slug) => store.createRepo(newRepo({ slug }))),
      );
      expect(made.filter(({ kind }) => kind === "created")).toHaveLength(3);
      expect(made[4]).toEqual({ kind: "quota-exceeded", excess: { quota: "repos", limit: 3, used: 3 } });
      expect((await store.createRepo(newRepo({ slug: "a" }))).kind).toBe("taken");
      await store.changePolicy({ quotas: { repos: 0 } });
      expect((await store.createRepo(newRepo({ slug: "f" }))).kind).toBe("quota-exceeded");
    });

    it("refuses what stores something when there is no room, and nothing else", async () => {
      const { store } = await openCreated();
      const [one, two] = [newRepo({ slug: "one" }), newRepo({ slug: "two" })];
      for (const repo of [one, two]) await store.createRepo(repo);
      await store.changePolicy({ quotas: { storageBytes: 100, repoBytes: 60 } });
      const ask = (slug: string, stores: boolean) =>
        store.authorize({
          credential: keyOf("first"),
          need: "write",
          stores,
          repo: { namespace: null, slug },
        });
      await store.reportStorage({ repoId: one.id, bytes: 60 });
      await store.reportStorage({ repoId: "somewhere-else", bytes: 1_000 });
      expect(await ask("one", true)).toMatchObject({
        kind: "quota-exceeded",
        excess: { quota: "repo_bytes", limit: 60, used: 60 },
      });
      expect((await ask("one", false)).kind).toBe("allowed");
      expect((await ask("two", true)).kind).toBe("allowed");
      await store.reportStorage({ repoId: two.id, bytes: 40 });
      expect(await ask("two", true)).toMatchObject({
        excess: { quota: "storage_bytes", limit: 100, used: 100 },
      });
      await store.deleteRepo(one.id);
      expect((await ask("two", true)).kind).toBe("allowed");
      expect(await store.readAccount()).toMatchObject({ repos: 1, storageBytes: 40 });
    });

    it("is reserved all or nothing, and given back", async () => {
      const { store } = await openCreated();
      const limits = { commits: 5, bytes: 100 };
      const reserve = (commits: number, bytes: number) =>
        store.reserve({ keyId: "tok", limits, untilMs: Date.now() + 60_000, commits, bytes });
      const raced = await Promise.all(Array.from({ length: 10 }, () => reserve(1, 10)));
      expect(raced.filter(({ kind }) => kind === "reserved")).toHaveLength(5);
      expect(raced[9]).toEqual({
        kind: "exceeded",
        excess: { quota: "commits", limit: 5, used: 5 },
        use: { commits: 5, bytes: 50 },
      });
      await store.release({ keyId: "tok", commits: 2, bytes: 20 });
      expect(await reserve(1, 71)).toMatchObject({ excess: { quota: "bytes", limit: 100, used: 30 } });
      expect(await reserve(2, 70)).toEqual({ kind: "reserved", use: { commits: 5, bytes: 100 } });
      expect((await reserve(0, 0)).kind).toBe("reserved");
      await store.release({ keyId: "tok", commits: 99, bytes: 999 });
      expect(await reserve(0, 1)).toEqual({ kind: "reserved", use: { commits: 0, bytes: 1 } });
    });

    it("is counted by day, repository and caller", async () => {
      const { store } = await openCreated();
      // Old ones are not kept.
      const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
      const [first, second, later] = [day(20), day(19), day(5)];
      const repo = newRepo({ slug: "app", namespace: "ns" });
      await store.createRepo(repo);
      const row = (on: string, repoId: string | null, actor: string, requests: number) => ({
        ...{ day: on, repoId, actor, requests },
        ...{ commits: 1, bytesIn: 2, bytesOut: 3 },
      });
      await store.reportUsage([row(first, repo.id, "a", 5), row(first, null, "b", 1)]);
      await store.reportUsage([row(second, "gone", "a", 4), row(later, null, "c", 9)]);
      const report = await store.readUsage({ since: first, until: day(10), limit: 10 });
      const counts = { commits: 1, bytesIn: 2, bytesOut: 3 };
      expect(report).toEqual({
        totals: { requests: 10, commits: 3, bytesIn: 6, bytesOut: 9 },
        days: [
          { day: first, requests: 6, commits: 2, bytesIn: 4, bytesOut: 6 },
          { day: second, requests: 4, ...counts },
        ],
        repos: [
          { id: repo.id, name: { namespace: "ns", slug: "app" }, storageBytes: 0, requests: 5, ...counts },
          { id: "gone", name: null, storageBytes: 0, requests: 4, ...counts },
        ],
        callers: [
          { id: "a", requests: 9, commits: 2, bytesIn: 4, bytesOut: 6 },
          { id: "b", requests: 1, ...counts },
        ],
      });
      const few = await store.readUsage({ since: first, until: later, limit: 1 });
      expect([few.repos.length, few.callers.length, few.days.length]).toEqual([1, 1, 3]);
    });
  });

  describe("connections", () => {
    const newConnection = (fields: Partial<NewConnection> = {}): NewConnection => ({
      id: "conn_1",
      provider: "gitlab",
      label: "label",
      baseUrl: "https://gitlab.example.org",
      username: null,
      externalUsername: null,
      sealed: "v1.sealed",
      ...fields,
    });

    it("are listed oldest first without what is sealed, and found with it", async () => {
      const { store } = await openCreated();
      const first = await store.createConnection(newConnection());
      await store.createConnection(newConnection({ id: "conn_0", label: "second" }));
      const { sealed: _, ...shown } = newConnection();
      expect(first).toMatchObject({ kind: "created", connection: { ...shown, lastSyncedAtMs: null } });
      const list = await store.listConnections();
      expect(list.map(({ id }) => id)).toEqual(["conn_1", "conn_0"]);
      expect(JSON.stringify([first, list])).not.toContain("v1.sealed");
      expect(await store.findConnection("conn_1")).toMatchObject(newConnection());
      expect(await store.findConnection("conn_2")).toBeNull();
    });

    it("are changed in part, and deleted", async () => {
      const { store } = await openCreated();
      await store.createConnection(newConnection());
      expect(await store.updateConnection("conn_1", { sealed: "v1.new", lastSyncedAtMs: 5 })).toBe(true);
      expect(await store.findConnection("conn_1")).toMatchObject({
        label: "label",
        sealed: "v1.new",
        lastSyncedAtMs: 5,
      });
      expect(await store.updateConnection("conn_2", { label: "x" })).toBe(false);
      expect([await store.deleteConnection("conn_1"), await store.deleteConnection("conn_1")]).toEqual([
        true,
        false,
      ]);
      expect(await store.listConnections()).toEqual([]);
    });

    it("are made once for an Idempotency-Key", async () => {
      const { store } = await openCreated();
      const once = { scope: "caller", key: "k", fingerprint: "f" };
      await store.createConnection(newConnection(), once);
      const again = await store.createConnection(newConnection({ id: "conn_2" }), once);
      expect(again).toMatchObject({ kind: "created", connection: { id: "conn_1" } });
      const other = await store.createConnection(newConnection({ id: "conn_2" }), {
        ...once,
        fingerprint: "g",
      });
      expect(other).toEqual({ kind: "idempotency-mismatch" });
      expect(await store.listConnections()).toHaveLength(1);
    });

    it("are limited", async () => {
      const { store } = await openCreated();
      const ids = Array.from({ length: LIMITS.connections }, (_, n) => `conn_${n}`);
      for (const id of ids) await store.createConnection(newConnection({ id }));
      const full = { kind: "full", limit: LIMITS.connections };
      expect(await store.createConnection(newConnection({ id: "conn_more" }))).toEqual(full);
    });

    it("are none in an org that was never created", async () => {
      const { store } = await open();
      expect(await store.listConnections()).toEqual([]);
      expect(await store.findConnection("conn_1")).toBeNull();
      expect(await store.deleteConnection("conn_1")).toBe(false);
    });
  });

  describe("an org that was never created", () => {
    it("knows nobody and has nothing", async () => {
      const { store } = await open();
      expect(await store.authorize({ credential: keyOf("first"), need: "read" })).toEqual({
        kind: "unauthorized",
      });
      expect(await store.authorize({ credential: ANYBODY, need: "read" })).toEqual({ kind: "not-found" });
      expect(await store.createKey(hashSecret("x"))).toBeNull();
      expect(await store.revokeKey("key_x")).toBe(false);
    });

    it("is created once, with the id of its slug", async () => {
      const { store, slug } = await open();
      const first = { slug, name: null, keyHash: hashSecret("first") };
      const made = await Promise.all([store.createOrg(first), store.createOrg(first)]);
      const ids = made.flatMap((org) => (org ? [org.id] : []));
      expect(ids).toEqual([orgIdOf(slug)]);
      expect(await store.createOrg({ ...first, keyHash: hashSecret("other") })).toBeNull();
      expect((await store.authorize({ credential: keyOf("other"), need: "read" })).kind).toBe("unauthorized");
    });
  });

  describe("keys", () => {
    it("open the org until they are revoked, each for itself", async () => {
      const { store, slug, id, keyId } = await openCreated();
      const second = await store.createKey(hashSecret("second"));
      expect(second?.keyId).toMatch(/^key_/);
      expect(await store.authorize({ credential: keyOf("first"), need: "master" })).toMatchObject({
        kind: "allowed",
        orgId: id,
        orgSlug: slug,
        principal: { kind: "key", keyId },
        repo: null,
      });
      expect(await store.revokeKey(keyId)).toBe(true);
      expect(await store.revokeKey(keyId)).toBe(false);
      expect((await store.authorize({ credential: keyOf("first"), need: "read" })).kind).toBe("unauthorized");
      expect((await store.authorize({ credential: keyOf("second"), need: "read" })).kind).toBe("allowed");
    });

    it("do not match on a prefix of their hash, nor on nonsense", async () => {
      const { store } = await openCreated();
      const hash = hashSecret("first");
      const flipped = hash.slice(0, -1) + (hash.endsWith("0") ? "1" : "0");
      for (const secretHash of [flipped, hash.slice(0, 16), "", "zz"]) {
        const credential: Credential = { kind: "key", secretHash };
        expect((await store.authorize({ credential, need: "read" })).kind).toBe("unauthorized");
      }
    });
  });

  describe("authorize", () => {
    it("finds the repository named, and no other", async () => {
      const { store } = await openCreated();
      await store.createRepo(newRepo({ slug: "a" }));
      await store.createRepo(newRepo({ slug: "a", namespace: "ns" }));
      const credential = keyOf("first");
      const plain = await store.authorize({
        credential,
        need: "write",
        repo: { namespace: null, slug: "a" },
      });
      const spaced = await store.authorize({
        credential,
        need: "read",
        repo: { namespace: "ns", slug: "a" },
      });
      expect(plain).toMatchObject({ kind: "allowed", repo: { namespace: null, slug: "a" } });
      expect(spaced).toMatchObject({ kind: "allowed", repo: { namespace: "ns", slug: "a" } });
      const missing = await store.authorize({
        credential,
        need: "read",
        repo: { namespace: "a", slug: "ns" },
      });
      expect(missing).toEqual({ kind: "not-found" });
    });

    it("lets anybody read what is public, and only that", async () => {
      const { store } = await openCreated();
      await store.createRepo(newRepo({ slug: "open", visibility: "public" }));
      await store.createRepo(newRepo({ slug: "shut" }));
      const ask = (slug: string, need: "read" | "write" | "master") =>
        store.authorize({ credential: ANYBODY, need, repo: { namespace: null, slug } });
      expect(await ask("open", "read")).toMatchObject({ kind: "allowed", principal: null });
      expect(await ask("shut", "read")).toEqual({ kind: "not-found" });
      expect(await ask("none", "read")).toEqual({ kind: "not-found" });
      expect(await ask("open", "write")).toEqual({ kind: "unauthorized" });
      expect(await ask("shut", "master")).toEqual({ kind: "unauthorized" });
    });
  });

  describe("the directory", () => {
    it("takes each name once, whoever comes first", async () => {
      const { store } = await openCreated();
      const raced = await Promise.all(Array.from({ length: 10 }, () => store.createRepo(newRepo())));
      expect(raced.filter(({ kind }) => kind === "created")).toHaveLength(1);
      expect(raced.filter(({ kind }) => kind === "taken")).toHaveLength(9);
      expect((await store.createRepo(newRepo({ namespace: "ns" }))).kind).toBe("created");
      expect((await store.createRepo(newRepo({ namespace: "ns" }))).kind).toBe("taken");
    });

    it("gives the whole record back", async () => {
      const { store, slug, id } = await openCreated();
      const repo = newRepo({
        namespace: "ns",
        description: "d é €",
        visibility: "public",
        defaultBranch: "trunk",
        isTemplate: true,
        autoIndex: true,
      });
      const created = await store.createRepo(repo);
      const record = { ...repo, orgId: id, orgSlug: slug, createdAtMs: expect.any(Number) };
      expect(created).toEqual({ kind: "created", repo: record, replayed: false });
      const page = await store.listRepos({ limit: 10, offset: 0, publicOnly: false });
      expect(page).toEqual({ repos: [record], next: null });
    });

    it("changes only what is given", async () => {
      const { store } = await openCreated();
      const repo = newRepo({ description: "d" });
      await store.createRepo(repo);
      expect(await store.updateRepo(repo.id, { visibility: "public", autoIndex: true })).toMatchObject({
        description: "d",
        visibility: "public",
        autoIndex: true,
        isTemplate: false,
        defaultBranch: "main",
      });
      expect(await store.updateRepo(repo.id, { description: null, autoIndex: false })).toMatchObject({
        description: null,
        visibility: "public",
        autoIndex: false,
      });
      expect(await store.updateRepo(repo.id, {})).toMatchObject({ visibility: "public" });
      expect(await store.updateRepo(createRepoId(), { visibility: "public" })).toBeNull();
    });

    it("forgets a deleted repository and frees its name", async () => {
      const { store } = await openCreated();
      const repo = newRepo();
      await store.createRepo(repo);
      expect(await store.deleteRepo(repo.id)).toBe(true);
      expect(await store.deleteRepo(repo.id)).toBe(false);
      const query = {
        credential: keyOf("first"),
        need: "read",
        repo: { namespace: null, slug: "repo" },
      } as const;
      expect(await store.authorize(query)).toEqual({ kind: "not-found" });
      expect((await store.createRepo(newRepo())).kind).toBe("created");
    });

    it("lists oldest first in pages that deletions do not disturb", async () => {
      const { store } = await openCreated();
      const repos = ["c", "a", "b", "e", "d"].map((slug) => newRepo({ slug }));
      for (const repo of repos) await store.createRepo(repo);
      const first = await store.listRepos({ limit: 2, offset: 0, publicOnly: false });
      expect(first.repos.map(({ slug }) => slug)).toEqual(["c", "a"]);
      await store.deleteRepo(repos[1]?.id ?? "");
      const second = await store.listRepos({
        limit: 3,
        offset: 0,
        after: first.next ?? -1,
        publicOnly: false,
      });
      expect(second.repos.map(({ slug }) => slug)).toEqual(["b", "e", "d"]);
      expect(second.next).toBeNull();
      const skipped = await store.listRepos({ limit: 2, offset: 1, publicOnly: false });
      expect(skipped.repos.map(({ slug }) => slug)).toEqual(["b", "e"]);
      expect(await store.listRepos({ limit: 2, offset: 99, publicOnly: false })).toEqual({
        repos: [],
        next: null,
      });
    });

    it("lists by namespace, template and visibility", async () => {
      const { store } = await openCreated();
      await store.createRepo(newRepo({ slug: "a", namespace: "n", isTemplate: true }));
      await store.createRepo(newRepo({ slug: "b", namespace: "n", visibility: "public" }));
      await store.createRepo(newRepo({ slug: "c", visibility: "public", isTemplate: true }));
      const list = async (filter: object) => {
        const page = await store.listRepos({ limit: 10, offset: 0, publicOnly: false, ...filter });
        return page.repos.map(({ slug }) => slug).join("");
      };
      expect(await list({})).toBe("abc");
      expect(await list({ namespace: "n" })).toBe("ab");
      expect(await list({ isTemplate: true })).toBe("ac");
      expect(await list({ isTemplate: false })).toBe("b");
      expect(await list({ publicOnly: true })).toBe("bc");
      expect(await list({ publicOnly: true, namespace: "n", isTemplate: true })).toBe("");
    });
  });

  describe("an Idempotency-Key", () => {
    it("gives the first result again, to the same caller and for the same request", async () => {
      const { store } = await openCreated();
      const once = { scope: "caller", key: "k", fingerprint: "f" };
      const repo = newRepo();
      const first = await store.createRepo(repo, once);
      expect(first).toMatchObject({ kind: "created", replayed: false });
      const again = await store.createRepo(newRepo(), once);
      expect(again).toMatchObject({ kind: "created", replayed: true, repo: { id: repo.id } });
      const other = await store.createRepo(newRepo({ slug: "x" }), { ...once, fingerprint: "g" });
      expect(other).toEqual({ kind: "idempotency-mismatch" });
      expect((await store.createRepo(newRepo(), { ...once, scope: "somebody else" })).kind).toBe("taken");
    });

    it("is not spent by a refusal", async () => {
      const { store } = await openCreated();
      const blocker = newRepo();
      await store.createRepo(blocker);
      const once = { scope: "caller", key: "k", fingerprint: "f" };
      expect((await store.createRepo(newRepo(), once)).kind).toBe("taken");
      await store.deleteRepo(blocker.id);
      expect(await store.createRepo(newRepo(), once)).toMatchObject({ kind: "created", replayed: false });
    });
  });
}
