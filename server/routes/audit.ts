import type { AuditEntry, auditEndpoints } from "../../sdk/contract/audit.ts";
import type { EventStore, LogEntry } from "../ports/events.ts";
import { findActorType } from "../services/events/actor-type.ts";
import { formatListCursor, parseListCursor } from "./list-cursor.ts";
import type { HandlersFor } from "./router.ts";

/** What was done in the caller's org. */
export function createAuditHandlers(
  openEvents: (orgId: string) => EventStore,
): HandlersFor<typeof auditEndpoints> {
  return {
    async "GET /audit-log"({ org, query }) {
      const { limit, cursor, action, resource_type, since, until } = query;
      const page = await openEvents(org.id).listLog({
        limit,
        ...(cursor !== undefined && { before: parseListCursor("audit", cursor) }),
        ...(action !== undefined && { action }),
        ...(resource_type !== undefined && { resourceType: resource_type }),
        ...(since !== undefined && { sinceMs: Date.parse(since) }),
        ...(until !== undefined && { untilMs: Date.parse(until) }),
      });
      return {
        entries: page.entries.map(formatEntry),
        next_cursor: page.next === null ? null : formatListCursor("audit", page.next),
      };
    },
  };
}

function formatEntry(entry: LogEntry): AuditEntry {
  const { moved_at_ms: movedAtMs, ...details } = entry.details;
  return {
    id: `evt_${entry.id}`,
    time: new Date(entry.atMs).toISOString(),
    actor: entry.actor,
    actor_type: findActorType(entry.actor),
    action: entry.action,
    resource_type: entry.resourceType,
    resource_id: entry.resourceId,
    resource_name: entry.resourceName,
    details: {
      ...details,
      ...(typeof movedAtMs === "number" && { moved_at: new Date(movedAtMs).toISOString() }),
    },
  };
}
