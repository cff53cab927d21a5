import { LIMITS } from "../../sdk/contract/limits.ts";
import type { PublicKey, publicKeyEndpoints, RevokedToken } from "../../sdk/contract/public-keys.ts";
import { conflict, invalidField, notFound, RequestError } from "../middleware/request-error.ts";
import type { NewRevocation, PublicKeyRecord, Revocation } from "../ports/access.ts";
import { parsePublicKey } from "../services/access/jose.ts";
import { readScopes } from "../services/access/read-scopes.ts";
import { hashJti } from "../services/access/signed-id.ts";
import { describeToken } from "../services/access/signed-token.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

/** Keys that an org signs tokens with, and tokens that it takes back. */
export const publicKeyHandlers: HandlersFor<typeof publicKeyEndpoints> = {
  async "POST /public-keys"({ body, org, principal }) {
    const parsed = await parsePublicKey(body.key);
    if (parsed.kind === "invalid") throw invalidField("key", parsed.message);
    const key = {
      kid: body.kid ?? parsed.thumbprint,
      name: body.name ?? null,
      alg: parsed.alg,
      jwk: parsed.jwk,
      ceiling: body.scopes === undefined ? null : readScopes(body.scopes),
      maxSeconds: body.max_expires_in ?? LIMITS.signedTokenSecondsMax,
    };
    const created = await org.store.createPublicKey(key, principal?.actor);
    switch (created.kind) {
      case "created":
        return formatKey(created.key);
      case "taken":
        throw conflict("A public key with this kid is registered already", { reason: "kid-taken" });
      case "retired": {
        const message =
          "A public key with this kid was deleted; its tokens have not all run out: use another kid";
        throw conflict(message, { reason: "kid-retired" });
      }
      case "full":
        throw tooMany(`The org has ${created.limit} public keys already`, "public_keys", created.limit);
    }
  },
  async "GET /public-keys"({ org }) {
    return { public_keys: (await org.store.listPublicKeys()).map(formatKey) };
  },
  async "DELETE /public-keys/:kid"({ params, org, principal }) {
    if (!(await org.store.deletePublicKey(params.kid, principal?.actor))) throw notFound("Public key");
    return { deleted: true };
  },
  async "POST /revoked-tokens"(context) {
    const outcome = await context.org.store.revokeSigned(readRevocation(context), context.principal?.actor);
    if (outcome.kind === "full") {
      const message = `${outcome.limit} tokens are revoked already: delete the key, or wait until some have run out`;
      throw tooMany(message, "revoked_tokens", outcome.limit);
    }
    return formatRevocation(outcome.revocation);
  },
  async "GET /revoked-tokens"({ query, org }) {
    const { revoked, total } = await org.store.listRevoked(query.limit);
    return { revoked_tokens: revoked.map(formatRevocation), total };
  },
};

function readRevocation({ body, org, now }: RequestContext<"POST /revoked-tokens">): NewRevocation {
  const latestMs = now() + (LIMITS.signedTokenSecondsMax + LIMITS.signedTokenLeewaySeconds) * 1_000;
  if ("jti" in body) {
    const endsAtMs = body.expires_at === undefined ? latestMs : Date.parse(body.expires_at);
    if (endsAtMs <= now()) throw invalidField("expires_at", "is over: the token has run out");
    return { tokenHash: hashJti(body.jti), jti: body.jti, expiresAtMs: Math.min(endsAtMs, latestMs) };
  }
  const token = describeToken(body.token, org.slug);
  if (!token) throw invalidField("token", "is no token of this org");
  if (token.expiresAtMs <= now()) throw invalidField("token", "has run out");
  return { ...token, expiresAtMs: Math.min(token.expiresAtMs, latestMs) };
}

function tooMany(message: string, quota: string, limit: number): RequestError {
  return new RequestError("QUOTA_EXCEEDED", message, { quota, limit, used: limit });
}

function formatKey(record: PublicKeyRecord): PublicKey {
  return {
    kid: record.kid,
    name: record.name,
    alg: record.alg,
    key: { ...record.jwk },
    scopes:
      record.ceiling &&
      Object.fromEntries(Object.entries(record.ceiling).map(([name, { ops }]) => [name, [...ops]])),
    max_expires_in: record.maxSeconds,
    created_at: new Date(record.createdAtMs).toISOString(),
  };
}

function formatRevocation({ jti, revokedAtMs, expiresAtMs }: Revocation): RevokedToken {
  return {
    jti,
    revoked_at: new Date(revokedAtMs).toISOString(),
    expires_at: new Date(expiresAtMs).toISOString(),
  };
}
