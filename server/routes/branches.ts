import type { branchEndpoints } from "../../sdk/contract/branches.ts";
import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import { conflict, invalidField, notFound, unprocessable } from "../middleware/request-error.ts";
import { createBranch, renameBranch } from "../services/refs/branches.ts";
import { listRefs } from "../services/refs/list-refs.ts";
import { deleteRef, findRef } from "../services/refs/move-ref.ts";
import { actorOf } from "./read-replies.ts";
import { readRefIdempotency } from "./ref-idempotency.ts";
import { nextRefCursor, readRefCursor, refuseMove, replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { Handler, HandlersFor } from "./router.ts";

const postBranch: Handler<"POST /repos/:repo/branches"> = async (context) => {
  const { repo, body } = context;
  if (body.from !== undefined && body.from_sha !== undefined) {
    throw invalidField("from_sha", "from and from_sha exclude each other");
  }
  const from = body.from_sha ?? body.from ?? null;
  const created = await createBranch(
    repo,
    { name: body.name, from, idempotency: readRefIdempotency("branch", context) },
    { actor: actorOf(context), message: `branch: created from ${from ?? "HEAD"}` },
  );
  switch (created.kind) {
    case "moved":
      return json(
        { name: body.name, sha: created.oid },
        { status: 201, headers: replayHeaders(created.replayed) },
      );
    case "empty-repository":
      throw unprocessable("There is no commit yet to start a branch from");
    case "unknown-start":
      throw notFound(`Start ${created.from.slice(0, 200)}`);
    default:
      throw refuseMove(`Branch ${body.name}`, created);
  }
};

const getBranches: Handler<"GET /repos/:repo/branches"> = async ({ repo, query }) => {
  const after = readRefCursor(query.cursor, BRANCH_PREFIX);
  const page = await listRefs(repo, [BRANCH_PREFIX], { limit: query.limit, after });
  return {
    branches: page.refs.map(({ name, oid }) => ({ name: name.slice(BRANCH_PREFIX.length), sha: oid })),
    default_branch: page.defaultBranch,
    total: page.total,
    next_cursor: nextRefCursor(page.next),
  };
};

const getBranch: Handler<"GET /repos/:repo/branches/*name"> = async ({ repo, params }) => {
  const sha = await findRef(repo, BRANCH_PREFIX + params.name);
  if (!sha) throw notFound(`Branch ${params.name}`);
  return { name: params.name, sha };
};

const patchBranch: Handler<"PATCH /repos/:repo/branches/*name"> = async (context) => {
  const { repo, params, body, org } = context;
  const from = params.name;
  const to = body.new_name;
  const reason = { actor: actorOf(context), message: `branch: renamed ${from} to ${to}` };
  const renamed = await renameBranch(repo, { from, to }, reason);
  switch (renamed.kind) {
    case "renamed":
      // HEAD has moved in the repository, which is what counts; the directory shows it too.
      if (renamed.wasDefault) await org.store.updateRepo(repo.record.id, { defaultBranch: to });
      return { name: to, sha: renamed.oid };
    case "missing":
      throw notFound(`Branch ${from}`);
    case "same-name":
      throw invalidField("new_name", "is the branch's name already");
    default:
      throw refuseMove(`Branch ${to}`, renamed);
  }
};

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

/** Branches: create, list, get, rename, delete. */
export const branchHandlers: HandlersFor<typeof branchEndpoints> = {
  "POST /repos/:repo/branches": postBranch,
  "GET /repos/:repo/branches": getBranches,
  "GET /repos/:repo/branches/*name": getBranch,
  "PATCH /repos/:repo/branches/*name": patchBranch,
  "DELETE /repos/:repo/branches/*name": dropBranch,
};
