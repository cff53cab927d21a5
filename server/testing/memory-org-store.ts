import { LIMITS } from "../../sdk/contract/limits.ts";
import type { PublicKeyRecord, Revocation, SignedGrant, TokenRecord } from "../ports/access.ts";
import type { ConnectionStore, SealedConnection } from "../ports/connection.ts";
import type {
  Idempotency,
  NewRepo,
  OrgStore,
  RepoCreation,
  RepoPageQuery,
  RepoPatch,
  RepoRecord,
} from "../ports/org.ts";
import { decideAccess } from "../services/access/decide-access.ts";
import { isSameKey } from "../services/access/same-key.ts";
import { parseSignedId } from "../services/access/signed-id.ts";
import { createSignedTokens } from "../services/access/signed-tokens.ts";
import { createKeyId, equalHashes, orgIdOf } from "../services/org-keys.ts";
import type { RateLimiter } from "../services/rate-limit.ts";

import { createMemoryAccount } from "./memory-account.ts";

export interface MemoryOrgOptions {
  readonly now?: () => number;
  /** Default: none. */
  readonly limiter?: RateLimiter | null;
}

interface StoredRepo {
  readonly seq: number;
  record: RepoRecord;
}

interface StoredToken {
  readonly seq: number;
  readonly hash: string;
  readonly record: TokenRecord;
}

interface Receipt {
  readonly fingerprint: string;
  readonly repo: RepoRecord;
}

/** Receipts are never forgotten here: a test is shorter than a day. */
interface OrgState {
  org: { readonly id: string; readonly slug: string } | null;
  lastSeq: number;
  readonly keys: Map<string, string>;
  readonly repos: Map<string, StoredRepo>;
  readonly receipts: Map<string, Receipt>;
  readonly tokens: Map<string, StoredToken>;
  readonly publicKeys: Map<string, PublicKeyRecord>;
  readonly retiredKids: Set<string>;
  readonly revoked: Map<string, Revocation>;
  readonly sessionGrants: Map<string, SignedGrant>;
}

/** One org in memory, with the rules of the real one. */
export function createMemoryOrgStore(options: MemoryOrgOptions = {}): OrgStore {
  const now = options.now ?? Date.now;
  const limiter = options.limiter ?? null;
  const state: OrgState = {
    org: null,
    lastSeq: 0,
    keys: new Map(),
    repos: new Map(),
    receipts: new Map(),
    tokens: new Map(),
    publicKeys: new Map(),
    retiredKids: new Set(),
    revoked: new Map(),
    sessionGrants: new Map(),
  };
  const signed = createSignedTokens({
    orgSlug: () => state.org?.slug ?? null,
    findKey: (kid) => state.publicKeys.get(kid) ?? null,
    isRevoked: (tokenHash) => state.revoked.has(tokenHash),
    now,
  });
  const account = createMemoryAccount({
    hasOrg: () => state.org !== null,
    listRepos: () => [...state.repos.values()].map(({ record }) => record),
    limiter,
  });
  return {
    async createOrg({ slug, keyHash }) {
      if (state.org) return null;
      state.org = { id: orgIdOf(slug), slug };
      return { id: state.org.id, keyId: addKey(state, state.org.id, keyHash) };
    },
    async createKey(keyHash) {
      return state.org ? { keyId: addKey(state, state.org.id, keyHash) } : null;
    },
    revokeKey: async (keyId) => state.keys.delete(keyId),
    createToken: async ({ hash, ...token }) => {
      const live = listLiveTokens(state, now());
      if (live.length >= 1_000) return null;
      const record: TokenRecord = { ...token, createdAtMs: now() };
      state.tokens.set(token.id, { seq: ++state.lastSeq, hash, record });
      return record;
    },
    listTokens: async ({ limit, after = 0 }) => {
      const live = listLiveTokens(state, now()).filter(({ seq }) => seq > after);
      const page = live.slice(0, limit);
      return {
        tokens: page.map(({ record }) => record),
        next: live.length > page.length ? (page[page.length - 1]?.seq ?? null) : null,
      };
    },
    revokeToken: async (tokenId) => state.tokens.delete(tokenId),
    createPublicKey: async (key) => {
      const known = state.publicKeys.get(key.kid);
      if (known) return isSameKey(known, key) ? { kind: "created", key: known } : { kind: "taken" };
      if (state.retiredKids.has(key.kid)) return { kind: "retired" };
      if (state.publicKeys.size >= LIMITS.publicKeysPerOrg) {
        return { kind: "full", limit: LIMITS.publicKeysPerOrg };
      }
      const record: PublicKeyRecord = { ...key, createdAtMs: now() };
      state.publicKeys.set(key.kid, record);
      return { kind: "created", key: record };
    },
    listPublicKeys: async () => [...state.publicKeys.values()],
    deletePublicKey: async (kid) => {
      signed.forget();
      state.retiredKids.add(kid);
      return state.publicKeys.delete(kid);
    },
    revokeSigned: async (revocation) => {
      const { tokenHash } = revocation;
      const live = listRevoked(state, now());
      if (live.length >= LIMITS.revokedTokens) return { kind: "full", limit: LIMITS.revokedTokens };
      const record = state.revoked.get(tokenHash) ?? { ...revocation, revokedAtMs: now() };
      state.revoked.set(tokenHash, record);
      return { kind: "revoked", revocation: record };
    },
    listRevoked: async (limit) => {
      const live = listRevoked(state, now());
      return { revoked: live.slice(0, limit), total: live.length };
    },
    authorize: async (query) => {
      const { credential } = query;
      const grant = credential.kind === "signed" ? await signed.find(credential.token) : null;
      return decideAccess(query, {
        findGrant: (asked) => {
          if (asked.kind === "signed") return grant;
          const opened = state.sessionGrants.get(asked.hash);
          return opened && signed.isLive(opened) ? opened : null;
        },
        org: state.org,
        findKey: (hash) => findKey(state, hash),
        findToken: (hash) =>
          listLiveTokens(state, now()).find((token) => equalHashes(token.hash, hash))?.record ?? null,
        isLiveKey: (keyId) => state.keys.has(keyId),
        findTokenById: (tokenId) =>
          listLiveTokens(state, now()).find(({ record }) => record.id === tokenId)?.record ?? null,
        findRepo: (namespace, slug) => findByName(state, namespace, slug),
        findExcess: (repo) => account.findExcess(repo.id),
        findUse: (keyId) => account.findUse(keyId),
        limiter,
        nowMs: now(),
      });
    },
    openSession: async ({ hash, keyId, grant }) => {
      const isLive = parseSignedId(keyId)
        ? grant !== null && signed.isLive(grant)
        : state.keys.has(keyId) || listLiveTokens(state, now()).some(({ record }) => record.id === keyId);
      if (isLive && grant) state.sessionGrants.set(hash, grant);
      return { kind: isLive ? "opened" : "revoked" };
    },
    endSession: async () => undefined,
    ...account.methods,
    createRepo: async (repo, idempotency) => {
      const { repos } = account.policy().quotas;
      const used = state.repos.size;
      if (repos !== null && used >= repos && !findByName(state, repo.namespace, repo.slug)) {
        return { kind: "quota-exceeded", excess: { quota: "repos", limit: repos, used } };
      }
      return createRepo(state, repo, idempotency, now());
    },
    updateRepo: async (repoId, patch) => updateRepo(state, repoId, patch),
    deleteRepo: async (repoId) => {
      account.removeStorage(repoId);
      return state.repos.delete(repoId);
    },
    hasRepo: async (repoId) => state.repos.has(repoId),
    listRepos: async (query) => listRepos(state, query),
    ...createMemoryConnections(now),
  };
}

function addKey(state: OrgState, orgId: string, keyHash: string): string {
  const keyId = createKeyId(orgId);
  state.keys.set(keyId, keyHash);
  return keyId;
}

function listLiveTokens(state: OrgState, nowMs: number): StoredToken[] {
  return [...state.tokens.values()].filter(({ record }) => record.expiresAtMs > nowMs);
}

/** The latest first. */
function listRevoked(state: OrgState, nowMs: number): Revocation[] {
  return [...state.revoked.values()].filter(({ expiresAtMs }) => expiresAtMs > nowMs).reverse();
}

function findKey(state: OrgState, secretHash: string): string | null {
  for (const [id, hash] of state.keys) if (equalHashes(hash, secretHash)) return id;
  return null;
}

function findByName(state: OrgState, namespace: string | null, slug: string): RepoRecord | null {
  for (const { record } of state.repos.values()) {
    if (record.namespace === namespace && record.slug === slug) return record;
  }
  return null;
}

function createRepo(
  state: OrgState,
  repo: NewRepo,
  idempotency: Idempotency | undefined,
  nowMs: number,
): RepoCreation {
  if (!state.org) throw new Error("the org does not exist; authorize first");
  const receiptKey = idempotency ? JSON.stringify([idempotency.scope, idempotency.key]) : "";
  const earlier = idempotency ? state.receipts.get(receiptKey) : undefined;
  if (earlier) {
    return earlier.fingerprint === idempotency?.fingerprint
      ? { kind: "created", repo: earlier.repo, replayed: true }
      : { kind: "idempotency-mismatch" };
  }
  if (findByName(state, repo.namespace, repo.slug)) return { kind: "taken" };
  const record = { ...repo, orgId: state.org.id, orgSlug: state.org.slug, createdAtMs: nowMs };
  state.repos.set(repo.id, { seq: ++state.lastSeq, record });
  if (idempotency) state.receipts.set(receiptKey, { fingerprint: idempotency.fingerprint, repo: record });
  return { kind: "created", repo: record, replayed: false };
}

function updateRepo(state: OrgState, repoId: string, patch: RepoPatch): RepoRecord | null {
  const stored = state.repos.get(repoId);
  if (!stored) return null;
  stored.record = { ...stored.record, ...patch };
  return stored.record;
}

function listRepos(state: OrgState, query: RepoPageQuery) {
  const matching = [...state.repos.values()].filter(
    ({ seq, record }) =>
      seq > (query.after ?? 0) &&
      (query.namespace === undefined || record.namespace === query.namespace) &&
      (query.isTemplate === undefined || record.isTemplate === query.isTemplate) &&
      (query.names?.some((name) => name.namespace === record.namespace && name.slug === record.slug) ??
        true) &&
      (!query.publicOnly || record.visibility === "public"),
  );
  const page = matching.slice(query.offset, query.offset + query.limit);
  const more = matching.length > query.offset + page.length;
  return {
    repos: page.map(({ record }) => record),
    next: more ? (page[page.length - 1]?.seq ?? null) : null,
  };
}

function createMemoryConnections(now: () => number): ConnectionStore {
  const rows = new Map<string, SealedConnection>();
  const receipts = new Map<string, { readonly fingerprint: string; readonly id: string }>();
  const show = ({ sealed: _, ...record }: SealedConnection) => record;
  return {
    async createConnection(connection, idempotency) {
      const key = JSON.stringify([idempotency?.scope, idempotency?.key]);
      const earlier = idempotency ? receipts.get(key) : undefined;
      const known = earlier && rows.get(earlier.id);
      if (earlier && known) {
        if (earlier.fingerprint !== idempotency?.fingerprint) return { kind: "idempotency-mismatch" };
        return { kind: "created", connection: show(known) };
      }
      if (rows.size >= LIMITS.connections) return { kind: "full", limit: LIMITS.connections };
      const row = { ...connection, createdAtMs: now(), updatedAtMs: now(), lastSyncedAtMs: null };
      rows.set(row.id, row);
      if (idempotency) receipts.set(key, { fingerprint: idempotency.fingerprint, id: row.id });
      return { kind: "created", connection: show(row) };
    },
    listConnections: async () => [...rows.values()].map(show),
    findConnection: async (id) => rows.get(id) ?? null,
    async updateConnection(id, patch) {
      const row = rows.get(id);
      if (row) rows.set(id, { ...row, ...patch, updatedAtMs: now() });
      return row !== undefined;
    },
    deleteConnection: async (id) => rows.delete(id),
  };
}
