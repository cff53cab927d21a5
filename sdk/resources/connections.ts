import type {
  Connection,
  ConnectionCreate,
  ConnectionTest,
  ConnectionUpdate,
} from "../contract/connections.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Credentials of other git servers, for {@link Sync}. All calls take the master key. */
export class Connections {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Stores a credential. The server seals it; no call gives it back.
   *
   * @example
   * const { data } = await cg.connections.create({
   *   provider: "github",
   *   label: "deploy bot",
   *   access_token: process.env.GITHUB_TOKEN ?? "",
   * });
   */
  create(body: ConnectionCreate, options: CallOptions = {}): Promise<Result<Connection>> {
    return this.#request("POST /connections", { ...options, body });
  }

  /**
   * All connections, oldest first.
   *
   * @example
   * const { data } = await cg.connections.list();
   */
  list(options: CallOptions = {}): Promise<Result<{ connections: Connection[] }>> {
    return this.#request("GET /connections", options);
  }

  /**
   * Changes label or credential; what stopped because the old one was refused goes on with its next run.
   *
   * @example
   * await cg.connections.update("conn_…", { access_token: "ghp_…" });
   */
  update(id: string, body: ConnectionUpdate, options: CallOptions = {}): Promise<Result<{ updated: true }>> {
    return this.#request("PATCH /connections/:id", { ...options, params: { id }, body });
  }

  /**
   * Asks the other server whether it takes the credential, for a repository or (GitHub, GitLab) at all.
   *
   * @example
   * const { data } = await cg.connections.test("conn_…", { remote: "acme/site" });
   */
  test(
    id: string,
    body: { readonly remote?: string } = {},
    options: CallOptions = {},
  ): Promise<Result<ConnectionTest>> {
    return this.#request("POST /connections/:id/test", { ...options, params: { id }, body });
  }

  /**
   * Deletes a credential.
   *
   * @example
   * await cg.connections.delete("conn_…");
   */
  delete(id: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /connections/:id", { ...options, params: { id } });
  }
}
