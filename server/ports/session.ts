import type { Oid } from "../git/hash/oid.ts";
import type { AuthorizeQuery, AuthorizeResult } from "./org.ts";

/** Why a session takes no more requests. */
export type SessionEnd = "unknown" | "closed" | "expired" | "revoked";

export interface SessionInit {
  readonly orgId: string;
  readonly keyId: string;
  /** For reflogs. */
  readonly actor: string;
  /** SHA-256 in hex of the id; the id itself is stored nowhere. */
  readonly hash: string;
  readonly ttlMs: number;
  readonly idleExtend: boolean;
  /** When the credential that opens it ends by itself, and the session with it; null: never. */
  readonly endsAtMs: number | null;
}

export interface KeptRef {
  /** `slug` or `namespace/slug`. */
  readonly repo: string;
  readonly ref: string;
  readonly oid: Oid;
}

export interface SessionFacts {
  readonly objects: number;
  readonly bytes: number;
  readonly refs: number;
  readonly createdAtMs: number;
  readonly lastActivityMs: number;
  readonly state: "open" | Exclude<SessionEnd, "unknown">;
  readonly expiresAtMs: number;
  readonly kept: readonly KeptRef[];
}

/** Why a ref of a session cannot be brought into its repository. */
export interface FlushConflict {
  readonly ref: string;
  /** Of the path; "moved", "deleted" and the like when the ref as a whole is in dispute. */
  readonly type: string;
  /** null: the ref as a whole. */
  readonly path: string | null;
  readonly baseOid: Oid | null;
  readonly oursOid: Oid | null;
  readonly theirsOid: Oid | null;
}

export interface FlushOutcome {
  readonly objects: number;
  readonly refs: number;
  /** Nothing of a repository with conflicts has moved; all of it is kept. */
  readonly conflicts: readonly (FlushConflict & { readonly repo: string })[];
}

export type SessionAccess =
  | AuthorizeResult
  | { readonly kind: "ended"; readonly reason: SessionEnd }
  /** The session has as many repositories as it may. */
  | { readonly kind: "full"; readonly limit: number };

/** One session. Methods that take a key id answer null to every key but the one that opened it. */
export interface SessionStore {
  open(init: SessionInit): Promise<{ readonly expiresAtMs: number }>;
  authorize(query: Pick<AuthorizeQuery, "need" | "repo" | "stores">): Promise<SessionAccess>;
  status(keyId: string): Promise<SessionFacts | null>;
  flush(keyId: string): Promise<FlushOutcome | null>;
  /** Flushes; without conflicts the session ends. */
  close(keyId: string): Promise<FlushOutcome | null>;
  /** Ends it at once; its work is kept on refs of its own. */
  revoke(): Promise<void>;
}
