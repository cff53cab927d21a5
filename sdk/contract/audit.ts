import * as z from "zod";
import { defineEndpoints } from "./endpoint.ts";
import { cursorSchema, limitSchema } from "./names.ts";

const timeSchema = z.iso.datetime({ offset: true });

export const auditEntrySchema = z.object({
  id: z.string(),
  /** When the log took it; never earlier than the entry before. */
  time: z.string(),
  /** Id of the key or token; else `operator`, `system` or `anonymous`. */
  actor: z.string(),
  actor_type: z.enum(["key", "token", "signed", "operator", "system", "anonymous"]),
  action: z.string(),
  resource_type: z.string(),
  resource_id: z.string().nullable(),
  resource_name: z.string().nullable(),
  /** What is told depends on the action. */
  details: z.record(z.string(), z.unknown()),
});

export const auditEndpoints = defineEndpoints({
  "GET /audit-log": {
    summary: "What was done in the org and by whom, newest first",
    access: "master",
    query: z.strictObject({
      limit: limitSchema(50, 100),
      cursor: cursorSchema,
      action: z.string().min(1).max(100).optional(),
      resource_type: z.string().min(1).max(100).optional(),
      /** From this time on, as in ISO 8601. */
      since: timeSchema.optional(),
      /** Before this time. */
      until: timeSchema.optional(),
    }),
    status: 200,
    reply: z.object({ entries: z.array(auditEntrySchema), next_cursor: z.string().nullable() }),
    errors: ["VALIDATION_ERROR", "FORBIDDEN"],
  },
});

export type AuditEntry = z.infer<typeof auditEntrySchema>;
export type AuditQuery = z.input<(typeof auditEndpoints)["GET /audit-log"]["query"]>;
