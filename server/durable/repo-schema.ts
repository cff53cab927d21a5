/**
 * The SQLite tables of one repository. Tables have rowids and few indexes: WITHOUT ROWID writes 2.5 to 3.5 times slower
 * here. Migration n turns version n into n + 1 and never changes once released.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    // See FactName.
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE refs (name TEXT PRIMARY KEY, oid TEXT NOT NULL, peeled TEXT)",
    `CREATE TABLE reflog (id INTEGER PRIMARY KEY, ref TEXT NOT NULL, old_oid TEXT, new_oid TEXT,
       actor TEXT NOT NULL, message TEXT NOT NULL, at_ms INTEGER NOT NULL)`,
    "CREATE INDEX reflog_of_ref ON reflog (ref, id)",
    `CREATE TABLE packs (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, key TEXT NOT NULL UNIQUE, objects INTEGER NOT NULL,
       pack_bytes INTEGER NOT NULL, idx_bytes INTEGER NOT NULL, refs_bytes INTEGER NOT NULL, created_at_ms INTEGER NOT NULL)`,
    // doomed = 1: given up; its files are being deleted and it can no longer enter the catalog.
    `CREATE TABLE pending_packs (key TEXT PRIMARY KEY, id TEXT NOT NULL, reserved_at_ms INTEGER NOT NULL,
       doomed INTEGER NOT NULL DEFAULT 0)`,
    // idx before data: SQLite then reads the index of a row without walking the pages of its data.
    "CREATE TABLE hot (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, idx BLOB NOT NULL, data BLOB NOT NULL)",
    `CREATE TABLE receipts (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
       receipt TEXT NOT NULL, at_ms INTEGER NOT NULL)`,
  ],
  [
    // 1: other repositories may hold the pack too; whether its files may go is the family's to say.
    "ALTER TABLE packs ADD COLUMN shared INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE pending_packs ADD COLUMN shared INTEGER NOT NULL DEFAULT 0",
  ],
  [
    // Refs that go by themselves: few, and apart from the others, which so keep their narrow rows.
    "CREATE TABLE ref_expiries (name TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL)",
    "CREATE INDEX ref_expiries_by_time ON ref_expiries (expires_at_ms)",
  ],
  [
    // Of a pack that another repository made: a bit per object, set for what this one may not see. NULL: it sees all.
    "ALTER TABLE packs ADD COLUMN hidden BLOB",
  ],
];

/** Version that this code reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the tables to {@link SCHEMA_VERSION}, in one transaction.
 * @throws Error when the tables were written by newer code: it must not guess
 */
export function migrateSchema(storage: DurableObjectStorage): void {
  const { sql } = storage;
  sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
  const row = sql.exec<{ version: number }>("SELECT version FROM schema_version").toArray()[0];
  const version = row?.version ?? 0;
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) {
    throw new Error(`repository tables have version ${version}; this code knows ${SCHEMA_VERSION}`);
  }
  storage.transactionSync(() => {
    for (const statement of MIGRATIONS.slice(version).flat()) sql.exec(statement);
    sql.exec("DELETE FROM schema_version");
    sql.exec("INSERT INTO schema_version (version) VALUES (?)", SCHEMA_VERSION);
  });
}
