import { createHash } from "node:crypto";
import type { FieldError } from "../../sdk/contract/errors.ts";
import { HEADERS } from "../../sdk/contract/limits.ts";
import type { ExecChange, workspaceEndpoints } from "../../sdk/contract/workspace.ts";
import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import { invalidField, invalidFields, notFound, RequestError } from "../middleware/request-error.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { draftChanges, type WireChange } from "../services/commits/change-drafts.ts";
import type { ExecDifference } from "../services/exec/collect-changes.ts";
import {
  type ExecResult,
  type ExecSource,
  type ExecTask,
  execCommand,
  type RepoResult,
} from "../services/exec/exec-command.ts";
import { encodeBase64 } from "../services/files/encode-content.ts";
import type { ListingCache } from "../services/files/listing-cache.ts";
import { findText } from "../services/files/read-file.ts";
import type { StoreObjects } from "../services/place-objects.ts";
import { checkNewRef } from "../services/refs/check-new-ref.ts";
import { fileTooLarge, refuseCommit } from "./commits.ts";
import { checkIdentity, checkMessage, collectFaults, DEFAULT_IDENTITY } from "./identity.ts";
import { actorOf } from "./read-replies.ts";
import { json } from "./reply.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

export interface WorkspaceDeps {
  readonly storeObjects: StoreObjects;
  readonly listings: ListingCache;
}

type ExecContext = RequestContext<"POST /repos/:repo/exec">;
type MultiContext = RequestContext<"POST /workspace/exec">;
type AnyContext = ExecContext | MultiContext;
type SourceBody = MultiContext["body"]["repos"][number];

/** Commands at once in one isolate: each may hold some 60 MiB of its 128. */
const RUNNING_MAX = 2;
/** Characters of a command in the message of its commit. */
const SUBJECT_CHARS = 72;

/** Shell commands over one repository, or over several. */
export function createWorkspaceHandlers(deps: WorkspaceDeps): HandlersFor<typeof workspaceEndpoints> {
  let running = 0;
  const run = async (context: AnyContext, task: ExecTask): Promise<Ran> => {
    if (running >= RUNNING_MAX) throw tooBusy();
    running++;
    try {
      const exec = { ...deps, now: context.now };
      return requireRun(await execCommand(exec, task));
    } finally {
      running--;
    }
  };
  return {
    async "POST /repos/:repo/exec"(context) {
      const { body } = context;
      checkCommand(context, [body]);
      const { slug, namespace } = context.repo.record;
      // What the endpoint asks for is to read; to commit is another right, and known to be wanted only now.
      const [repo = context.repo] = body.commit
        ? await context.openRepos([{ slug, namespace }], "write")
        : [];
      const source = draftSource(repo, { ...body, slug }, "pre_apply_changes");
      const ran = await run(context, toTask(context, [source]));
      const [result] = ran.repos;
      if (!result) throw new TypeError("a command without a repository");
      const changed = { changed_files: result.differences.map(({ path }) => path) };
      const outcome = { ...describeShell(ran), ...changed };
      checkCommits(ran, outcome, []);
      const { changed_files: _, ...facts } = describeRepo(result, body.include_changes);
      return reply(ran, { ...outcome, ...facts });
    },
    async "POST /workspace/exec"(context) {
      const { body } = context;
      checkCommand(context, body.repos);
      checkNames(body.repos);
      const handles = await context.openRepos(
        body.repos.map(({ slug, namespace = null }) => ({ slug, namespace })),
        body.commit ? "write" : "read",
      );
      const sources = handles.map((repo, index) => {
        const source = body.repos[index] as SourceBody; // one handle per repository
        return draftSource(repo, source, `repos.${index}.pre_apply_changes`);
      });
      const ran = await run(context, toTask(context, sources));
      const names = ran.repos.flatMap(({ name, differences }) =>
        differences.map(({ path }) => `${name}/${path}`),
      );
      const commits: Record<string, string> = {};
      for (const { name, commit } of ran.repos) {
        if (commit?.kind === "committed") commits[name] = commit.receipt.oid;
      }
      const outcome = { ...describeShell(ran), changed_files: names };
      checkCommits(
        ran,
        { ...outcome, commits },
        ran.repos.map(({ name }) => name),
      );
      const repos = Object.fromEntries(
        ran.repos.map((result) => [result.name, describeRepo(result, body.include_changes)]),
      );
      return reply(ran, { ...outcome, repos, commits });
    },
  };
}

/** Rules that the schema cannot express. @throws RequestError VALIDATION_ERROR */
function checkCommand({ body }: AnyContext, sources: readonly Pick<SourceBody, "branch">[]): void {
  const fields: FieldError[] = [];
  if (body.commit_message !== undefined) {
    fields.push(
      ...checkMessage(body.commit_message).map(({ message }) => ({ field: "commit_message", message })),
    );
  }
  if (body.author) fields.push(...checkIdentity("author", body.author));
  for (const { branch } of sources) {
    if (branch !== undefined)
      fields.push(...collectFaults("branch", () => checkNewRef(BRANCH_PREFIX + branch)));
  }
  if (body.command.includes("\0")) fields.push({ field: "command", message: "holds a NUL" });
  if (body.cwd?.includes("\0")) fields.push({ field: "cwd", message: "holds a NUL" });
  if (fields.length > 0) throw invalidFields(fields);
}

/** Names that the shell's own directories have. */
const SYSTEM_NAMES = ["bin", "dev", "etc", "home", "proc", "tmp", "usr"];

function checkNames(repos: readonly SourceBody[]): void {
  const seen = new Set<string>();
  for (const [index, { slug, as: name = slug }] of repos.entries()) {
    const field = `repos.${index}.as`;
    if (seen.has(name)) throw invalidField(field, `two repositories would be at /${name}/: name one of them`);
    if (SYSTEM_NAMES.includes(name))
      throw invalidField(field, `/${name}/ is the shell's own: take another name`);
    seen.add(name);
  }
}

function draftSource(
  repo: RepoHandle,
  source: Pick<SourceBody, "slug" | "as" | "branch" | "ref"> & { readonly pre_apply_changes: WireChange[] },
  field: string,
): ExecSource {
  const drafted = draftChanges(source.pre_apply_changes);
  if (drafted.kind === "too-large") throw fileTooLarge(drafted);
  if (drafted.kind === "invalid") {
    throw invalidFields(
      drafted.fields.map((fault) => ({ ...fault, field: fault.field.replace(/^changes/, field) })),
    );
  }
  // Alone it is where its paths are looked for first, so a name that the shell has too is in nobody's way.
  const name = source.as ?? (SYSTEM_NAMES.includes(source.slug) ? `${source.slug}-repo` : source.slug);
  return { name, repo, branch: source.branch, ref: source.ref, drafts: drafted.drafts };
}

function toTask(context: AnyContext, sources: readonly ExecSource[]): ExecTask {
  const { body } = context;
  const commit = {
    message: body.commit_message ?? describeCommand(body.command),
    author: body.author ?? DEFAULT_IDENTITY,
    actor: actorOf(context),
    idempotency: readIdempotency(context),
  };
  const { command, cwd, env, timeout_ms: timeoutMs } = body;
  return { sources, command, cwd, env, timeoutMs, commit: body.commit ? commit : null };
}

function describeCommand(command: string): string {
  const line = command.trim().split("\n")[0] ?? "";
  const subject = line.length > SUBJECT_CHARS ? `${line.slice(0, SUBJECT_CHARS)}…` : line;
  return `Run ${subject.replace(/\p{Surrogate}/gu, "\ufffd")}`;
}

function readIdempotency({
  idempotencyKey: key,
  body,
}: AnyContext): { key: string; fingerprint: string } | null {
  if (key === null) return null;
  return { key, fingerprint: createHash("sha256").update(JSON.stringify(body)).digest("hex") };
}

type Ran = Extract<ExecResult, { kind: "ran" }>;

function requireRun(result: ExecResult): Ran {
  switch (result.kind) {
    case "ran":
      return result;
    case "unknown-ref":
      throw notFound(`Ref ${result.ref.slice(0, 200)} of ${result.name}`);
    case "not-a-commit":
      throw invalidField("ref", `${result.ref.slice(0, 200)} of ${result.name} names no commit`);
    case "no-cwd":
      throw invalidField("cwd", `there is no directory ${result.cwd}`);
    case "refused": {
      const error = refuseCommit({ branch: result.branch }, result.failure);
      throw new RequestError(error.code, error.message, { ...error.details, repo: result.name });
    }
  }
}

function describeShell({ shell, elapsedMs }: Ran) {
  return {
    stdout: shell.stdout,
    stderr: shell.stderr,
    exit_code: shell.exitCode,
    execution_time_ms: Math.round(elapsedMs),
    stdout_truncated: shell.stdoutTruncated,
    stderr_truncated: shell.stderrTruncated,
    stopped: shell.stopped,
  };
}

/** What was printed and changed stays in the reply: the command has run, only its commit was refused. */
function checkCommits(ran: Ran, outcome: Readonly<Record<string, unknown>>, names: readonly string[]): void {
  for (const { name, branch, commit, conflicts } of ran.repos) {
    if (!commit || commit.kind === "committed") continue;
    const error = refuseCommit({ branch }, commit);
    throw new RequestError(error.code, error.message, {
      ...error.details,
      ...outcome,
      ...(names.length > 0 ? { repo: name } : {}),
      conflicts: conflicts.map(({ path, expected, current }) => ({
        path,
        expected_sha: expected,
        current_sha: current,
      })),
    });
  }
}

function describeRepo({ base, differences, sent, commit }: RepoResult, withChanges: boolean) {
  const landed = commit?.kind === "committed" ? commit.receipt : null;
  return {
    base_sha: base,
    changed_files: differences.map(({ path }) => path),
    ...(landed ? { commit_sha: landed.oid, tree_sha: landed.tree } : {}),
    ...(withChanges
      ? { changes: differences.map((change) => describeChange(change, sent, landed !== null)) }
      : {}),
  };
}

function describeChange(
  { path, before, after }: ExecDifference,
  sent: ReadonlySet<string>,
  stored: boolean,
): ExecChange {
  const status = after === null ? "deleted" : typeof before === "string" ? "modified" : "added";
  const facts = {
    path,
    status,
    mode: after?.mode ?? null,
    sha: after?.oid ?? null,
    base_sha: before ?? null,
  } as const;
  if (!after?.bytes || stored || sent.has(after.oid)) return facts;
  const text = findText(after.bytes);
  return text === null
    ? { ...facts, content: encodeBase64(after.bytes), encoding: "base64" }
    : { ...facts, content: text, encoding: "utf-8" };
}

function reply(ran: Ran, body: unknown): Response {
  const replayed = ran.repos.some(({ commit }) => commit?.kind === "committed" && commit.replayed);
  return json(body, { headers: replayed ? { [HEADERS.idempotentReplay]: "true" } : {} });
}

function tooBusy(): RequestError {
  return new RequestError(
    "BACKPRESSURE",
    `${RUNNING_MAX} commands are running here already; try again`,
    { retry_after: 1, limit: RUNNING_MAX },
    { "retry-after": "1" },
  );
}
