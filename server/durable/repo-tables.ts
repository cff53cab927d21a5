import type { RepoTables } from "../stores/repo-tables.ts";
import { createFacts, type Facts } from "./repo-facts.ts";
import { createHotTable, type SqlHotTable } from "./repo-hot.ts";
import { createPackTable, type SqlPackTable } from "./repo-packs.ts";
import { createReceiptTable, type SqlReceiptTable } from "./repo-receipts.ts";
import { createRefTable, type SqlRefTable } from "./repo-refs.ts";
import { migrateSchema } from "./repo-schema.ts";

export interface SqlRepoTables extends RepoTables {
  readonly facts: Facts;
  readonly refs: SqlRefTable;
  readonly packs: SqlPackTable;
  readonly hot: SqlHotTable;
  readonly receipts: SqlReceiptTable;
}

/** A repository's tables in the SQLite of its Durable Object; makes or migrates them. */
export function createSqlTables(storage: DurableObjectStorage): SqlRepoTables {
  migrateSchema(storage);
  const { sql } = storage;
  const facts = createFacts(sql);
  const packs = createPackTable(sql, facts);
  const hot = createHotTable(sql);
  const refs = createRefTable(sql, facts);
  return {
    facts,
    packs,
    hot,
    refs,
    receipts: createReceiptTable(sql),
    atomically(change) {
      try {
        const result = storage.transactionSync(change);
        hot.settle();
        return result;
      } catch (error) {
        // SQLite rolled its rows back; so must go what was remembered of them.
        facts.forget();
        packs.forget();
        refs.forget();
        hot.forget();
        throw error;
      }
    },
  };
}
