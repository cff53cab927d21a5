import { GitError } from "../../git/errors.ts";
import type { ConnectionStore } from "../../ports/connection.ts";
import type { SyncDirection, SyncSpec, SyncTriggers } from "../../ports/sync.ts";
import { type AddressRules, findAddressFault } from "../public-address.ts";
import { resolveConnected, resolvePublic } from "./remote-address.ts";

/** What a caller says of a link or run; what is absent is as it was, or as it is by default. */
export interface LinkRequest {
  readonly connectionId?: string | null;
  readonly remote?: string;
  readonly direction?: SyncDirection;
  readonly branch?: string;
  readonly branches?: readonly string[];
  readonly tags?: boolean;
  readonly force?: boolean;
  readonly prune?: boolean;
  readonly atomic?: boolean;
  readonly autoSync?: boolean;
  readonly on?: readonly ("push" | "webhook")[];
  readonly intervalSec?: number | null;
}

export interface PlanDeps {
  readonly org: Pick<ConnectionStore, "findConnection">;
  readonly rules: AddressRules;
}

/** A spec, or that there is no such connection. @throws GitError invalid-path, invalid-revision with the field */
export async function planSpec(
  deps: PlanDeps,
  request: LinkRequest,
  before: SyncSpec | null,
): Promise<SyncSpec | { readonly kind: "no-connection" }> {
  const place = await planPlace(deps, request, before);
  if ("kind" in place) return place;
  const direction = request.direction ?? before?.direction ?? "import";
  const branches = planBranches(request, before);
  const force = request.force ?? before?.force ?? false;
  if (force && direction === "both") {
    throw badField("force", "cannot be used with both directions: nobody could say which side is right");
  }
  const narrowed = request.branch !== undefined || request.branches !== undefined;
  return {
    ...place,
    direction,
    branches,
    tags: request.tags ?? (narrowed ? branches === null : (before?.tags ?? branches === null)),
    force,
    prune: request.prune ?? before?.prune ?? false,
    atomic: request.atomic ?? before?.atomic ?? false,
  };
}

type Place = Pick<SyncSpec, "provider" | "connectionId" | "remote" | "url">;

async function planPlace(
  { org, rules }: PlanDeps,
  request: LinkRequest,
  before: SyncSpec | null,
): Promise<Place | { readonly kind: "no-connection" }> {
  const remote = request.remote ?? before?.remote;
  if (remote === undefined) throw badField("remote", "is required");
  const connectionId = request.connectionId ?? before?.connectionId ?? null;
  if (connectionId === null) {
    const fault = findAddressFault(remote, rules);
    if (fault !== null) throw badField("remote", fault);
    return { connectionId, remote, ...resolvePublic(remote) };
  }
  const connection = await org.findConnection(connectionId);
  if (!connection) return { kind: "no-connection" };
  return { connectionId, remote, provider: connection.provider, url: resolveConnected(connection, remote) };
}

function planBranches({ branch, branches }: LinkRequest, before: SyncSpec | null): readonly string[] | null {
  if (branch !== undefined && branches !== undefined)
    throw badField("branch", "cannot be given beside branches");
  if (branch !== undefined) return [branch];
  return branches ?? before?.branches ?? null;
}

/** When a link runs by itself. @throws GitError invalid-revision for a trigger that its direction cannot have */
export function planTriggers(
  request: LinkRequest,
  direction: SyncDirection,
  before: SyncTriggers | null,
): SyncTriggers {
  const imports = direction !== "export";
  const exports = direction !== "import";
  const intervalSec = request.intervalSec === undefined ? (before?.intervalSec ?? null) : request.intervalSec;
  if (request.on !== undefined) {
    if (request.on.includes("push") && !exports) throw badField("on", "push needs a link that exports");
    if (request.on.includes("webhook") && !imports) throw badField("on", "webhook needs a link that imports");
    return { push: request.on.includes("push"), webhook: request.on.includes("webhook"), intervalSec };
  }
  if (request.autoSync !== undefined) {
    return { push: request.autoSync && exports, webhook: request.autoSync && imports, intervalSec };
  }
  return {
    push: (before?.push ?? false) && exports,
    webhook: (before?.webhook ?? false) && imports,
    intervalSec,
  };
}

function badField(field: string, message: string): GitError {
  return new GitError("invalid-revision", message, { field });
}
