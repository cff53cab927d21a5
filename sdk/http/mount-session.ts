import type { SessionFlush } from "../contract/sessions.ts";
import type { ApiError } from "../errors.ts";
import type { Result } from "./reply.ts";
import type { RequestFunction } from "./request.ts";
import { isRepeatable } from "./retry.ts";

/** A session of the caller's, or one that is opened with the first request. */
export type SessionChoice =
  | { readonly id: string }
  | { readonly autoOpen: boolean; readonly ttlSeconds?: number; readonly idleExtend?: boolean };

/** Requests inside a session, and its end. */
export interface InSession {
  readonly request: RequestFunction;
  flush(): Promise<SessionFlush>;
  /** Flushes and ends a session that was opened here; others' are left to them. */
  close(): Promise<void>;
}

/** What `request` takes, as far as it matters here. */
type Send = (key: string, options: Record<string, unknown>) => Promise<Result<unknown>>;

const NOTHING: SessionFlush = { flushedObjects: 0, flushedRefs: 0 };

/**
 * Sends requests in one session. It is opened before the first of them is sent, once for all that come together, so none
 * goes out without it.
 *
 * A session of ours that has expired has flushed its work: a read is sent again in a new one. A write is not, because a
 * repetition could not be told from a new one there; it fails, and the next request opens a new session.
 */
export function joinSession(request: RequestFunction, choice: SessionChoice): InSession {
  const own = !("id" in choice);
  let session: Promise<string> | null = own ? null : Promise.resolve(choice.id);
  const open = async () => {
    const { ttlSeconds, idleExtend } = own ? choice : {};
    const body = {
      ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }),
      ...(idleExtend === undefined ? {} : { idle_extend: idleExtend }),
    };
    const { data, error } = await request("POST /session", { body });
    if (error !== null) throw error;
    return data.session_id;
  };
  const find = () => {
    session ??= open().catch((error: unknown) => {
      session = null; // The next request tries again; this one fails with the reason.
      throw error;
    });
    return session;
  };
  // The typing by endpoint holds outside; here keys and options only pass through.
  const send = request as unknown as Send;
  const sendInside: Send = async (key, options) => {
    const used = find();
    const result = await sendIn(send, used, { key, options });
    if (!own || result.error === null || !isExpired(result.error)) return result;
    if (session === used) session = null;
    return isRead(key, options) ? await sendIn(send, find(), { key, options }) : result;
  };
  return {
    request: sendInside as unknown as RequestFunction,
    async flush() {
      if (session === null) return NOTHING;
      const { data, error } = await request("POST /session/:id/flush", {
        params: { id: await session },
        readOnly: true,
      });
      if (error !== null) throw error;
      return data;
    },
    async close() {
      if (!own || session === null) return;
      const { error } = await request("DELETE /session/:id", { params: { id: await session } });
      // One that has ended by itself has nothing left to close.
      if (error !== null && error.status !== 404) throw error;
      session = null;
    },
  };
}

async function sendIn(
  send: Send,
  session: Promise<string>,
  { key, options }: { readonly key: string; readonly options: Record<string, unknown> },
): Promise<Result<unknown>> {
  let id: string;
  try {
    id = await session;
  } catch (error) {
    // Opening failed, and its answer is this request's.
    const failure = error as ApiError & { readonly status: number };
    return { data: null, error: failure as never, status: failure.status };
  }
  return send(key, { ...options, session: id });
}

function isExpired(error: { readonly data: Readonly<Record<string, unknown>> }): boolean {
  return error.data.reason === "session-expired";
}

function isRead(key: string, { readOnly }: Record<string, unknown>): boolean {
  const method = key.slice(0, key.indexOf(" "));
  return (
    method === "GET" ||
    isRepeatable({ method: "POST", readOnly: readOnly === true, idempotencyKey: undefined })
  );
}
