import type {
  Session,
  SessionClosed,
  SessionFlush,
  SessionOpen,
  SessionStatus,
} from "../contract/sessions.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Sessions: writes that are seen inside at once, and by others when they are flushed. */
export class Sessions {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Opens a session; pass its id as `session` with other calls. It ends by itself after `ttl_seconds` without a request.
   *
   * @example
   * const { data } = await cg.session.open({ ttl_seconds: 600 });
   * await cg.commits.create("my-app", commit, { session: data?.session_id });
   */
  open(body: SessionOpen = {}, options: CallOptions = {}): Promise<Result<Session>> {
    return this.#request("POST /session", { ...options, body });
  }

  /**
   * What a session holds; only for the credential that opened it.
   *
   * @example
   * const { data } = await cg.session.status(id);
   */
  status(id: string, options: CallOptions = {}): Promise<Result<SessionStatus>> {
    return this.#request("GET /session/:id/status", { ...options, params: { id } });
  }

  /**
   * Makes a session's work visible to others; a CONFLICT names what stands against it, and leaves everything as it is.
   *
   * @example
   * const { data, error } = await cg.session.flush(id);
   */
  flush(id: string, options: CallOptions = {}): Promise<Result<SessionFlush>> {
    // Flushing twice is flushing once.
    return this.#request("POST /session/:id/flush", { ...options, params: { id }, readOnly: true });
  }

  /**
   * Flushes a session and ends it.
   *
   * @example
   * await cg.session.close(id);
   */
  close(id: string, options: CallOptions = {}): Promise<Result<SessionClosed>> {
    return this.#request("DELETE /session/:id", { ...options, params: { id } });
  }
}
