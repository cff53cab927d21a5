import { GitError } from "../../git/errors.ts";
import type { ConnectionCreation, ConnectionStore, Provider } from "../../ports/connection.ts";
import type { Idempotency } from "../../ports/org.ts";
import { randomText } from "../org-keys.ts";
import { type AddressRules, findAddressFault, isAllowedHost } from "../public-address.ts";
import type { SecretSealer } from "../seal-secret.ts";
import { connectionContext, PROVIDER_URLS } from "../sync/remote-address.ts";

export interface ConnectionDeps {
  readonly org: ConnectionStore;
  readonly orgId: string;
  /** For the org's log; absent: the operator. */
  readonly actor?: string;
  readonly sealer: SecretSealer;
  readonly rules: AddressRules;
}

export interface ConnectionRequest {
  readonly provider: Provider;
  readonly label: string;
  readonly secret: string;
  readonly username: string | null;
  /** null: where the provider is. */
  readonly baseUrl: string | null;
}

const ID_CHARS = 20;

/** Seals the secret and stores the connection. @throws GitError invalid-path for a base that must not be called */
export async function storeConnection(
  { org, orgId, actor, sealer, rules }: ConnectionDeps,
  request: ConnectionRequest,
  idempotency?: Idempotency,
): Promise<ConnectionCreation> {
  const id = `conn_${randomText(ID_CHARS)}`;
  const baseUrl = resolveBase(request, rules);
  const sealed = await sealer.seal(request.secret, connectionContext(orgId, id));
  const { provider, label, username } = request;
  return org.createConnection(
    { id, provider, label, username, baseUrl, externalUsername: null, sealed },
    idempotency,
    actor,
  );
}

function resolveBase({ provider, baseUrl }: ConnectionRequest, rules: AddressRules): string {
  if (baseUrl === null) {
    if (provider === "git") throw badBase("is required for this provider");
    return PROVIDER_URLS[provider];
  }
  const fault = findAddressFault(baseUrl, rules);
  if (fault !== null) throw badBase(fault);
  const url = new URL(baseUrl);
  if (url.search !== "" || url.hash !== "") throw badBase("must be a URL without query and fragment");
  // A credential over plain HTTP is everybody's, unless the operator knows the way to the host.
  if (url.protocol !== "https:" && !isAllowedHost(url, rules)) throw badBase("must be an https URL");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

function badBase(message: string): GitError {
  return new GitError("invalid-path", message, { field: "base_url" });
}
