import { createHash } from "node:crypto";
import type { Connection, connectionEndpoints } from "../../sdk/contract/connections.ts";
import { invalidField, notFound, RequestError, unprocessable } from "../middleware/request-error.ts";
import type { ConnectionPatch, ConnectionRecord } from "../ports/connection.ts";
import { storeConnection } from "../services/connections/store-connection.ts";
import { type ConnectionTestDeps, testConnection } from "../services/connections/test-connection.ts";
import type { AddressRules } from "../services/public-address.ts";
import type { SecretSealer } from "../services/seal-secret.ts";
import { connectionContext } from "../services/sync/remote-address.ts";
import type { HandlersFor, RequestContext } from "./router.ts";

export interface ConnectionHandlerDeps extends ConnectionTestDeps {
  /** null: the deployment has no key to seal with. */
  readonly sealer: SecretSealer | null;
  readonly rules: AddressRules;
}

/** Credentials of other git servers. A secret goes in and never comes out. */
export function createConnectionHandlers(
  deps: ConnectionHandlerDeps,
): HandlersFor<typeof connectionEndpoints> {
  return {
    "POST /connections": (context) => postConnection(deps, context),
    async "GET /connections"({ org }) {
      return { connections: (await org.store.listConnections()).map(formatConnection) };
    },
    "PATCH /connections/:id": (context) => patchConnection(deps, context),
    "POST /connections/:id/test": (context) => postTest(deps, context),
    async "DELETE /connections/:id"({ org, params, principal }) {
      if (!(await org.store.deleteConnection(params.id, principal?.actor))) throw notFound("Connection");
      return { deleted: true };
    },
  };
}

async function postConnection(
  deps: ConnectionHandlerDeps,
  context: RequestContext<"POST /connections">,
): Promise<Connection> {
  const { body, org, principal } = context;
  const created = await storeConnection(
    {
      org: org.store,
      orgId: org.id,
      ...(principal && { actor: principal.actor }),
      sealer: readSealer(deps.sealer),
      rules: deps.rules,
    },
    {
      provider: body.provider,
      label: body.label,
      secret: body.access_token,
      username: body.username ?? null,
      baseUrl: body.base_url ?? null,
    },
    readIdempotency(context),
  );
  switch (created.kind) {
    case "created":
      return formatConnection(created.connection);
    case "full":
      throw new RequestError("QUOTA_EXCEEDED", `The org has ${created.limit} connections already`, {
        limit: created.limit,
      });
    case "idempotency-mismatch":
      throw unprocessable("This Idempotency-Key was used for another request");
  }
}

async function patchConnection(
  deps: ConnectionHandlerDeps,
  { body, org, params, principal }: RequestContext<"PATCH /connections/:id">,
): Promise<{ updated: true }> {
  const patch: ConnectionPatch = {
    ...(body.label !== undefined && { label: body.label }),
    ...(body.username !== undefined && { username: body.username }),
    ...(body.access_token !== undefined && {
      sealed: await readSealer(deps.sealer).seal(body.access_token, connectionContext(org.id, params.id)),
      // Of the token before.
      externalUsername: null,
    }),
  };
  if (!(await org.store.updateConnection(params.id, patch, principal?.actor))) throw notFound("Connection");
  return { updated: true };
}

async function postTest(
  deps: ConnectionHandlerDeps,
  { body, org, params }: RequestContext<"POST /connections/:id/test">,
): Promise<{ valid: boolean; username?: string | null; error?: string }> {
  const connection = await org.store.findConnection(params.id);
  if (!connection) throw notFound("Connection");
  const remote = body.remote ?? null;
  if (connection.provider === "git" && remote === null) {
    throw invalidField("remote", "is required: only GitHub and GitLab can say whose token it is");
  }
  const opened = await readSealer(deps.sealer).open(
    connection.sealed,
    connectionContext(org.id, connection.id),
  );
  if (opened.kind !== "opened") {
    return {
      valid: false,
      error: "the stored credential cannot be opened with this deployment's SECRETS_KEY; store it anew",
    };
  }
  const verdict = await testConnection(deps, connection, { secret: opened.plain, remote });
  if (verdict.kind === "invalid") return { valid: false, error: verdict.error };
  if (verdict.username !== connection.externalUsername) {
    await org.store.updateConnection(connection.id, { externalUsername: verdict.username });
  }
  return { valid: true, username: verdict.username };
}

/** @throws RequestError UNPROCESSABLE that tells the operator what to do */
export function readSealer(sealer: SecretSealer | null): SecretSealer {
  if (sealer) return sealer;
  throw unprocessable("This deployment cannot keep secrets: its operator has to set the secret SECRETS_KEY", {
    reason: "no-secrets-key",
  });
}

/** Of everything but the secret: a digest of a password could be guessed from. */
function readIdempotency({ body, idempotencyKey, principal }: RequestContext<"POST /connections">) {
  if (idempotencyKey === null) return undefined;
  const { access_token: _, ...rest } = body;
  const fingerprint = createHash("sha256").update(JSON.stringify(rest)).digest("hex");
  return { scope: principal?.actor ?? "anonymous", key: idempotencyKey, fingerprint };
}

function formatConnection(record: ConnectionRecord): Connection {
  return {
    id: record.id,
    provider: record.provider,
    label: record.label,
    base_url: record.baseUrl,
    username: record.username,
    external_username: record.externalUsername,
    last_synced_at: record.lastSyncedAtMs === null ? null : new Date(record.lastSyncedAtMs).toISOString(),
    created_at: new Date(record.createdAtMs).toISOString(),
    updated_at: new Date(record.updatedAtMs).toISOString(),
  };
}
