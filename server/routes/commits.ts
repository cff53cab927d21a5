import { createHash } from "node:crypto";
import type { BlobsStored, CommitCreated, commitEndpoints } from "../../sdk/contract/commits.ts";
import type { FieldError } from "../../sdk/contract/errors.ts";
import { HEADERS } from "../../sdk/contract/limits.ts";
import { isOid, type Oid } from "../git/hash/oid.ts";
import { parsePath } from "../git/object/path-rules.ts";
import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import {
  conflict,
  invalidField,
  invalidFields,
  notFound,
  RequestError,
  unprocessable,
} from "../middleware/request-error.ts";
import type { CommitOutcome, CommitReceipt } from "../ports/commit.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { draftChanges } from "../services/commits/change-drafts.ts";
import { type CommitCreation, createCommit, type NewCommit } from "../services/commits/create-commit.ts";
import { describeCommit, describeCommitDetails, findCommit } from "../services/commits/describe-commit.ts";
import { formatHistoryCursor, listCommits, parseHistoryCursor } from "../services/commits/list-commits.ts";
import { decodeUpload, storeBlobs } from "../services/commits/store-blobs.ts";
import { findNotesTip } from "../services/notes/find-note-blobs.ts";
import { formatMetadata, type Metadata, readMetadata } from "../services/notes/read-metadata.ts";
import type { StoreObjects } from "../services/place-objects.ts";
import { resolveRefTarget } from "../services/read-target.ts";
import { checkNewRef } from "../services/refs/check-new-ref.ts";
import { matchesEtag } from "./conditional.ts";
import { describeConflicts } from "./conflict-replies.ts";
import { checkIdentity, checkMessage, collectFaults, DEFAULT_IDENTITY } from "./identity.ts";
import { actorOf, cacheControl, unknownRef } from "./read-replies.ts";
import { json, notModified } from "./reply.ts";
import type { Handler, HandlersFor, RequestContext } from "./router.ts";

type PostContext = RequestContext<"POST /repos/:repo/commits">;
type UploadContext = RequestContext<"POST /repos/:repo/blobs">;

/** Commits: create, list, get. */
export function createCommitHandlers(deps: {
  readonly storeObjects: StoreObjects;
}): HandlersFor<typeof commitEndpoints> {
  return {
    "POST /repos/:repo/commits": (context) => postCommit(deps.storeObjects, context),
    // The two differ in what their schemas let through.
    "POST /repos/:repo/commits/bulk": (context) => postCommit(deps.storeObjects, context),
    "POST /repos/:repo/blobs": (context) => postBlobs(deps.storeObjects, context),
    "GET /repos/:repo/commits": getCommits,
    "GET /repos/:repo/commits/:sha": getCommit,
  };
}

async function postCommit(storeObjects: StoreObjects, context: PostContext): Promise<Response> {
  const { body, repo } = context;
  checkCommit(context);
  // Before the changes are let go of.
  const idempotency = readIdempotency(context);
  const drafted = draftChanges(takeEach(body.changes));
  if (drafted.kind === "invalid") throw invalidFields(drafted.fields);
  if (drafted.kind === "too-large") throw fileTooLarge(drafted);
  const author = body.author ?? DEFAULT_IDENTITY;
  const { parent_sha: parent } = body;
  const commit: NewCommit = {
    branch: body.branch,
    message: body.message,
    author,
    committer: author,
    // The schema has checked that it is an id.
    ...(parent === undefined ? {} : { parentOid: parent as Oid | null }),
    rebase: body.rebase ?? false,
    drafts: drafted.drafts,
    ...(body.metadata && { note: formatMetadata(body.metadata) }),
    actor: actorOf(context),
    idempotency,
    nowMs: context.now(),
  };
  return answer(commit, await createCommit(storeObjects, repo, commit));
}

async function postBlobs(storeObjects: StoreObjects, context: UploadContext): Promise<BlobsStored> {
  const decoded = decodeUpload(takeEach(context.body.blobs));
  if (decoded.kind === "invalid") throw invalidFields(decoded.fields);
  if (decoded.kind === "too-large") throw fileTooLarge(decoded);
  const { repo } = context;
  await storeBlobs(storeObjects, repo, decoded.blobs, { actor: actorOf(context), nowMs: context.now() });
  return { blobs: decoded.blobs.map(({ oid, data }) => ({ sha: oid, size: data.length })) };
}

/** Empties the list: contents would otherwise be in memory as text and as bytes, up to 100 MB each. */
function* takeEach<T>(list: T[]): Generator<T> {
  list.reverse();
  for (let last = list.pop(); last !== undefined; last = list.pop()) yield last;
}

/** Rules that the schema cannot express. @throws RequestError VALIDATION_ERROR */
function checkCommit({ body }: PostContext): void {
  const fields: FieldError[] = [...checkMessage(body.message)];
  if (body.author) fields.push(...checkIdentity("author", body.author));
  fields.push(...collectFaults("branch", () => checkNewRef(BRANCH_PREFIX + body.branch)));
  if (fields.length > 0) throw invalidFields(fields);
}

/** Of what was asked for, not of the bytes that asked: a client that retries may write its JSON anew. */
function readIdempotency(context: PostContext): NewCommit["idempotency"] {
  if (context.idempotencyKey === null) return null;
  const hash = createHash("sha256");
  const { changes, ...rest } = context.body;
  hash.update(JSON.stringify(rest));
  for (const change of changes) hash.update(JSON.stringify(change));
  return { key: context.idempotencyKey, fingerprint: hash.digest("hex") };
}

function answer(commit: NewCommit, outcome: CommitCreation): Response {
  if (outcome.kind !== "committed") throw refuseCommit(commit, outcome);
  const headers = outcome.replayed ? { [HEADERS.idempotentReplay]: "true" } : {};
  return json(describeReceipt(outcome.receipt), { status: 201, headers });
}

/** Why a commit was not made, as the error of its reply. */
export function refuseCommit(
  commit: Pick<NewCommit, "branch" | "parentOid">,
  outcome: Exclude<CommitCreation, { kind: "committed" }>,
): RequestError {
  switch (outcome.kind) {
    case "too-large":
      return fileTooLarge(outcome);
    case "head-moved":
      return headMoved(commit, outcome.current);
    case "path-conflict":
      return conflict(`${outcome.path} is not the version that if_match names`, {
        field: outcome.field,
        path: outcome.path,
        expected_sha: outcome.expected,
        current_sha: outcome.current,
        head_sha: outcome.head,
      });
    case "merge-conflict": {
      const { head, conflicts } = outcome;
      const message = `${conflicts.length} of the paths changed on ${commit.branch} in a way that cannot be merged`;
      return conflict(message, {
        ...describeConflicts(conflicts),
        branch: commit.branch,
        head_sha: head,
        current_sha: head,
      });
    }
    case "merge-needed":
      return conflict("The files kept changing while they were merged", { head_sha: outcome.head });
    case "stale":
      return conflict(`${outcome.path || "A file"} kept changing while it was edited`, {
        field: outcome.field,
        path: outcome.path,
        head_sha: outcome.head,
      });
    case "edit-failed":
      return unprocessable(`${outcome.path}: ${outcome.message}`, {
        field: outcome.field,
        path: outcome.path,
        matches: outcome.matches,
        lines: outcome.lines,
        current_sha: outcome.current,
        head_sha: outcome.head,
      });
    case "idempotency-mismatch":
      return unprocessable("This Idempotency-Key was used for another request");
    case "rejected":
      return rejected(outcome);
  }
}

function describeReceipt(receipt: CommitReceipt): CommitCreated {
  return {
    sha: receipt.oid,
    tree_sha: receipt.tree,
    parent_sha: receipt.parent,
    parent: receipt.parent,
    branch: receipt.branch,
    files_changed: receipt.filesChanged,
    ...(receipt.merged && { merged: receipt.merged.map(({ path, oid }) => ({ path, sha: oid })) }),
  };
}

function headMoved(commit: Pick<NewCommit, "branch" | "parentOid">, current: Oid | null): RequestError {
  const where = current === null ? "does not exist" : `is at ${current}`;
  return conflict(`Branch ${commit.branch} ${where}, not at parent_sha`, {
    branch: commit.branch,
    expected_sha: commit.parentOid ?? null,
    current_sha: current,
    head_sha: current,
  });
}

/** What is not there is 404; a branch name that cannot be beside another is 409, as everywhere; a path in the way 422. */
function rejected(outcome: Extract<CommitOutcome, { kind: "rejected" }>): RequestError {
  const { reason, field, path, message, head } = outcome;
  if (reason === "name-conflict") return conflict(message, { reason, field, head_sha: head });
  const absent = reason === "not-found" || reason === "missing-object" || reason === "no-branch";
  return new RequestError(absent ? "NOT_FOUND" : "UNPROCESSABLE", message, {
    reason,
    field,
    ...(path === "" ? {} : { path }),
    head_sha: head,
  });
}

export function fileTooLarge(file: {
  readonly field: string;
  readonly path: string;
  readonly size: number;
  readonly limit: number;
}): RequestError {
  const { field, path, size, limit } = file;
  const message = `${path} has ${size} bytes, at most ${limit} are taken`;
  return new RequestError("PAYLOAD_TOO_LARGE", message, { field, path, size, limit });
}

const getCommits: Handler<"GET /repos/:repo/commits"> = async ({ repo, query }) => {
  const path = query.path === undefined ? null : parsePath(query.path.replace(/\/+$/, ""));
  const resolution = await resolveRefTarget(repo, query.ref);
  if (resolution.kind === "unknown") throw unknownRef(resolution);
  if (resolution.kind === "unborn") {
    return { commits: [], ref: resolution.ref, has_more: false, next_cursor: null };
  }
  const { commit, ref } = resolution.target;
  if (commit === null) throw notFound(`History of ${ref}, which is a tree,`);
  const start = query.cursor === undefined ? { base: commit, skip: 0 } : await readCursor(repo, query.cursor);
  const [page, notes] = await Promise.all([
    listCommits(repo.objects, start, { limit: query.limit, path }),
    findNotesTip(repo),
  ]);
  const said = await readMetadata(
    repo,
    page.commits.map(({ oid }) => oid),
    notes,
  );
  return {
    commits: page.commits.map((entry) => ({
      ...describeCommit(entry.oid, entry.commit),
      ...describeMetadata(said.get(entry.oid)),
    })),
    ref,
    has_more: page.next !== null,
    next_cursor: page.next && formatHistoryCursor(page.next),
  };
};

async function readCursor(repo: RepoHandle, text: string) {
  const cursor = parseHistoryCursor(text);
  const { found } = cursor ? await repo.objects.readHeaders([cursor.base]) : { found: null };
  if (!cursor || found?.get(cursor.base)?.type !== "commit") {
    throw invalidField("cursor", "not a cursor of this list");
  }
  return cursor;
}

const getCommit: Handler<"GET /repos/:repo/commits/:sha"> = async ({ repo, params, request }) => {
  const oid = params.sha;
  if (!isOid(oid)) throw invalidField("sha", "40 lower-case hex digits");
  const notes = await findNotesTip(repo);
  const commit = await findCommit(repo, oid);
  if (!commit) throw notFound(`Commit ${oid}`);
  const metadata = (await readMetadata(repo, [oid], notes)).get(oid);
  // A commit never changes, but what notes say of it may.
  const headers = {
    "cache-control": cacheControl(repo, false),
    etag: metadata ? `"${oid}-${hashMetadata(metadata)}"` : `"${oid}"`,
  };
  return matchesEtag(request.headers.get("if-none-match"), headers.etag)
    ? notModified(headers)
    : json({ ...describeCommitDetails(oid, commit), ...describeMetadata(metadata) }, { headers });
};

function describeMetadata(metadata: Metadata | undefined): { metadata?: Metadata } {
  return metadata ? { metadata } : {};
}

function hashMetadata(metadata: Metadata): string {
  return createHash("sha256").update(JSON.stringify(metadata)).digest("hex").slice(0, 16);
}
