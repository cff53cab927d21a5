import * as z from "zod";
import { changeSchema } from "./commits.ts";
import { defineEndpoints } from "./endpoint.ts";
import { LIMITS } from "./limits.ts";
import { identitySchema, refNameSchema, shaSchema, slugSchema } from "./names.ts";

const envSchema = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "names are letters, digits and _"), z.string())
  .refine((env) => Object.keys(env).length <= LIMITS.execEnvNames, `at most ${LIMITS.execEnvNames} names`);

/** What a repository brings to a command. */
const sourceShape = {
  /** Branch that is read, and committed to. The default branch when absent. */
  branch: refNameSchema.optional(),
  /** Branch, tag or commit to read instead; commits still go to `branch`. */
  ref: refNameSchema.optional(),
  /** Changes that the command finds made, as if they had been committed. They are part of what it changed. */
  pre_apply_changes: z.array(changeSchema).max(LIMITS.changesPerCommit).default([]),
};

const commandShape = {
  command: z.string().min(1).max(LIMITS.execCommandChars),
  /** Where the command starts: below the repository, or absolute. */
  cwd: z.string().min(1).max(LIMITS.pathBytes).optional(),
  env: envSchema.default({}),
  /** Commit what the command changed. Takes write access. */
  commit: z.boolean().default(false),
  commit_message: z.string().min(1).optional(),
  author: identitySchema.optional(),
  timeout_ms: z.number().int().min(100).max(LIMITS.execTimeoutMsMax).default(LIMITS.execTimeoutMs),
  /** Reply with the changes themselves, contents included, not only with their paths. */
  include_changes: z.boolean().default(false),
};

export const execRequestSchema = z.strictObject({ ...commandShape, ...sourceShape });

export const multiExecRequestSchema = z.strictObject({
  ...commandShape,
  repos: z
    .array(
      z.strictObject({
        slug: slugSchema,
        namespace: slugSchema.nullable().optional(),
        /** First segment of its paths instead of the slug. */
        as: z
          .string()
          .max(LIMITS.slugChars)
          .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, "one path segment")
          .optional(),
        ...sourceShape,
      }),
    )
    .min(1)
    .max(LIMITS.execRepos),
});

/** One changed path. `content` is absent for what was deleted, and where the caller has sent it or the server has it. */
export const execChangeSchema = z.object({
  path: z.string(),
  status: z.enum(["added", "modified", "deleted"]),
  mode: z.string().nullable(),
  sha: shaSchema.nullable(),
  /** Blob that the path held before; null = none. */
  base_sha: shaSchema.nullable(),
  content: z.string().optional(),
  encoding: z.enum(["utf-8", "base64"]).optional(),
});

const outcomeShape = {
  stdout: z.string(),
  stderr: z.string(),
  /** The shell's own; 124 when the time was up, 126 when another limit ended it. */
  exit_code: z.number(),
  changed_files: z.array(z.string()),
  execution_time_ms: z.number(),
  /** Only the first bytes of the stream are in the reply. */
  stdout_truncated: z.boolean(),
  stderr_truncated: z.boolean(),
  /** What ended the command before its own end; nothing is committed then. */
  stopped: z.enum(["time", "limit"]).nullable(),
};

export const execReplySchema = z.object({
  ...outcomeShape,
  /** Commit that was read; null when the branch has none. */
  base_sha: z.string().nullable(),
  commit_sha: z.string().optional(),
  tree_sha: z.string().optional(),
  changes: z.array(execChangeSchema).optional(),
});

export const multiExecReplySchema = z.object({
  ...outcomeShape,
  /** By the first segment of their paths. */
  repos: z.record(
    z.string(),
    z.object({
      base_sha: z.string().nullable(),
      changed_files: z.array(z.string()),
      commit_sha: z.string().optional(),
      tree_sha: z.string().optional(),
      changes: z.array(execChangeSchema).optional(),
    }),
  ),
  /** The new commits, by the same name. */
  commits: z.record(z.string(), z.string()),
});

const ERRORS = [
  "VALIDATION_ERROR",
  "FORBIDDEN",
  "NOT_FOUND",
  "CONFLICT",
  "UNPROCESSABLE",
  "PAYLOAD_TOO_LARGE",
  "BACKPRESSURE",
] as const;

export const workspaceEndpoints = defineEndpoints({
  "POST /repos/:repo/exec": {
    summary: "Run a shell command over the files of a ref; commit what it changed if asked",
    access: "read",
    body: execRequestSchema,
    status: 200,
    reply: execReplySchema,
    errors: ERRORS,
  },
  "POST /workspace/exec": {
    summary: "The same over up to 10 repositories, each at `/:slug/`",
    access: "read",
    opensRepos: true,
    body: multiExecRequestSchema,
    status: 200,
    reply: multiExecReplySchema,
    errors: ERRORS,
  },
});

export type ExecRequest = z.input<typeof execRequestSchema>;
export type ExecReply = z.infer<typeof execReplySchema>;
export type ExecChange = z.infer<typeof execChangeSchema>;
export type MultiExecRequest = z.input<typeof multiExecRequestSchema>;
export type MultiExecReply = z.infer<typeof multiExecReplySchema>;
