import type { AuditEntry, AuditQuery } from "../contract/audit.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** The log of what was done in the org. Takes the master key. */
export class Audit {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * One page of the log, newest first.
   *
   * @example
   * const { data } = await cg.audit.list({ action: "token.revoke", since: "2026-11-01T00:00:00Z" });
   */
  list(
    query: AuditQuery = {},
    options: CallOptions = {},
  ): Promise<Result<{ entries: AuditEntry[]; next_cursor: string | null }>> {
    return this.#request("GET /audit-log", { ...options, query });
  }
}
