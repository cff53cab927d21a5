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
    // What may be written with a token, as JSON; NULL: no limits.
    "ALTER TABLE tokens ADD COLUMN limits TEXT",
    // What the signed token grants that opened the session, as JSON; NULL: it was a stored one, or a key.
    "ALTER TABLE sessions ADD COLUMN grant_json TEXT",
    // A deleted key stays by name until none of its tokens can be live, so that no other takes its place.
    `CREATE TABLE public_keys (seq INTEGER PRIMARY KEY, kid TEXT NOT NULL UNIQUE, name TEXT, alg TEXT NOT NULL,
       jwk TEXT NOT NULL, ceiling TEXT, max_seconds INTEGER NOT NULL, created_at_ms INTEGER NOT NULL,
       deleted_at_ms INTEGER)`,
    // mark: what a token is told apart by. It opens nothing, and who knows one can only see a token refused.
    `CREATE TABLE revoked_tokens (seq INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE, jti TEXT,
       revoked_at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL)`,
    // One row each at most: what the operator has set for the org, and what the rate limits have counted; JSON.
    "CREATE TABLE policy (id INTEGER PRIMARY KEY, overrides TEXT NOT NULL)",
    "CREATE TABLE rates (id INTEGER PRIMARY KEY, saved TEXT NOT NULL)",
    "CREATE TABLE repo_storage (repo_id TEXT PRIMARY KEY, bytes INTEGER NOT NULL)",
    `CREATE TABLE token_use (key_id TEXT PRIMARY KEY, commits INTEGER NOT NULL, bytes INTEGER NOT NULL,
       until_ms INTEGER NOT NULL)`,
    // kind: 'org' (subject ''), 'repo' (its id), 'caller' (its actor).
    `CREATE TABLE usage (day TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, requests INTEGER NOT NULL,
       commits INTEGER NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,
       PRIMARY KEY (day, kind, subject))`,
  ],
  [
    // What was done in the org; see LogEntry. AUTOINCREMENT: an id is never used twice.
    `CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
       action TEXT NOT NULL, resource_type TEXT NOT NULL, resource_id TEXT, resource_name TEXT, details TEXT NOT NULL)`,
    "CREATE INDEX log_by_action ON log (action)",
    // Moves of refs are most of the log, and need no index to be found.
    "CREATE INDEX log_by_type ON log (resource_type) WHERE resource_type <> 'ref'",
    // last: id of the last move of the repository that the log has. name: of one that is deleted; else NULL.
    "CREATE TABLE log_sources (repo_id TEXT PRIMARY KEY, last INTEGER NOT NULL, name TEXT)",
    // position: id of the last log entry that deliveries were made from.
    `CREATE TABLE webhooks (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, url TEXT NOT NULL,
       events TEXT NOT NULL, sealed TEXT, description TEXT, active INTEGER NOT NULL, disabled_reason TEXT,
       fingerprint TEXT, created_at_ms INTEGER NOT NULL, updated_at_ms INTEGER NOT NULL, position INTEGER NOT NULL,
       failures INTEGER NOT NULL DEFAULT 0, failing_since_ms INTEGER)`,
    // log_id: NULL for a ping. due_ms: when a message must be sent for it; NULL once it has ended. leased = 1: one was sent
    // already, and due_ms is when it counts as lost.
    `CREATE TABLE deliveries (seq INTEGER PRIMARY KEY AUTOINCREMENT, webhook INTEGER NOT NULL, log_id INTEGER,
       event TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
       due_ms INTEGER, leased INTEGER NOT NULL DEFAULT 0, created_at_ms INTEGER NOT NULL, last_at_ms INTEGER, status INTEGER, error TEXT,
       duration_ms INTEGER, body TEXT, response TEXT, receipt TEXT)`,
    "CREATE INDEX deliveries_of_webhook ON deliveries (webhook)",
    "CREATE INDEX deliveries_due ON deliveries (webhook, due_ms) WHERE due_ms IS NOT NULL",
    "CREATE INDEX deliveries_by_receipt ON deliveries (webhook, receipt) WHERE receipt IS NOT NULL",
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
