import type { Change } from "./contract/commits.ts";
import type { ExecChange } from "./contract/workspace.ts";
import type { ApiError } from "./errors.ts";
import { decodeBase64 } from "./http/base64.ts";
import type { RemoteChange, RemoteExec, RemoteExecChange, RemoteExecOutcome } from "./mount/kernel/remote.ts";
import type { Workspace } from "./resources/workspace.ts";

/** A mount's command over the client's resource. Loaded with the first one. Rejects with an ApiError. */
export async function execOverHttp(
  workspace: Workspace,
  request: RemoteExec,
  toChange: (change: RemoteChange) => Change,
): Promise<RemoteExecOutcome> {
  const body = {
    command: request.command,
    cwd: request.cwd,
    env: request.env,
    commit: request.commit,
    include_changes: true,
    ...(request.commit ? { commit_message: request.message } : {}),
    ...(request.author === undefined ? {} : { author: request.author }),
    ...(request.timeoutMs === undefined ? {} : { timeout_ms: request.timeoutMs }),
    repos: request.sources.map(({ repo, name, branch, commitSha, changes }) => ({
      slug: repo.slug,
      namespace: repo.namespace,
      as: name,
      ...(branch === null ? {} : { branch }),
      ...(commitSha === null ? {} : { ref: commitSha }),
      pre_apply_changes: changes.map(toChange),
    })),
  };
  const { idempotencyKey, signal } = request;
  const { data, error } = await workspace.multiExec(body, { idempotencyKey, signal });
  if (error !== null) return readConflict(error);
  return {
    kind: "ran",
    stdout: data.stdout,
    stderr: data.stderr,
    exitCode: data.exit_code,
    timeMs: data.execution_time_ms,
    stopped: data.stopped,
    repos: Object.fromEntries(
      Object.entries(data.repos).map(([name, repo]) => [
        name,
        { changes: (repo.changes ?? []).map(toRemote), commitSha: repo.commit_sha ?? null },
      ]),
    ),
  };
}

function toRemote({ path, mode, sha, content, encoding }: ExecChange): RemoteExecChange {
  if (sha === null || mode === null) return { path, after: null };
  if (content === undefined) return { path, after: { mode, sha, bytes: null } };
  const bytes = encoding === "base64" ? decodeBase64(content) : new TextEncoder().encode(content);
  return { path, after: { mode, sha, bytes } };
}

/** A refused commit whose command ran; any other error is thrown. */
function readConflict(error: ApiError): RemoteExecOutcome {
  const { stdout, stderr, exit_code: exitCode, repo, conflicts } = error.data;
  if (error.code !== "CONFLICT" || typeof stdout !== "string") throw error;
  return {
    kind: "conflict",
    stdout,
    stderr: typeof stderr === "string" ? stderr : "",
    exitCode: typeof exitCode === "number" ? exitCode : 0,
    timeMs: 0,
    stopped: null,
    name: typeof repo === "string" ? repo : null,
    conflicts: Array.isArray(conflicts) ? conflicts.map(toConflict) : [],
    cause: error,
  };
}

function toConflict(conflict: Readonly<Record<string, unknown>>) {
  const textOf = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    path: textOf(conflict.path) ?? "",
    baseSha: textOf(conflict.expected_sha),
    currentSha: textOf(conflict.current_sha),
  };
}
