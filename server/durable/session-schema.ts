/** The tables of one session. They are made when it is opened: a guessed id must leave nothing behind. */
const STATEMENTS = [
  `CREATE TABLE session (org_id TEXT NOT NULL, key_id TEXT NOT NULL, hash TEXT NOT NULL, ttl_ms INTEGER NOT NULL,
     idle_extend INTEGER NOT NULL, created_at_ms INTEGER NOT NULL, active_at_ms INTEGER NOT NULL, state TEXT NOT NULL,
     told INTEGER NOT NULL DEFAULT 0, ends_at_ms INTEGER, actor TEXT)`,
  "CREATE TABLE repos (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL)",
  `CREATE TABLE refs (repo INTEGER NOT NULL, name TEXT NOT NULL, base TEXT, oid TEXT, peeled TEXT, moves INTEGER NOT NULL,
     PRIMARY KEY (repo, name))`,
  `CREATE TABLE receipts (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
     receipt TEXT NOT NULL, at_ms INTEGER NOT NULL)`,
  "CREATE TABLE kept (repo TEXT NOT NULL, ref TEXT NOT NULL, oid TEXT NOT NULL)",
];

export function hasSessionTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'session'").toArray().length > 0;
}

export function createSessionTables(sql: SqlStorage): void {
  for (const statement of STATEMENTS) sql.exec(statement);
}

/**
 * Objects of one repository, and beside those of a write where its refs are since, as JSON: what a session holds of two
 * must not be mixed, or one would be sent to the other.
 */
export function createHotRows(sql: SqlStorage, n: number): string {
  const name = `hot_${n}`;
  sql.exec(
    `CREATE TABLE IF NOT EXISTS ${name} (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, refs TEXT,
       idx BLOB NOT NULL, data BLOB NOT NULL)`,
  );
  // A session that was open while the server was brought up to date.
  const made = sql.exec<{ sql: string }>("SELECT sql FROM sqlite_master WHERE name = ?", name).one();
  if (!made.sql.includes("refs TEXT")) sql.exec(`ALTER TABLE ${name} ADD COLUMN refs TEXT`);
  return name;
}
