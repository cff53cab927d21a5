import type { BodyOf } from "../../sdk/contract/index.ts";
import type {
  SessionClosed,
  SessionFlush,
  SessionStatus,
  sessionEndpoints,
} from "../../sdk/contract/sessions.ts";
import { conflict, notFound, RequestError } from "../middleware/request-error.ts";
import type { Principal } from "../ports/org.ts";
import type { FlushOutcome, SessionFacts, SessionStore } from "../ports/session.ts";
import { createSessionId, parseSessionId } from "../services/sessions/session-id.ts";
import type { HandlersFor, OrgHandle } from "./router.ts";

type OpenSession = (hash: string) => SessionStore;

interface Opener {
  readonly org: OrgHandle;
  readonly principal: Principal | null;
  readonly body: BodyOf<"POST /session">;
}

/** Opening, looking into, flushing and closing sessions. */
export function createSessionHandlers(openSession: OpenSession): HandlersFor<typeof sessionEndpoints> {
  const find = (id: string): SessionStore => {
    const session = parseSessionId(id);
    if (!session) throw notFound("Session");
    return openSession(session.hash);
  };
  return {
    "POST /session": (context) => postSession(openSession, context),
    async "POST /session/open"(context) {
      const session = await postSession(openSession, context);
      return { ...session, sessionId: session.session_id };
    },
    async "GET /session/:id/status"({ params, principal, now }) {
      const facts = await find(params.id).status(keyOf(principal));
      if (!facts) throw notFound("Session");
      return describe(facts, now());
    },
    async "POST /session/:id/flush"({ params, principal }): Promise<SessionFlush> {
      return readFlush(await find(params.id).flush(keyOf(principal)));
    },
    async "DELETE /session/:id"({ params, principal }): Promise<SessionClosed> {
      return { status: "closed", ...readFlush(await find(params.id).close(keyOf(principal))) };
    },
  };
}

async function postSession(openSession: OpenSession, { org, principal, body }: Opener) {
  const keyId = keyOf(principal);
  refuseGlobs(principal);
  const id = createSessionId(org.id);
  const hash = parseSessionId(id)?.hash ?? "";
  const registered = await org.store.openSession({ hash, keyId, grant: principal?.grant ?? null });
  if (registered.kind === "revoked") throw new RequestError("UNAUTHORIZED", "The API key is not valid");
  if (registered.kind === "full") {
    const message = `Too many sessions: at most ${registered.limit} may be open of one credential; close some`;
    throw new RequestError("RATE_LIMITED", message, { reason: "too-many-sessions", limit: registered.limit });
  }
  const session = openSession(hash);
  const ttlMs = body.ttl_seconds * 1_000;
  const idleExtend = body.idle_extend;
  const { expiresAtMs } = await session.open({
    orgId: org.id,
    keyId,
    actor: principal?.actor ?? keyId,
    hash,
    ttlMs,
    idleExtend,
    endsAtMs: principal?.expiresAtMs ?? null,
  });
  if (body.repo !== undefined) await warmUp(session, body.repo, keyId);
  return {
    session_id: id,
    expires_at: new Date(expiresAtMs).toISOString(),
    ttl_seconds: body.ttl_seconds,
    idle_extend: idleExtend,
  };
}

/**
 * A flush moves refs by merges that nobody holds to globs, so a token that has some gets no session.
 * @throws RequestError FORBIDDEN
 */
function refuseGlobs(principal: Principal | null): void {
  const limited = Object.entries(principal?.scopes ?? {}).find(
    ([, { refs, paths }]) => refs !== null || paths !== null,
  );
  if (!limited) return;
  const message = "A token with globs of refs or paths opens no session: write without one";
  throw new RequestError("FORBIDDEN", message, { reason: "token-globs", scope: limited[0] });
}

/** A repository that is named but cannot be used is told now, and not by the first request. */
async function warmUp(session: SessionStore, name: string, keyId: string): Promise<void> {
  const slash = name.indexOf("/");
  const repo = { namespace: slash < 0 ? null : name.slice(0, slash), slug: name.slice(slash + 1) };
  const result = await session.authorize({ need: "read", repo });
  if (result.kind === "allowed") return;
  await session.close(keyId);
  throw notFound("Repository");
}

function keyOf(principal: Principal | null): string {
  if (!principal) throw new RequestError("UNAUTHORIZED", "An API key is required");
  return principal.keyId;
}

function describe(facts: SessionFacts, nowMs: number): SessionStatus {
  const isOpen = facts.state === "open";
  return {
    objectCount: facts.objects,
    createdAt: new Date(facts.createdAtMs).toISOString(),
    lastActivityAt: new Date(facts.lastActivityMs).toISOString(),
    closed: !isOpen,
    ttlMs: isOpen ? Math.max(0, facts.expiresAtMs - nowMs) : 0,
    refCount: facts.refs,
    bytes: facts.bytes,
    state: facts.state,
    keptRefs: facts.kept.map(({ repo, ref, oid }) => ({ repo, ref, sha: oid })),
  };
}

/** @throws RequestError NOT_FOUND, CONFLICT */
function readFlush(outcome: FlushOutcome | null): SessionFlush {
  if (!outcome) throw notFound("Session");
  const { objects, refs, conflicts } = outcome;
  if (conflicts.length === 0) return { flushedObjects: objects, flushedRefs: refs };
  const message = `${conflicts.length} conflicts with what others have done; everything is kept in the session`;
  throw conflict(message, {
    reason: "session-conflict",
    flushedObjects: objects,
    flushedRefs: refs,
    conflicts: conflicts.map(({ repo, ref, type, path, baseOid, oursOid, theirsOid }) => ({
      repo,
      ref,
      type,
      path,
      base_sha: baseOid,
      ours_sha: oursOid,
      theirs_sha: theirsOid,
    })),
  });
}
