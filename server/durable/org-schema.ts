/**
 * The SQLite tables of one org. They are made when the org is, not when its store is first asked: anybody can name an
 * org id in a made-up key, and a guess must leave nothing behind. Migration n turns version n into n + 1.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE org (id TEXT NOT NULL, slug TEXT NOT NULL, name TEXT, created_at_ms INTEGER NOT NULL)",
    // lookup: the first 16 digits of hash. Finding by it leaves the comparison of the rest to constant-time code.
    `CREATE TABLE keys (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lookup TEXT NOT NULL, hash TEXT NOT NULL,
       created_at_ms INTEGER NOT NULL, revoked_at_ms INTEGER)`,
    "CREATE INDEX keys_by_lookup ON keys (lookup)",
    // namespace '' = none: NULLs would be distinct in the unique index.
    `CREATE TABLE repos (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL,
       slug TEXT NOT NULL, description TEXT, visibility TEXT NOT NULL, default_branch TEXT NOT NULL,
       is_template INTEGER NOT NULL, auto_index INTEGER NOT NULL, created_at_ms INTEGER NOT NULL)`,
    "CREATE UNIQUE INDEX repos_by_name ON repos (namespace, slug)",
    `CREATE TABLE receipts (seq INTEGER PRIMARY KEY, scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,
       repo TEXT NOT NULL, at_ms INTEGER NOT NULL)`,
    "CREATE UNIQUE INDEX receipts_by_key ON receipts (scope, key)",
    "CREATE INDEX receipts_by_age ON receipts (at_ms)",
    "CREATE TABLE doomed_repos (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL)",
  ],
  // JSON of ForkFacts; NULL: no fork.
  ["ALTER TABLE repos ADD COLUMN fork TEXT"],
  [
    `CREATE TABLE tokens (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lookup TEXT NOT NULL, hash TEXT NOT NULL,
       name TEXT NOT NULL, key_prefix TEXT NOT NULL, scopes TEXT NOT NULL, created_at_ms INTEGER NOT NULL,
       expires_at_ms INTEGER NOT NULL, revoked_at_ms INTEGER)`,
    "CREATE INDEX tokens_by_lookup ON tokens (lookup)",
    // hash: of the session's id. doomed = 1: its key is revoked, and the session has not confirmed that it has ended.
    `CREATE TABLE sessions (hash TEXT PRIMARY KEY, key_id TEXT NOT NULL, at_ms INTEGER NOT NULL,
       doomed INTEGER NOT NULL DEFAULT 0)`,
    "CREATE INDEX sessions_by_key ON sessions (key_id)",
  ],
  [
    // sealed: the credential as the sealer made it. idem_*: the Idempotency-Key that made the row, with its caller.
    `CREATE TABLE connections (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, provider TEXT NOT NULL,
       label TEXT NOT NULL, base_url TEXT NOT NULL, username TEXT, external_username TEXT, sealed TEXT NOT NULL,
       created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, last_synced_at_ms INTEGER,
       idem_key TEXT UNIQUE, idem_fingerprint TEXT)`,
  ],
];

/** Version of the tables; 0 when there are none. Writes nothing. */
export function readSchemaVersion(sql: SqlStorage): number {
  const found = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
  if (!found) return 0;
  return sql.exec<{ version: number }>("SELECT version FROM schema_version").one().version;
}

/** Brings the tables up to date, in one transaction. @throws Error when newer code wrote them */
export function migrateOrgSchema(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const version = readSchemaVersion(sql);
  if (version === MIGRATIONS.length) return;
  if (version > MIGRATIONS.length) {
    throw new Error(`org tables have version ${version}; this code knows ${MIGRATIONS.length}`);
  }
  storage.transactionSync(() => {
    if (version === 0) {
      sql.exec("CREATE TABLE schema_version (version INTEGER NOT NULL)");
      sql.exec("INSERT INTO schema_version VALUES (0)");
    }
    for (const statements of MIGRATIONS.slice(version)) {
      for (const statement of statements) sql.exec(statement);
    }
    sql.exec("UPDATE schema_version SET version = ?", MIGRATIONS.length);
  });
}
