/**
 * The SQLite tables of the links of one repository. They are made with the first link or run: a guessed id must leave
 * nothing behind. Migration n turns version n into n + 1.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    // record: JSON of RepoRecord.
    "CREATE TABLE repo (record TEXT NOT NULL)",
    // link, run: JSON of what the port shows, less what has a column.
    `CREATE TABLE links (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, link TEXT NOT NULL,
       due_ms INTEGER, due_trigger TEXT, idem_key TEXT UNIQUE, idem_fingerprint TEXT)`,
    `CREATE TABLE runs (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, link_id TEXT, status TEXT NOT NULL,
       run TEXT NOT NULL, idem_key TEXT UNIQUE, idem_fingerprint TEXT)`,
    "CREATE INDEX runs_by_status ON runs (status, seq)",
    // Where each ref was when both sides were the same.
    "CREATE TABLE settled (link_id TEXT NOT NULL, ref TEXT NOT NULL, oid TEXT NOT NULL, PRIMARY KEY (link_id, ref))",
  ],
];

/** Version of the tables; 0 when there are none. Writes nothing. */
export function readSyncVersion(sql: SqlStorage): number {
  const found = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").toArray().length > 0;
  return found ? sql.exec<{ version: number }>("SELECT version FROM schema_version").one().version : 0;
}

/** Brings the tables up to date, in one transaction. @throws Error when newer code wrote them */
export function migrateSyncSchema(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const version = readSyncVersion(sql);
  if (version === MIGRATIONS.length) return;
  if (version > MIGRATIONS.length) {
    throw new Error(`sync tables have version ${version}; this code knows ${MIGRATIONS.length}`);
  }
  storage.transactionSync(() => {
    if (version === 0) {
      sql.exec("CREATE TABLE schema_version (version INTEGER NOT NULL)");
      sql.exec("INSERT INTO schema_version VALUES (0)");
    }
    for (const statement of MIGRATIONS.slice(version).flat()) sql.exec(statement);
    sql.exec("UPDATE schema_version SET version = ?", MIGRATIONS.length);
  });
}
