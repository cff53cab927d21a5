import type { PublicKey, PublicKeyCreate, RevokedToken, TokenRevocation } from "../contract/public-keys.ts";
import type { Result } from "../http/reply.ts";
import type { CallOptions, RequestFunction } from "../http/request.ts";

/** Keys that an org signs tokens with, and signed tokens that it takes back. All calls take the master key. */
export class PublicKeys {
  readonly #request: RequestFunction;

  constructor(request: RequestFunction) {
    this.#request = request;
  }

  /**
   * Registers a public key. Who has its private half makes tokens with `mintToken` of `@coregit/sdk/signing`.
   *
   * @example
   * const { data } = await cg.publicKeys.create({ key: pem, kid: "ci-2026" });
   */
  create(body: PublicKeyCreate, options: CallOptions = {}): Promise<Result<PublicKey>> {
    // Registering twice is registering once.
    return this.#request("POST /public-keys", { ...options, body, readOnly: true });
  }

  /**
   * All public keys, oldest first.
   *
   * @example
   * const { data } = await cg.publicKeys.list();
   */
  list(options: CallOptions = {}): Promise<Result<{ public_keys: PublicKey[] }>> {
    return this.#request("GET /public-keys", options);
  }

  /**
   * Deletes a public key: all its tokens, their sessions and watches end at once.
   *
   * @example
   * await cg.publicKeys.delete("ci-2026");
   */
  delete(kid: string, options: CallOptions = {}): Promise<Result<{ deleted: true }>> {
    return this.#request("DELETE /public-keys/:kid", { ...options, params: { kid } });
  }

  /**
   * Ends one signed token at once, by its `jti` or by itself.
   *
   * @example
   * await cg.publicKeys.revokeToken({ jti: "run-4711" });
   */
  revokeToken(revocation: TokenRevocation, options: CallOptions = {}): Promise<Result<RevokedToken>> {
    // Revoking twice is revoking once.
    return this.#request("POST /revoked-tokens", { ...options, body: revocation, readOnly: true });
  }

  /**
   * Revoked tokens that have not run out, the latest first.
   *
   * @example
   * const { data } = await cg.publicKeys.listRevokedTokens();
   */
  listRevokedTokens(
    query: { readonly limit?: number } = {},
    options: CallOptions = {},
  ): Promise<Result<{ revoked_tokens: RevokedToken[]; total: number }>> {
    return this.#request("GET /revoked-tokens", { ...options, query });
  }
}
