import * as z from "zod";
import { providerSchema } from "./connections.ts";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import {
  cursorSchema,
  deletedSchema,
  limitSchema,
  refNameSchema,
  slugSchema,
  textSchema,
  wholeNumberSchema,
} from "./names.ts";
import { repoSchema } from "./repos.ts";

const directionSchema = z.enum(["import", "export", "both"]);
const remoteSchema = z.string().min(1).max(2_048);
const branchesSchema = z.array(z.string().min(1).max(1_024)).min(1).max(LIMITS.syncBranchGlobs);
const waitSchema = z.number().min(0).max(LIMITS.syncWaitSecondsMax);

/** What is made the same; all of it may be left out. */
const scopeShape = {
  /** One branch; short for `branches` with one name. */
  branch: refNameSchema.optional(),
  /** Globs of branches; all when neither is given. */
  branches: branchesSchema.optional(),
  /** Default: true when all branches are taken. */
  tags: z.boolean().optional(),
  /** Move what has diverged all the same; never with `both`. */
  force: z.boolean().optional(),
  /** Delete what this link brought and the other side no longer has. */
  prune: z.boolean().optional(),
  /** Export all refs or none. */
  atomic: z.boolean().optional(),
};

/** When a run starts by itself. */
const triggerShape = {
  /** Import on the other side's hook, export after a push: both of these by one word. */
  auto_sync: z.boolean().optional(),
  on: z
    .array(z.enum(["push", "webhook"]))
    .max(2)
    .optional(),
  interval_seconds: z
    .number()
    .int()
    .min(LIMITS.syncIntervalSecondsMin)
    .max(LIMITS.syncIntervalSecondsMax)
    .nullish(),
};

export const syncConfigCreateSchema = z.strictObject({
  /** Without it `remote` is a URL that anybody may read. */
  connection_id: z.string().min(1).max(100).nullish(),
  /** `owner/repo`, `group/project`, a path below the connection's base, or a URL. */
  remote: remoteSchema,
  direction: directionSchema.default("import"),
  ...scopeShape,
  ...triggerShape,
});

export const syncConfigUpdateSchema = z.strictObject({
  remote: remoteSchema.optional(),
  direction: directionSchema.optional(),
  ...scopeShape,
  ...triggerShape,
});

export const syncConfigSchema = z.object({
  id: z.string(),
  repo_id: z.string(),
  connection_id: z.string().nullable(),
  provider: providerSchema,
  remote: z.string(),
  url: z.string(),
  direction: directionSchema,
  /** The one branch that is taken; null: several, see `branches`. */
  branch: z.string().nullable(),
  /** null: all. */
  branches: z.array(z.string()).nullable(),
  tags: z.boolean(),
  force: z.boolean(),
  prune: z.boolean(),
  atomic: z.boolean(),
  auto_sync: z.boolean(),
  on: z.array(z.enum(["push", "webhook"])),
  interval_seconds: z.number().nullable(),
  /** Hooks are not made at the other server by this one. */
  webhook_id: z.null(),
  /** What to enter there; null: this link takes no hooks. */
  webhook_url: z.string().nullable(),
  state: z.enum(["active", "stopped"]),
  state_reason: z.string().nullable(),
  failures: z.number(),
  next_run_at: z.string().nullable(),
  last_synced_sha: z.string().nullable(),
  last_synced_at: z.string().nullable(),
  last_error: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});

export const syncConfigCreatedSchema = syncConfigSchema.extend({
  /** What the other server signs its hooks with; shown here and never again. null: this link takes no hooks. */
  webhook_secret: z.string().nullable(),
});

export const syncRefSchema = z.object({
  ref: z.string(),
  direction: z.enum(["import", "export"]),
  status: z.enum([
    "created",
    "updated",
    "forced",
    "deleted",
    "up-to-date",
    "ahead",
    "diverged",
    "kept",
    "rejected",
  ]),
  /** At the target, before. */
  old_sha: z.string().nullable(),
  new_sha: z.string().nullable(),
  message: z.string().nullable(),
});

export const syncRunSchema = z.object({
  id: z.string(),
  sync_id: z.string().nullable(),
  direction: directionSchema,
  remote: z.string(),
  url: z.string(),
  trigger: z.enum(["manual", "push", "webhook", "interval"]),
  /** partial: some refs could not be moved. */
  status: z.enum(["queued", "running", "succeeded", "partial", "failed"]),
  attempts: z.number(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  ended_at: z.string().nullable(),
  error: z
    .object({
      code: z.enum([
        "unauthorized",
        "forbidden",
        "not-found",
        "not-git",
        "refused-address",
        "unreachable",
        "timeout",
        "busy",
        "status",
        "bad-reply",
        "too-large",
        "quota-exceeded",
        "no-credential",
        "repository-gone",
        "interrupted",
        "internal",
      ]),
      message: z.string(),
      retry_after: z.number().nullable(),
    })
    .nullable(),
  /** What needs a look first; at most 500, see `refs_total`. */
  refs: z.array(syncRefSchema),
  refs_total: z.number(),
  /** Objects and bytes of the packs that went over the wire. */
  objects: z.number(),
  pack_bytes: z.number(),
});

export const syncRunRequestSchema = z.strictObject({
  /** A link to run; the repository's only one when nothing else is said. */
  sync_id: z.string().min(1).max(100).optional(),
  /** Instead of a link: once, from or to here. */
  connection_id: z.string().min(1).max(100).nullish(),
  remote: remoteSchema.optional(),
  ...scopeShape,
  /** Seconds to wait for the end of the run; the reply tells how far it is. */
  wait_seconds: waitSchema.optional(),
});

export const syncTriggerSchema = z.strictObject({
  sync_id: z.string().min(1).max(100).optional(),
  branch: refNameSchema.optional(),
  wait_seconds: waitSchema.optional(),
});

export const importCreateSchema = z.strictObject({
  /** URL, or with a connection a path below its base. */
  url: remoteSchema,
  connection_id: z.string().min(1).max(100).nullish(),
  slug: slugSchema,
  namespace: slugSchema.nullish(),
  description: textSchema(LIMITS.descriptionChars).nullish(),
  visibility: z.enum(["public", "private"]).default("private"),
  branches: branchesSchema.optional(),
  tags: z.boolean().optional(),
  /** Keep the two linked from now on. */
  sync: z
    .strictObject({
      direction: directionSchema.default("import"),
      prune: scopeShape.prune,
      ...triggerShape,
    })
    .optional(),
  wait_seconds: waitSchema.optional(),
});

const chosenLink = z.strictObject({ sync_id: z.string().min(1).max(100).optional() });

export const syncEndpoints = defineEndpoints({
  "POST /import": {
    summary: "Make a repository from one of another git server, history and all",
    access: "master",
    body: importCreateSchema,
    status: 202,
    reply: z.object({ repo: repoSchema, run: syncRunSchema, config: syncConfigCreatedSchema.nullable() }),
    errors: ["VALIDATION_ERROR", "CONFLICT", "FORBIDDEN", "NOT_FOUND", "UNPROCESSABLE"],
  },
  "POST /repos/:repo/sync/config": {
    summary: "Link the repository with one of another git server",
    access: "master",
    body: syncConfigCreateSchema,
    status: 201,
    reply: syncConfigCreatedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "QUOTA_EXCEEDED", "UNPROCESSABLE"],
  },
  "GET /repos/:repo/sync/config": {
    summary: "The repository's links; `config` is the oldest",
    access: "read",
    outsideSessions: true,
    status: 200,
    reply: z.object({ config: syncConfigSchema.nullable(), configs: z.array(syncConfigSchema) }),
    errors: ["NOT_FOUND"],
  },
  "PATCH /repos/:repo/sync/config": {
    summary: "Change a link, and make it active again; `sync_id` may be left out when there is one",
    access: "master",
    query: chosenLink,
    body: syncConfigUpdateSchema,
    status: 200,
    reply: syncConfigSchema.extend({ updated: z.literal(true) }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE"],
  },
  "DELETE /repos/:repo/sync/config": {
    summary: "Remove a link; what it brought stays",
    access: "master",
    query: chosenLink,
    status: 200,
    reply: deletedSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN"],
  },
  "POST /repos/:repo/sync": {
    summary: "Run a link now and wait for its end (25 s unless told otherwise)",
    access: "master",
    body: syncTriggerSchema,
    status: 200,
    reply: z.object({
      /** Whether anything was moved; null: the run goes on, see `run`. */
      synced: z.boolean().nullable(),
      remote_sha: z.string().nullable(),
      commit_sha: z.string().nullable(),
      /** Of the first branch that an import moved. */
      files_changed: z.number(),
      deleted: z.number(),
      run: syncRunSchema,
    }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE", "RATE_LIMITED"],
  },
  "GET /repos/:repo/sync": {
    summary: "State: links, and the latest runs with what became of each ref",
    access: "read",
    outsideSessions: true,
    status: 200,
    reply: z.object({ configs: z.array(syncConfigSchema), runs: z.array(syncRunSchema) }),
    errors: ["NOT_FOUND"],
  },
  "POST /repos/:repo/sync/import": {
    summary: "Import now: of a link, or once from a remote that is named",
    access: "master",
    body: syncRunRequestSchema,
    status: 202,
    reply: syncRunSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE", "RATE_LIMITED"],
  },
  "POST /repos/:repo/sync/export": {
    summary: "Export now: of a link, or once to a remote that is named",
    access: "master",
    body: syncRunRequestSchema,
    status: 202,
    reply: syncRunSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND", "FORBIDDEN", "UNPROCESSABLE", "RATE_LIMITED"],
  },
  "GET /repos/:repo/sync/history": {
    summary: "Runs, newest first",
    access: "read",
    outsideSessions: true,
    query: z.strictObject({
      limit: limitSchema(20, 100),
      cursor: cursorSchema,
      sync_id: z.string().min(1).max(100).optional(),
    }),
    status: 200,
    reply: z.object({ runs: z.array(syncRunSchema), next_cursor: z.string().nullable() }),
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "GET /repos/:repo/sync/runs/:id": {
    summary: "One run; `wait_seconds` waits for its end",
    access: "read",
    outsideSessions: true,
    query: z.strictObject({ wait_seconds: wholeNumberSchema(0, LIMITS.syncWaitSecondsMax, 0) }),
    status: 200,
    reply: syncRunSchema,
    errors: ["VALIDATION_ERROR", "NOT_FOUND"],
  },
  "POST /hooks/:provider/:id": {
    summary: "Called by GitHub, GitLab or another server after a push there: the link runs soon",
    access: "hook",
    status: 202,
    reply: z.object({ accepted: z.boolean() }),
    errors: ["UNAUTHORIZED", "PAYLOAD_TOO_LARGE"],
  },
});

export type SyncConfig = z.infer<typeof syncConfigSchema>;
export type SyncConfigCreated = z.infer<typeof syncConfigCreatedSchema>;
export type SyncConfigCreate = z.input<typeof syncConfigCreateSchema>;
export type SyncConfigUpdate = z.input<typeof syncConfigUpdateSchema>;
export type SyncRun = z.infer<typeof syncRunSchema>;
export type SyncRunRequest = z.input<typeof syncRunRequestSchema>;
export type SyncTriggered = z.infer<(typeof syncEndpoints)["POST /repos/:repo/sync"]["reply"]>;
export type SyncTriggerRequest = z.input<typeof syncTriggerSchema>;
export type ImportCreate = z.input<typeof importCreateSchema>;
