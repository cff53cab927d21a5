import type { Branch, branchEndpoints } from "../../sdk/contract/branches.ts";
import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import { conflict, invalidField, notFound, unprocessable } from "../middleware/request-error.ts";
import {
  type BranchChange,
  type BranchState,
  changeBranch,
  createBranch,
  findBranch,
} from "../services/refs/branches.ts";
import { listRefs } from "../services/refs/list-refs.ts";
import { deleteRef } from "../services/refs/move-ref.ts";
import { actorOf } from "./read-replies.ts";
import { readRefIdempotency } from "./ref-idempotency.ts";
import { nextRefCursor, readRefCursor, refuseMove, replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { Handler, HandlersFor, RequestContext } from "./router.ts";

const postBranch: Handler<"POST /repos/:repo/branches"> = async (context) => {
  const { repo, body } = context;
  if (body.from !== undefined && body.from_sha !== undefined) {
    throw invalidField("from_sha", "from and from_sha exclude each other");
  }
  const from = body.from_sha ?? body.from ?? null;
  const expiresAtMs = readExpiry(context, body.ttl_seconds) ?? null;
  const created = await createBranch(
    repo,
    { name: body.name, from, expiresAtMs, idempotency: readRefIdempotency("branch", context) },
    { actor: actorOf(context), message: `branch: created from ${from ?? "HEAD"}` },
  );
  switch (created.kind) {
    case "moved": {
      const { expires_at_ms: first } = created.detail;
      const state = {
        oid: created.oid,
        expiresAtMs: created.replayed ? (typeof first === "number" ? first : null) : expiresAtMs,
      };
      return json(describeBranch(body.name, state), {
        status: 201,
        headers: replayHeaders(created.replayed),
      });
    }
    case "empty-repository":
      throw unprocessable("There is no commit yet to start a branch from");
    case "unknown-start":
      throw notFound(`Start ${created.from.slice(0, 200)}`);
    default:
      throw refuseMove(`Branch ${body.name}`, created);
  }
};

/** undefined: nothing was said. */
function readExpiry({ now }: { readonly now: () => number }, ttlSeconds: number | undefined) {
  return ttlSeconds === undefined ? undefined : now() + ttlSeconds * 1_000;
}

function describeBranch(name: string, { oid, expiresAtMs }: BranchState): Branch {
  return {
    name,
    sha: oid,
    ...(expiresAtMs !== null && { expires_at: new Date(expiresAtMs).toISOString() }),
  };
}

const getBranches: Handler<"GET /repos/:repo/branches"> = async ({ repo, query }) => {
  const after = readRefCursor(query.cursor, BRANCH_PREFIX);
  const page = await listRefs(repo, [BRANCH_PREFIX], { limit: query.limit, after });
  return {
    branches: page.refs.map(({ name, oid, expiresAtMs = null }) =>
      describeBranch(name.slice(BRANCH_PREFIX.length), { oid, expiresAtMs }),
    ),
    default_branch: page.defaultBranch,
    total: page.total,
    next_cursor: nextRefCursor(page.next),
  };
};

const getBranch: Handler<"GET /repos/:repo/branches/*name"> = async ({ repo, params }) => {
  const branch = await findBranch(repo, params.name);
  if (!branch) throw notFound(`Branch ${params.name}`);
  return describeBranch(params.name, branch);
};

const patchBranch: Handler<"PATCH /repos/:repo/branches/*name"> = async (context) => {
  const { params, body } = context;
  const from = params.name;
  if (body.new_name === from) throw invalidField("new_name", "is the branch's name already");
  const change = {
    from,
    to: body.new_name ?? from,
    expiresAtMs: readExpiry(context, body.ttl_seconds),
  };
  return answerChange(context, change, `branch: renamed ${from} to ${change.to}`);
};

const promoteBranch: Handler<"POST /repos/:repo/branches/*branch/promote"> = async (context) => {
  const { params, body } = context;
  const change = {
    from: params.branch,
    to: body.as ?? params.branch,
    expiresAtMs: null,
    idempotency: readRefIdempotency("promote", context),
  };
  return answerChange(context, change, `branch: promoted ${change.from} to ${change.to}`);
};

async function answerChange(
  context: Pick<RequestContext<"PATCH /repos/:repo/branches/*name">, "repo" | "org" | "principal">,
  change: BranchChange,
  message: string,
): Promise<Response> {
  const { repo, org } = context;
  const { from, to } = change;
  const changed = await changeBranch(repo, change, { actor: actorOf(context), message });
  if (changed.kind === "missing") throw notFound(`Branch ${from}`);
  if (changed.kind !== "changed") throw refuseMove(`Branch ${to}`, changed);
  // HEAD has moved in the repository, which is what counts; the directory shows it too.
  if (changed.wasDefault) await org.store.updateRepo(repo.record.id, { defaultBranch: to });
  return json(describeBranch(to, changed), { headers: replayHeaders(changed.replayed) });
}

const dropBranch: Handler<"DELETE /repos/:repo/branches/*name"> = async (context) => {
  const { repo, params } = context;
  const ref = BRANCH_PREFIX + params.name;
  const deletion = await deleteRef(repo, ref, { actor: actorOf(context), message: "branch: deleted" });
  if (deletion.kind === "default-branch") {
    throw conflict(`${params.name} is the default branch: make another one the default first`, { ref });
  }
  if (deletion.kind === "missing") throw notFound(`Branch ${params.name}`);
  return { deleted: true };
};

/** Branches: create, list, get, rename, promote, delete. */
export const branchHandlers: HandlersFor<typeof branchEndpoints> = {
  "POST /repos/:repo/branches": postBranch,
  "GET /repos/:repo/branches": getBranches,
  "GET /repos/:repo/branches/*name": getBranch,
  "PATCH /repos/:repo/branches/*name": patchBranch,
  "POST /repos/:repo/branches/*branch/promote": promoteBranch,
  "DELETE /repos/:repo/branches/*name": dropBranch,
};
