import type { fileEndpoints, Tree } from "../../sdk/contract/files.ts";
import { HEADERS, LIMITS } from "../../sdk/contract/limits.ts";
import { GitError } from "../git/errors.ts";
import { invalidField, notFound, RequestError } from "../middleware/request-error.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { type ByteRange, parseByteRange } from "../services/files/byte-range.ts";
import { encodeChunks } from "../services/files/encode-content.ts";
import { encodeReply } from "../services/files/encode-reply.ts";
import {
  findDirectory,
  formatTreeCursor,
  listFiles,
  parseTreeCursor,
  resumeTarget,
  type TreePage,
  UNBORN_TREE,
} from "../services/files/list-files.ts";
import type { ListingCache } from "../services/files/listing-cache.ts";
import {
  type BatchQuery,
  groupBatch,
  planBatch,
  readGroup,
  writeBatch,
} from "../services/files/read-batch.ts";
import { type FileLookup, findFile, looksLikeText, readContent } from "../services/files/read-file.ts";
import {
  type ReadTarget,
  resolveRefTarget,
  resolveTarget,
  type TargetResolution,
} from "../services/read-target.ts";
import { matchesEtag, readRange } from "./conditional.ts";
import { cacheControl, requireTarget, streamReply, targetHeaders, unknownRef } from "./read-replies.ts";
import { json, notModified } from "./reply.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

type TreeContext = RequestContext<"GET /repos/:repo/tree/:ref/*path">;
type FileContext = Pick<RequestContext<"GET /repos/:repo/blob/:ref/*path">, "repo" | "request" | "rest">;
type BatchContext = RequestContext<"POST /repos/:repo/blobs/batch">;

/** Directories and contents of files. `listings` is shared by all requests of an isolate. */
export function createFileHandlers(listings: ListingCache): HandlersFor<typeof fileEndpoints> {
  return {
    "GET /repos/:repo/tree/:ref/*path": (context) => getTree(listings, context),
    "GET /repos/:repo/blob/:ref/*path": getBlob,
    "GET /repos/:repo/raw/:ref/*path": getRaw,
    "POST /repos/:repo/blobs/batch": postBatch,
  };
}

async function getTree(
  listings: ListingCache,
  { repo, rest, query, request }: Pick<TreeContext, "repo" | "rest" | "query" | "request">,
): Promise<Response> {
  const resolution = await resolveTarget(repo, rest);
  if (resolution.kind === "unborn" && resolution.path === "") {
    return json(describePage(UNBORN_TREE, resolution, null), {
      headers: { "cache-control": cacheControl(repo, false) },
    });
  }
  const { path, target: current, branch } = requireTarget(resolution);
  const { target, offset } = await continueListing(repo, current, query.cursor);
  const directory = await findDirectory(repo, target, path);
  if (directory.kind !== "found") throw noDirectory(path, directory.kind);
  const kind = query.recursive ? "r" : "d";
  const place = encodeURIComponent(branch ?? "");
  const etag = `"${directory.tree}-${target.commit ?? "tree"}-${kind}-${query.limit}-${offset}-${place}"`;
  const headers = {
    ...targetHeaders(repo, target),
    "cache-control": cacheControl(repo, current.pinned),
    etag,
  };
  if (matchesEtag(request.headers.get("if-none-match"), etag)) return notModified(headers);
  const page = await listFiles(repo, listings, target, {
    path,
    recursive: query.recursive,
    limit: query.limit,
    offset,
  });
  if (page.kind !== "listed") throw noDirectory(path, page.kind);
  return json(describePage(page, { ref: current.ref, path, branch }, target), { headers });
}

/** The state that a cursor's first page showed: a branch may have moved since. */
async function continueListing(
  repo: RepoHandle,
  current: ReadTarget,
  text: string | undefined,
): Promise<{ readonly target: ReadTarget; readonly offset: number }> {
  if (text === undefined) return { target: current, offset: 0 };
  const cursor = parseTreeCursor(text);
  const target = cursor && (await resumeTarget(repo, current.ref, cursor));
  if (!cursor || !target) throw invalidField("cursor", "not a cursor of this list");
  return { target, offset: cursor.offset };
}

function describePage(
  page: TreePage,
  asked: { readonly ref: string; readonly path: string; readonly branch: string | null },
  target: ReadTarget | null,
): Tree {
  return {
    items: [...page.items],
    path: asked.path,
    ref: asked.ref,
    sha: page.tree,
    branch: asked.branch,
    commit_sha: target?.commit ?? null,
    committed_at: target?.committedAt ?? null,
    truncated: page.next !== null,
    next_cursor: page.next && formatTreeCursor(page.next),
  };
}

function noDirectory(path: string, kind: "missing" | "not-a-directory"): RequestError {
  if (kind === "missing") return notFound(`Directory ${path}`);
  return new RequestError("NOT_FOUND", `${path} is a file, not a directory`, { type: "file" });
}

async function getBlob(context: FileContext): Promise<Response> {
  const { repo, request } = context;
  const { target, file, path } = await openFile(context);
  const whole = `"${file.oid}"`;
  const headers = { ...fileHeaders(repo, target, file), vary: "Range" };
  const asked = readRange(request, whole);
  const range = checkRange(parseByteRange(asked, file.size), file.size);
  const etag = range ? `"${file.oid}-${range.start}-${range.end}"` : whole;
  if (matchesEtag(request.headers.get("if-none-match"), etag, whole))
    return notModified({ ...headers, etag });
  if (!range && file.size > LIMITS.blobBytes) throw tooLarge(path, file.size);
  const facts = { path, sha: file.oid, size: file.size, ...(range && { range: describeRange(range) }) };
  const part = range ? { range: { start: range.start, end: range.end + 1 } } : {};
  const encoded = await encodeReply(repo.objects, file, facts, part);
  const init = range
    ? { status: 206, headers: { ...headers, etag, "content-range": formatRange(range, file.size) } }
    : { status: 200, headers: { ...headers, etag } };
  if (encoded.kind === "value") return json(encoded.reply, init);
  return streamReply(request, () => encodeChunks(encoded.parts), {
    ...init,
    headers: { "content-type": "application/json; charset=utf-8", ...init.headers },
    length: null,
  });
}

async function getRaw(context: FileContext): Promise<Response> {
  const { repo, request } = context;
  const { target, file } = await openFile(context);
  const etag = `"${file.oid}"`;
  const headers = { ...fileHeaders(repo, target, file), etag };
  if (matchesEtag(request.headers.get("if-none-match"), etag)) return notModified(headers);
  const range = checkRange(parseByteRange(readRange(request, etag), file.size), file.size);
  const text = await looksLikeText(repo.objects, file);
  const part = range ? { start: range.start, end: range.end + 1 } : { start: 0, end: file.size };
  return streamReply(request, () => readContent(repo.objects, file, part), {
    status: range ? 206 : 200,
    headers: {
      ...headers,
      "content-type": text ? "text/plain; charset=utf-8" : "application/octet-stream",
      "x-content-type-options": "nosniff",
      ...(range && { "content-range": formatRange(range, file.size) }),
    },
    length: part.end - part.start,
  });
}

type File = Extract<FileLookup, { kind: "file" }>;

async function openFile({
  repo,
  rest,
}: FileContext): Promise<{ readonly target: ReadTarget; readonly file: File; readonly path: string }> {
  const { target, path } = requireTarget(await resolveTarget(repo, rest));
  const file = await findFile(repo, target, path);
  if (file.kind === "file") return { target, file, path };
  throw noFile(path, file);
}

/** Why there is no file at a path. */
export function noFile(path: string, lookup: Exclude<FileLookup, File>): RequestError {
  if (lookup.kind === "missing") return notFound(`File ${path}`);
  const details = { path, type: lookup.kind === "directory" ? "folder" : "submodule", sha: lookup.oid };
  const message =
    lookup.kind === "directory"
      ? `${path === "" ? "The root" : path} is a directory, not a file`
      : `${path} is a submodule at ${lookup.oid}: its content is in another repository`;
  return new RequestError("NOT_FOUND", message, details);
}

function fileHeaders(repo: RepoHandle, target: ReadTarget, file: File): Record<string, string> {
  return {
    ...targetHeaders(repo, target),
    "accept-ranges": "bytes",
    [HEADERS.contentSha]: file.oid,
  };
}

type Part = Extract<ByteRange, { kind: "part" }>;

function checkRange(range: ByteRange, size: number): Part | null {
  if (range.kind === "part") return range;
  if (range.kind === "whole") return null;
  const headers = { "content-range": `bytes */${size}`, "accept-ranges": "bytes" };
  throw new RequestError("RANGE_NOT_SATISFIABLE", range.reason, { size }, headers);
}

function describeRange({ start, end }: Part) {
  return { start, end, length: end - start + 1 };
}

function formatRange({ start, end }: Part, size: number): string {
  return `bytes ${start}-${end}/${size}`;
}

function tooLarge(path: string, size: number): RequestError {
  const limit = LIMITS.blobBytes;
  const message = `${path} has ${size} bytes; ${limit} are sent at once: ask for a Range, or use raw`;
  return new RequestError("PAYLOAD_TOO_LARGE", message, { path, size, limit });
}

async function postBatch({ repo, body, request }: BatchContext): Promise<Response> {
  const resolution = await resolveRefTarget(repo, body.ref);
  if (resolution.kind === "unknown") throw unknownRef(resolution);
  const query = { paths: body.paths, encoding: body.encoding, maxBytes: body.max_size };
  const plan = await planPaths(repo, resolution, query);
  const headers = {
    "cache-control": cacheControl(repo, false),
    ...(resolution.kind === "resolved" && targetHeaders(repo, { ...resolution.target, pinned: false })),
    etag: plan.etag,
  };
  if (matchesEtag(request.headers.get("if-none-match"), plan.etag)) return notModified(headers);
  const groups = groupBatch(plan);
  // Read before the reply begins, so that what usually can fail still gets an error of its own.
  const first = await readGroup(repo.objects, plan, groups[0] ?? []);
  if (groups.length <= 1) return json({ blobs: first, missing: plan.missing }, { headers });
  return streamReply(request, () => encodeChunks(writeBatch(repo.objects, plan, first)), {
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    length: null,
  });
}

async function planPaths(
  repo: RepoHandle,
  resolution: Exclude<TargetResolution, { kind: "unknown" }>,
  query: BatchQuery,
) {
  try {
    return await planBatch(repo, resolution.kind === "resolved" ? resolution.target : null, query);
  } catch (error) {
    if (!(error instanceof GitError) || typeof error.data.index !== "number") throw error;
    throw invalidField(`paths.${error.data.index}`, error.message);
  }
}
