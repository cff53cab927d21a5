import type { Token, tokenEndpoints } from "../../sdk/contract/tokens.ts";
import { notFound, RequestError } from "../middleware/request-error.ts";
import type { NewToken, TokenLimits, TokenRecord } from "../ports/access.ts";
import { readLimits, readScopes } from "../services/access/read-scopes.ts";
import { createTokenId, createTokenSecret, hashSecret } from "../services/org-keys.ts";
import { formatListCursor, parseListCursor } from "./list-cursor.ts";
import type { HandlersFor } from "./router.ts";

/** Characters of a token that are shown in lists: kind and org, nothing secret. */
const PREFIX_CHARS = 12;

/** Tokens of the caller's org. A secret is in the reply that makes it and nowhere else afterwards. */
export const tokenHandlers: HandlersFor<typeof tokenEndpoints> = {
  async "POST /tokens"({ body, org, now, principal }) {
    const secret = createTokenSecret(org.id);
    const token: NewToken = {
      id: createTokenId(org.id),
      hash: hashSecret(secret),
      name: body.name,
      keyPrefix: secret.slice(0, PREFIX_CHARS),
      scopes: readScopes(body.scopes),
      expiresAtMs: now() + body.expires_in * 1_000,
      limits: readLimits(body.limits),
    };
    const record = await org.store.createToken(token, principal?.actor);
    if (!record)
      throw new RequestError("QUOTA_EXCEEDED", "The org has 1,000 live tokens already", { limit: 1_000 });
    return { ...formatToken(record), token: secret };
  },
  async "GET /tokens"({ query, org }) {
    const after = query.cursor === undefined ? {} : { after: parseListCursor("tokens", query.cursor) };
    const page = await org.store.listTokens({ limit: query.limit, ...after });
    return {
      tokens: page.tokens.map(formatToken),
      next_cursor: page.next === null ? null : formatListCursor("tokens", page.next),
    };
  },
  async "DELETE /tokens/:id"({ params, org, principal }) {
    if (!(await org.store.revokeToken(params.id, principal?.actor))) throw notFound("Token");
    return { deleted: true };
  },
};

function formatToken(record: TokenRecord): Token {
  return {
    id: record.id,
    name: record.name,
    key_prefix: record.keyPrefix,
    scopes: Object.fromEntries(
      Object.entries(record.scopes).map(([name, { ops, refs, paths }]) => [
        name,
        refs === null && paths === null
          ? [...ops]
          : { ops: [...ops], ...(refs && { refs: [...refs] }), ...(paths && { paths: [...paths] }) },
      ]),
    ),
    created_at: new Date(record.createdAtMs).toISOString(),
    expires_at: new Date(record.expiresAtMs).toISOString(),
    limits: formatLimits(record.limits),
  };
}

function formatLimits({ commits, bytes }: TokenLimits): Token["limits"] {
  return { ...(commits !== null && { commits }), ...(bytes !== null && { bytes }) };
}
