import type { OrgStore, RepoRecord } from "../../ports/org.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { FlushOutcome, SessionInit, SessionStore } from "../../ports/session.ts";

interface OpenSession {
  readonly init: SessionInit;
  isClosed: boolean;
}

const NOTHING: FlushOutcome = { objects: 0, refs: 0, conflicts: [] };

/**
 * Sessions as far as rights go: one stands for the key or token that opened it, and ends with it. They hold nothing back:
 * what is written in one goes through. The real ones are Durable Objects.
 */
export function createMemorySessions(
  openOrg: (orgId: string) => OrgStore,
  openRepo: (record: RepoRecord) => RepoHandle,
) {
  const sessions = new Map<string, OpenSession>();
  const findOf = (hash: string, keyId: string) => {
    const session = sessions.get(hash);
    return session?.init.keyId === keyId ? session : null;
  };
  return {
    openSessionRepo: (_hash: string, record: RepoRecord) => openRepo(record),
    openSession: (hash: string): SessionStore => ({
      async open(init) {
        sessions.set(hash, { init, isClosed: false });
        return { expiresAtMs: Date.now() + init.ttlMs };
      },
      async authorize(query) {
        const session = sessions.get(hash);
        if (!session) return { kind: "ended", reason: "unknown" };
        if (session.isClosed) return { kind: "ended", reason: "closed" };
        const credential = { kind: "session", keyId: session.init.keyId, hash } as const;
        const result = await openOrg(session.init.orgId).authorize({ ...query, credential });
        return result.kind === "unauthorized" ? { kind: "ended", reason: "revoked" } : result;
      },
      async status(keyId) {
        const session = findOf(hash, keyId);
        if (!session) return null;
        const facts = { objects: 0, bytes: 0, refs: 0, createdAtMs: 0, lastActivityMs: 0, kept: [] };
        return { ...facts, state: session.isClosed ? "closed" : "open", expiresAtMs: 0 };
      },
      flush: async (keyId) => (findOf(hash, keyId) ? NOTHING : null),
      async close(keyId) {
        const session = findOf(hash, keyId);
        if (session) session.isClosed = true;
        return session && NOTHING;
      },
      revoke: async () => undefined,
    }),
  };
}
