import type { RefReason } from "../git/ports.ts";
import type { RepoTables } from "./repo-tables.ts";

/** Who lets refs go whose time has come: nobody who could be asked. */
export const EXPIRY_REASON: RefReason = { actor: "system", message: "branch: expired" };

/**
 * Lets refs go whose time has come, each with a line in the reflog; whether there were any. To be called before a
 * repository is looked at, so that nobody sees a ref beyond its time, however late the alarm is; costs one comparison.
 */
export function expireRefs(tables: RepoTables, nowMs: number): boolean {
  let expired = false;
  for (let next = tables.refs.nextExpiry(); next !== null && next <= nowMs; next = tables.refs.nextExpiry()) {
    tables.atomically(() => {
      for (const { name, oid } of tables.refs.listExpired(nowMs)) {
        tables.refs.delete(name);
        tables.refs.appendReflog({ ref: name, from: oid, to: null, reason: EXPIRY_REASON, atMs: nowMs });
      }
    });
    expired = true;
  }
  return expired;
}
