import type { PackEntry } from "../git/ports.ts";
import type { Catalog, PackReservation, PackTable } from "../stores/repo-tables.ts";
import type { Facts } from "./repo-facts.ts";

type PackRow = {
  id: string;
  key: string;
  objects: number;
  pack_bytes: number;
  idx_bytes: number;
  refs_bytes: number;
  created_at_ms: number;
  hidden: ArrayBuffer | null;
};

/** A key that is given up. */
export interface DoomedPack {
  readonly key: string;
  /** The family decides when its files go. */
  readonly shared: boolean;
}

/** The catalog and the keys that are reserved for packs still being written. */
export interface SqlPackTable extends PackTable {
  /** Gives up reservations made before `beforeMs` and lists every key that is given up, files to be deleted. */
  doomReservations(beforeMs: number): readonly DoomedPack[];
  /** The family of forks that counts the shared packs; null: none is shared. */
  findFamily(): string | null;
  /** Gives up everything, catalogued packs too: the repository is being destroyed. */
  doomAll(): void;
  forgetDoomed(keys: readonly string[]): void;
  /** When the oldest reservation was made; null when there is none. */
  oldestReservationMs(): number | null;
  /** Forgets what is remembered: after a rollback. */
  forget(): void;
}

export function createPackTable(sql: SqlStorage, facts: Facts): SqlPackTable {
  let catalog: Catalog | null = null;
  const readCatalog = (): Catalog => {
    catalog ??= { version: Number(facts.find("catalog_version") ?? 1), packs: listPacks(sql) };
    return catalog;
  };
  const bumpVersion = () => {
    facts.put("catalog_version", String(readCatalog().version + 1));
    catalog = null;
  };
  return {
    readCatalog,
    reserve: ({ id, key, reservedAtMs }: PackReservation) =>
      void sql.exec(
        "INSERT INTO pending_packs (key, id, reserved_at_ms) VALUES (?, ?, ?)",
        key,
        id,
        reservedAtMs,
      ),
    isReserved: ({ id, key }) =>
      sql.exec("SELECT 1 FROM pending_packs WHERE key = ? AND id = ? AND doomed = 0", key, id).toArray()
        .length > 0,
    add(pack) {
      insertPack(sql, pack, false);
      sql.exec("DELETE FROM pending_packs WHERE key = ?", pack.key);
      bumpVersion();
    },
    replace(old, pack, atMs) {
      for (const { key } of old) {
        sql.exec(
          "INSERT INTO pending_packs (key, id, reserved_at_ms, shared) SELECT key, id, ?, shared FROM packs WHERE key = ?",
          atMs,
          key,
        );
        sql.exec("DELETE FROM packs WHERE key = ?", key);
      }
      insertPack(sql, pack, false);
      sql.exec("DELETE FROM pending_packs WHERE key = ?", pack.key);
      bumpVersion();
    },
    share(familyId) {
      const family = facts.find("family") ?? familyId;
      facts.put("family", family);
      sql.exec("UPDATE packs SET shared = 1 WHERE shared = 0");
      return family;
    },
    adopt(familyId, packs) {
      facts.put("family", familyId);
      for (const pack of packs) insertPack(sql, pack, true);
      bumpVersion();
    },
    findFamily: () => facts.find("family"),
    doomReservations(beforeMs) {
      sql.exec("UPDATE pending_packs SET doomed = 1 WHERE reserved_at_ms < ?", beforeMs);
      return sql
        .exec<{ key: string; shared: number }>(
          "SELECT key, shared FROM pending_packs WHERE doomed = 1 LIMIT 1000",
        )
        .toArray()
        .map((row) => ({ key: row.key, shared: row.shared === 1 }));
    },
    doomAll() {
      sql.exec(
        "INSERT OR IGNORE INTO pending_packs (key, id, reserved_at_ms, shared) SELECT key, id, created_at_ms, shared FROM packs",
      );
      sql.exec("UPDATE pending_packs SET doomed = 1");
      sql.exec("DELETE FROM packs");
      bumpVersion();
    },
    forgetDoomed(keys) {
      for (const key of keys) sql.exec("DELETE FROM pending_packs WHERE key = ? AND doomed = 1", key);
    },
    oldestReservationMs: () =>
      sql.exec<{ oldest: number | null }>("SELECT min(reserved_at_ms) AS oldest FROM pending_packs").one()
        .oldest,
    forget() {
      catalog = null;
    },
  };
}

function insertPack(sql: SqlStorage, pack: PackEntry, shared: boolean): void {
  sql.exec(
    `INSERT INTO packs (id, key, objects, pack_bytes, idx_bytes, refs_bytes, created_at_ms, shared, hidden)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    pack.id,
    pack.key,
    pack.objects,
    pack.packBytes,
    pack.idxBytes,
    pack.refsBytes,
    pack.createdAtMs,
    Number(shared),
    pack.hidden ?? null,
  );
}

function listPacks(sql: SqlStorage): readonly PackEntry[] {
  return sql
    .exec<PackRow>("SELECT * FROM packs ORDER BY seq DESC")
    .toArray()
    .map((row) => ({
      id: row.id,
      key: row.key,
      objects: row.objects,
      packBytes: row.pack_bytes,
      idxBytes: row.idx_bytes,
      refsBytes: row.refs_bytes,
      createdAtMs: row.created_at_ms,
      ...(row.hidden && { hidden: new Uint8Array(row.hidden) }),
    }));
}
