import {
  type LfsBatch,
  lfsBatchSchema,
  lfsLockSchema,
  lfsLocksQuerySchema,
  lfsLocksVerifySchema,
  lfsUnlockSchema,
  lfsVerifySchema,
} from "../../sdk/contract/lfs.ts";
import { LIMITS } from "../../sdk/contract/limits.ts";
import { parsePath } from "../git/object/path-rules.ts";
import { readJson } from "../middleware/read-body.ts";
import {
  conflict,
  invalidField,
  notFound,
  RequestError,
  unprocessable,
} from "../middleware/request-error.ts";
import { parseQuery, validate } from "../middleware/validate.ts";
import type { LfsFiles, LfsLock, LfsPresigner, LfsStore } from "../ports/lfs.ts";
import type { Principal, RepoRecord } from "../ports/org.ts";
import { findRule } from "../services/access/grant.ts";
import { chargeBytes, type WriteAccount } from "../services/account/meter-repo.ts";
import { parseByteRange } from "../services/files/byte-range.ts";
import { createGlobMatcher } from "../services/files/glob.ts";
import { planTransfers } from "../services/lfs/batch.ts";
import { findObject, openObject, receiveObject, verifyObject } from "../services/lfs/transfer.ts";
import { formatTimestamp } from "../services/timestamp.ts";
import type { LfsEndpoint, LfsRoute } from "./lfs-path.ts";

/** Source: the API documentation of git-lfs, docs/api/batch.md. */
export const LFS_TYPE = "application/vnd.git-lfs+json";

/** How large files are kept by this deployment. */
export interface LfsParts {
  readonly open: (repoId: string) => LfsStore;
  readonly files: LfsFiles;
  readonly presigner: LfsPresigner | null;
  /** Largest body that the platform lets through to a Worker. */
  readonly proxyBytes: number;
}

export interface LfsContext {
  readonly request: Request;
  readonly route: LfsRoute;
  readonly lfs: LfsParts;
  readonly repo: RepoRecord;
  readonly principal: Principal | null;
  /** Takes off what the caller's token may write; null: it has no limits. */
  readonly meter: WriteAccount | null;
  readonly publicUrl: string;
  /** Asks the policy once more, when only the body has told that the request is to write. */
  readonly requireWrite: () => Promise<void>;
}

const MAX_BODY_BYTES = 1024 * 1024;
const LOCKS_PAGE = 100;

/** What an endpoint asks of the caller's credential, as far as its address tells. */
export function lfsNeedOf({ name }: LfsEndpoint): "read" | "write" {
  return name === "batch" || name === "download" || name === "locks" ? "read" : "write";
}

/** Answers a request whose caller is authorised. @throws RequestError */
export async function handleLfs(context: LfsContext, endpoint: LfsEndpoint): Promise<Response> {
  const store = context.lfs.open(context.repo.id);
  switch (endpoint.name) {
    case "batch":
      return await answerBatch(context, store);
    case "verify":
      return await answerVerify(context, store);
    case "upload":
      return await answerUpload(context, store, endpoint.oid);
    case "download":
      return await answerDownload(context, store, endpoint.oid);
    case "locks":
      return await answerLocks(context, store);
    case "lock":
      return await answerLock(context, store);
    case "verify-locks":
      return await answerVerifyLocks(context, store);
    case "unlock":
      return await answerUnlock(context, store, endpoint.id);
  }
}

function reply(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": LFS_TYPE, "cache-control": "private, no-store" },
  });
}

async function answerBatch(context: LfsContext, store: LfsStore): Promise<Response> {
  const { request, lfs, route, publicUrl } = context;
  const query = validate(lfsBatchSchema, await readJson(request, MAX_BODY_BYTES), "body") as LfsBatch;
  if (query.hash_algo !== undefined && query.hash_algo !== "sha256") {
    throw conflict(`Unsupported hash algorithm: ${query.hash_algo}; this server has sha256`);
  }
  if (query.transfers && !query.transfers.includes("basic")) {
    throw unprocessable("Only the transfer adapter basic is served");
  }
  if (query.operation === "upload") await context.requireWrite();
  const authorization = request.headers.get("authorization");
  const objects = await planTransfers(
    {
      store,
      presigner: lfs.presigner,
      proxyBytes: lfs.proxyBytes,
      baseUrl: publicUrl + route.base,
      header: authorization === null ? {} : { Authorization: authorization },
    },
    query,
  );
  return reply({ transfer: "basic", objects, hash_algo: "sha256" });
}

async function answerVerify({ request, lfs, meter }: LfsContext, store: LfsStore): Promise<Response> {
  const body = await readJson(request, MAX_BODY_BYTES);
  const object = validate(lfsVerifySchema, body, "body") as { oid: string; size: number };
  const verify = () => verifyObject({ store, files: lfs.files }, object);
  const known = (await store.find([object.oid])).length > 0;
  const arrived = known
    ? await verify()
    : await chargeBytes(meter, object.size, { write: verify, isMade: Boolean });
  if (!arrived) throw notFound("Object");
  return reply({});
}

async function answerUpload(
  { request, lfs, meter }: LfsContext,
  store: LfsStore,
  oid: string,
): Promise<Response> {
  const length = request.headers.get("content-length");
  if (length === null || !/^\d{1,15}$/.test(length)) {
    throw invalidField("content-length", "an upload must say its length");
  }
  const size = Number(length);
  const limit = Math.min(lfs.proxyBytes, LIMITS.lfsObjectBytes);
  if (size > limit) {
    throw new RequestError("PAYLOAD_TOO_LARGE", `An object may have at most ${limit} bytes here`, { limit });
  }
  const body = request.body ?? new Blob([]).stream();
  const outcome = await chargeBytes(meter, size, {
    write: () => receiveObject({ store, files: lfs.files }, { oid, size }, body),
    isMade: (received) => received !== "mismatch",
  });
  if (outcome === "mismatch")
    throw unprocessable("The content is not what its name says: SHA-256 or length differ");
  return reply({});
}

async function answerDownload({ request, lfs }: LfsContext, store: LfsStore, oid: string): Promise<Response> {
  const deps = { store, files: lfs.files };
  const object = await findObject(deps, oid);
  if (!object) throw notFound("Object");
  const range = parseByteRange(request.headers.get("range"), object.size);
  if (range.kind === "unsatisfiable") {
    const headers = { "content-range": `bytes */${object.size}` };
    throw new RequestError("RANGE_NOT_SATISFIABLE", range.reason, {}, headers);
  }
  const part = range.kind === "part" ? range : null;
  const length = part ? part.end - part.start + 1 : object.size;
  const headers: Record<string, string> = {
    "content-type": "application/octet-stream",
    "content-length": String(length),
    "accept-ranges": "bytes",
    etag: `"${oid}"`,
    "cache-control": "private, no-cache",
    ...(part && { "content-range": `bytes ${part.start}-${part.end}/${object.size}` }),
  };
  if (request.method === "HEAD" || length === 0)
    return new Response(null, { status: part ? 206 : 200, headers });
  const { body } = await openObject(deps, object, part);
  return new Response(body, { status: part ? 206 : 200, headers });
}

async function answerLocks({ request }: LfsContext, store: LfsStore): Promise<Response> {
  const query = validate(lfsLocksQuerySchema, parseQuery(request.url), "query") as {
    path?: string;
    id?: string;
    cursor?: string;
    limit: number;
  };
  const { path, id, cursor, limit } = query;
  const page = await store.listLocks({
    ...(path !== undefined && { path }),
    ...(id !== undefined && { id }),
    after: Number(cursor ?? 0),
    limit,
  });
  return reply({
    locks: page.locks.map(formatLock),
    ...(page.next !== null && { next_cursor: String(page.next) }),
  });
}

async function answerLock(context: LfsContext, store: LfsStore): Promise<Response> {
  const body = await readJson(context.request, MAX_BODY_BYTES);
  const { path } = validate(lfsLockSchema, body, "body") as { path: string };
  parsePath(path);
  const owner = requirePrincipal(context);
  const rule = findRule(owner.scopes, context.repo);
  if (rule?.paths && !createGlobMatcher(rule.paths).matches(path)) {
    throw new RequestError("FORBIDDEN", `not permitted to change ${path}`, { path });
  }
  const locking = await store.lock(path, owner.actor);
  if (locking.kind === "full") {
    throw new RequestError("QUOTA_EXCEEDED", `A repository has at most ${locking.limit} locks`, {
      limit: locking.limit,
    });
  }
  if (locking.kind === "held") {
    return reply({ lock: formatLock(locking.lock), message: `${path} is locked already` }, 409);
  }
  return reply({ lock: formatLock(locking.lock) }, 201);
}

async function answerVerifyLocks(context: LfsContext, store: LfsStore): Promise<Response> {
  const body = await readJson(context.request, MAX_BODY_BYTES);
  const { cursor, limit } = validate(lfsLocksVerifySchema, body, "body") as {
    cursor?: string;
    limit?: number;
  };
  const { actor } = requirePrincipal(context);
  const page = await store.listLocks({ after: Number(cursor || 0), limit: limit || LOCKS_PAGE });
  const own = (lock: LfsLock) => lock.owner === actor;
  return reply({
    ours: page.locks.filter(own).map(formatLock),
    theirs: page.locks.filter((lock) => !own(lock)).map(formatLock),
    ...(page.next !== null && { next_cursor: String(page.next) }),
  });
}

async function answerUnlock(context: LfsContext, store: LfsStore, id: string): Promise<Response> {
  const body = await readJson(context.request, MAX_BODY_BYTES);
  const { force = false } = validate(lfsUnlockSchema, body, "body") as { force?: boolean };
  const { actor, scopes } = requirePrincipal(context);
  // A lock of somebody else is broken by the org's own key: a token may do less than its maker.
  const unlocking = await store.unlock(id, actor, force && scopes === null);
  if (unlocking.kind === "unknown") throw notFound("Lock");
  if (unlocking.kind === "not-owner") {
    const message = force ? "Only a master key breaks the lock of another" : "The lock belongs to another";
    throw new RequestError("FORBIDDEN", message, { owner: unlocking.lock.owner });
  }
  return reply({ lock: formatLock(unlocking.lock) });
}

function requirePrincipal({ principal }: LfsContext): Principal {
  if (!principal) throw new RequestError("UNAUTHORIZED", "An API key is required");
  return principal;
}

function formatLock({ id, path, owner, lockedAtMs }: LfsLock) {
  return { id, path, locked_at: formatTimestamp(Math.floor(lockedAtMs / 1_000)), owner: { name: owner } };
}
