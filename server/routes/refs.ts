import type { refEndpoints } from "../../sdk/contract/refs.ts";
import type { Oid } from "../git/hash/oid.ts";
import { BRANCH_PREFIX, TAG_PREFIX } from "../git/object/ref-name.ts";
import { conflict, notFound } from "../middleware/request-error.ts";
import { BRANCHES_AND_TAGS, listRefs } from "../services/refs/list-refs.ts";
import { deleteRef, findRef, moveRef } from "../services/refs/move-ref.ts";
import { actorOf } from "./read-replies.ts";
import { nextRefCursor, readRefCursor, refuseMove } from "./ref-replies.ts";
import type { Handler, HandlersFor } from "./router.ts";

const getRefs: Handler<"GET /repos/:repo/refs"> = async ({ repo, query }) => {
  const after = readRefCursor(query.cursor, ...BRANCHES_AND_TAGS);
  const page = await listRefs(repo, BRANCHES_AND_TAGS, { limit: query.limit, after });
  const shorten = (prefix: string) =>
    page.refs
      .filter(({ name }) => name.startsWith(prefix))
      .map(({ name, oid }) => ({ name: name.slice(prefix.length), sha: oid }));
  return {
    refs: page.refs.map(({ name, oid }) => ({ ref: name, sha: oid })),
    branches: shorten(BRANCH_PREFIX).map((branch) => ({ ...branch, type: "branch" as const })),
    tags: shorten(TAG_PREFIX).map((tag) => ({ ...tag, type: "tag" as const })),
    default_branch: page.defaultBranch,
    total: page.total,
    next_cursor: nextRefCursor(page.next),
  };
};

const getRef: Handler<"GET /repos/:repo/refs/*ref"> = async ({ repo, params }) => {
  const ref = fullName(params.ref);
  const sha = await findRef(repo, ref);
  if (!sha) throw notFound(`Ref ${ref}`);
  return { ref, sha };
};

const putRef: Handler<"PUT /repos/:repo/refs/*ref"> = async (context) => {
  const { repo, params, body } = context;
  const ref = fullName(params.ref);
  await repo.snapshot();
  // The schema has checked that these are ids.
  const oid = body.sha as Oid;
  const expected = body.expected_sha as Oid | null | undefined;
  const move = await moveRef(
    repo,
    { name: ref, oid, ...(expected === undefined ? {} : { expected }) },
    { actor: actorOf(context), message: `ref: set to ${oid}` },
  );
  if (move.kind !== "moved") throw refuseMove(ref, move);
  return { ref, sha: oid, previous_sha: move.previous };
};

const dropRef: Handler<"DELETE /repos/:repo/refs/*ref"> = async (context) => {
  const { repo, params } = context;
  const ref = fullName(params.ref);
  const deletion = await deleteRef(repo, ref, { actor: actorOf(context), message: "ref: deleted" });
  if (deletion.kind === "default-branch") throw conflict(`${ref} is the default branch`, { ref });
  if (deletion.kind === "missing") throw notFound(`Ref ${ref}`);
  return { deleted: true };
};

/** `heads/main` and `refs/heads/main` are the same; no ref lies in refs/refs/. */
function fullName(text: string): string {
  return text.startsWith("refs/") ? text : `refs/${text}`;
}

/** Refs of any kind, by their full names. */
export const refHandlers: HandlersFor<typeof refEndpoints> = {
  "GET /repos/:repo/refs": getRefs,
  "GET /repos/:repo/refs/*ref": getRef,
  "PUT /repos/:repo/refs/*ref": putRef,
  "DELETE /repos/:repo/refs/*ref": dropRef,
};
