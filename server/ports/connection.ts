/** Credentials of other git servers. One table per org; a secret comes and goes sealed. */

export type Provider = "github" | "gitlab" | "git";

export interface ConnectionRecord {
  readonly id: string;
  readonly provider: Provider;
  /** For people. */
  readonly label: string;
  /** Everything that is asked with the credential lies below it; without a slash at the end. */
  readonly baseUrl: string;
  /** Of Basic authentication; null: what the provider takes with a token. */
  readonly username: string | null;
  /** Whose token it is, when the provider was asked. */
  readonly externalUsername: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly lastSyncedAtMs: number | null;
}

/** With the secret as the sealer made it: for those who open it. */
export interface SealedConnection extends ConnectionRecord {
  readonly sealed: string;
}

export type NewConnection = Omit<SealedConnection, "createdAtMs" | "updatedAtMs" | "lastSyncedAtMs">;

export type ConnectionPatch = Partial<
  Pick<SealedConnection, "label" | "sealed" | "username" | "externalUsername" | "lastSyncedAtMs">
>;

export type ConnectionCreation =
  | { readonly kind: "created"; readonly connection: ConnectionRecord }
  /** The org has as many as it may have. */
  | { readonly kind: "full"; readonly limit: number }
  /** The same Idempotency-Key came with another request. */
  | { readonly kind: "idempotency-mismatch" };

/** The part of an org's store that keeps connections. */
export interface ConnectionStore {
  createConnection(
    connection: NewConnection,
    idempotency?: { readonly scope: string; readonly key: string; readonly fingerprint: string },
    actor?: string,
  ): Promise<ConnectionCreation>;
  /** Oldest first; there are few. */
  listConnections(): Promise<readonly ConnectionRecord[]>;
  findConnection(id: string): Promise<SealedConnection | null>;
  /** false when there is none. */
  updateConnection(id: string, patch: ConnectionPatch, actor?: string): Promise<boolean>;
  deleteConnection(id: string, actor?: string): Promise<boolean>;
}
