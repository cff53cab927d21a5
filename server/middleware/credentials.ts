import { HEADERS } from "../../sdk/contract/limits.ts";
import type { Credential } from "../ports/org.ts";
import { findSignedOrg } from "../services/access/signed-token.ts";
import { findKeyOrg, findTokenOrg, hashSecret } from "../services/org-keys.ts";

/** What the headers offer: nothing, something that is no key at all, or a key and the org it names. */
export type OfferedCredential =
  | { readonly kind: "none" }
  | { readonly kind: "malformed" }
  | { readonly kind: "key"; readonly orgId: string; readonly credential: Credential };

const NONE: OfferedCredential = { kind: "none" };
const MALFORMED: OfferedCredential = { kind: "malformed" };

/** `x-api-key`, else `Authorization: Bearer`. */
export function readApiCredential(headers: Headers): OfferedCredential {
  const key = headers.get(HEADERS.apiKey);
  if (key !== null) return offer(key);
  const authorization = headers.get("authorization");
  if (authorization === null) return NONE;
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  return token === undefined ? MALFORMED : offer(token);
}

/** As {@link readApiCredential}, and Basic with any user name and the key as password: how git authenticates. */
export function readGitCredential(headers: Headers): OfferedCredential {
  const authorization = headers.get("authorization");
  const basic = authorization === null ? null : /^Basic +([A-Za-z0-9+/_=-]+) *$/i.exec(authorization);
  if (!basic || headers.has(HEADERS.apiKey)) return readApiCredential(headers);
  const pair = Buffer.from(basic[1] as string, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 0 ? MALFORMED : offer(pair.slice(colon + 1));
}

function offer(secret: string): OfferedCredential {
  const keyOrg = findKeyOrg(secret);
  const orgId = keyOrg ?? findTokenOrg(secret);
  if (orgId === null) return offerSigned(secret);
  const kind = keyOrg === null ? "token" : "key";
  return { kind: "key", orgId, credential: { kind, secretHash: hashSecret(secret) } };
}

function offerSigned(token: string): OfferedCredential {
  const orgId = findSignedOrg(token);
  return orgId === null ? MALFORMED : { kind: "key", orgId, credential: { kind: "signed", token } };
}
