import type { Token, TokenCreate, TokenCreated } from "../contract/tokens.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";
import type { PageQuery } from "./paging.ts";

/** Tokens that may do less than the key that makes them. All calls take the master key. */
export class Tokens {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Makes a token; its secret is in this reply and nowhere else afterwards.
   *
   * @example
   * const { data } = await cg.tokens.create({
   *   name: "agent 7",
   *   scopes: { "repos:my-app": { ops: ["read", "write"], refs: ["agent-7/*"], paths: ["src/**"] } },
   *   expires_in: 3_600,
   * });
   * const agent = createCoregitClient({ apiKey: data?.token });
   */
  create(body: TokenCreate, options: CallOptions = {}): Promise<Result<TokenCreated>> {
    return this.#request("POST /tokens", { ...options, body });
  }

  /**
   * One page of live tokens, oldest first.
   *
   * @example
   * const { data } = await cg.tokens.list();
   */
  list(
    query: PageQuery = {},
    options: CallOptions = {},
  ): Promise<Result<{ tokens: Token[]; next_cursor: string | null }>> {
    return this.#request("GET /tokens", { ...options, query });
  }

  /**
   * Revokes a token: the next request with it is refused.
   *
   * @example
   * await cg.tokens.delete("tok_…");
   */
  delete(id: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /tokens/:id", { ...options, params: { id } });
  }
}
