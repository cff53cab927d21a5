import { ERROR_STATUS, isErrorCode } from "../contract/errors.ts";
import { ApiError } from "../errors.ts";
import type { Fetch } from "../http/transport.ts";
import type { RemoteChange, RemoteRepo } from "../mount/kernel/remote.ts";
import type { MemoryRemote } from "./memory-remote.ts";

/** One request as the fake server saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Without `/v1/repos/<slug>`. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface FakeServer {
  readonly fetch: Fetch;
  /** Every request so far; empty it to count anew. */
  readonly seen: SeenRequest[];
}

interface Call {
  readonly repo: RemoteRepo;
  readonly rest: readonly string[];
  readonly url: URL;
  readonly headers: Headers;
  // Bodies come from the client under test, typed by the contract there.
  // biome-ignore lint/suspicious/noExplicitAny: what it sends is what the tests look at
  readonly body: any;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function json(value: unknown, status = 200): Response {
  return Response.json(value, { status, headers: { "x-request-id": "req_test" } });
}

async function getTree(remote: MemoryRemote, { repo, rest, url }: Call): Promise<Response> {
  const page = await remote.listTree(repo, {
    ref: rest.slice(1).join("/"),
    cursor: url.searchParams.get("cursor"),
  });
  return json({
    items: page.entries.map(({ path, sha, mode, size }) => ({
      name: path.slice(path.lastIndexOf("/") + 1),
      path,
      type: mode === "040000" ? "folder" : "file",
      sha,
      mode,
      ...(mode === "040000" ? {} : { size }),
    })),
    path: "",
    ref: rest[1],
    sha: page.treeSha,
    branch: page.branch,
    commit_sha: page.commitSha,
    committed_at: page.commitSha === null ? null : new Date(page.committedAtMs).toISOString(),
    truncated: page.nextCursor !== null,
    next_cursor: page.nextCursor,
  });
}

async function postBatch(remote: MemoryRemote, { repo, body }: Call): Promise<Response> {
  const blobs = await remote.readBlobs(repo, { commitSha: body.ref, paths: body.paths });
  const found = new Set(blobs.map(({ path }) => path));
  return json({
    blobs: blobs.map(({ path, sha, bytes }) => ({
      path,
      sha,
      size: bytes.length,
      encoding: "base64",
      content: base64(bytes),
    })),
    missing: body.paths.filter((path: string) => !found.has(path)),
  });
}

async function getRaw(remote: MemoryRemote, { repo, rest, headers }: Call): Promise<Response> {
  const range = /^bytes=(\d+)-(\d+)$/.exec(headers.get("range") ?? "");
  const stream = await remote.openBlob(repo, {
    commitSha: rest[1] ?? "",
    path: rest.slice(2).join("/"),
    range: range === null ? null : { start: Number(range[1]), end: Number(range[2]) },
  });
  return new Response(stream, { status: range === null ? 200 : 206 });
}

async function postPrefetch(remote: MemoryRemote, { repo, body }: Call): Promise<Response> {
  const stream = remote.prefetch(repo, {
    commitSha: body.ref,
    globs: body.globs,
    maxBytes: body.max_bytes,
    maxBlobBytes: body.max_blob_bytes,
  });
  const lines: string[] = [];
  for (let next = await stream.next(); ; next = await stream.next()) {
    if (next.done) {
      lines.push(JSON.stringify({ done: true, ...next.value, ref: body.ref, commit_sha: body.ref }));
      return new Response(`${lines.join("\n")}\n`, { headers: { "content-type": "application/x-ndjson" } });
    }
    const { path, sha, bytes } = next.value;
    lines.push(
      JSON.stringify({ path, sha, size: bytes.length, encoding: "binary", content_b64: base64(bytes) }),
    );
  }
}

async function postGrep(remote: MemoryRemote, { repo, body }: Call): Promise<Response> {
  const { ref: commitSha, pattern, regex, word, globs = [], paths = [] } = body;
  const stream = remote.grep(repo, {
    ...{ commitSha, pattern, regex, word, globs, paths },
    ignoreCase: !body.case_sensitive,
    contextLines: body.context_lines,
    maxMatches: body.max_matches,
    cursor: null,
  });
  const lines: string[] = [];
  try {
    for (let next = await stream.next(); ; next = await stream.next()) {
      if (next.done) {
        const { nextCursor: next_cursor } = next.value;
        lines.push(JSON.stringify({ done: true, ref: commitSha, commit_sha: commitSha, next_cursor }));
        return new Response(`${lines.join("\n")}\n`, { headers: { "content-type": "application/x-ndjson" } });
      }
      const { lineBytes, ...match } = next.value;
      lines.push(JSON.stringify({ ...match, ...(lineBytes === null ? {} : { line_bytes: lineBytes }) }));
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return json({ error: error.message, code: "VALIDATION_ERROR" }, ERROR_STATUS.VALIDATION_ERROR);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as for Call.body
function toRemoteChange(change: any): RemoteChange {
  const { path, action, if_match: ifMatch, mode = null } = change;
  if (action === "delete") return { kind: "delete", path, ifMatch };
  if (action === "rename") return { kind: "move", path, newPath: change.new_path };
  if (change.sha !== undefined) return { kind: "put", path, mode, ifMatch, content: { sha: change.sha } };
  const bytes = new Uint8Array(Buffer.from(change.content, change.encoding === "base64" ? "base64" : "utf8"));
  return { kind: "put", path, mode, ifMatch, content: { bytes } };
}

async function postCommit(remote: MemoryRemote, { repo, body, headers }: Call): Promise<Response> {
  const outcome = await remote.commit(repo, {
    branch: body.branch,
    message: body.message,
    author: body.author,
    metadata: body.metadata,
    changes: body.changes.map(toRemoteChange),
    idempotencyKey: headers.get("idempotency-key") ?? crypto.randomUUID(),
  });
  if (outcome.kind === "conflict") {
    const [first] = outcome.conflicts;
    const found = { path: first?.path, current_sha: first?.theirsSha };
    return json({ error: outcome.message, code: "CONFLICT", ...found }, 409);
  }
  const { sha, treeSha, parentSha } = outcome;
  const receipt = { sha, tree_sha: treeSha, parent_sha: parentSha, parent: parentSha };
  return json({ ...receipt, branch: body.branch, files_changed: body.changes.length }, 201);
}

async function route(remote: MemoryRemote, method: string, call: Call): Promise<Response> {
  const [noun] = call.rest;
  if (method === "GET" && noun === "tree") return await getTree(remote, call);
  if (method === "GET" && noun === "raw") return await getRaw(remote, call);
  if (method === "POST" && noun === "blobs") return await postBatch(remote, call);
  if (method === "POST" && noun === "prefetch") return await postPrefetch(remote, call);
  if (method === "POST" && noun === "grep") return await postGrep(remote, call);
  if (method === "POST" && noun === "commits") return await postCommit(remote, call);
  if (method === "GET" && noun === undefined) {
    return json({ slug: call.repo.slug, default_branch: await remote.findDefaultBranch(call.repo) });
  }
  return json({ error: "no such route", code: "NOT_FOUND" }, 404);
}

/** A fetch that answers like a server with these repositories, and keeps every request for the tests to count. */
export function createFakeServer(remote: MemoryRemote): FakeServer {
  const seen: SeenRequest[] = [];
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const [, , , slug = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const body = await request.text();
    seen.push({
      method: request.method,
      path: `/${rest.join("/")}${url.search}`,
      headers: request.headers,
      body,
    });
    const call = {
      repo: { slug, namespace: null },
      rest,
      url,
      headers: request.headers,
      body: body && JSON.parse(body),
    };
    try {
      return await route(remote, request.method, call);
    } catch (error) {
      if (!(error instanceof ApiError) || !isErrorCode(error.code)) throw error;
      return json({ error: error.message, code: error.code }, ERROR_STATUS[error.code]);
    }
  };
  return { fetch, seen };
}
