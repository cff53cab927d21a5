import type { tagEndpoints } from "../../sdk/contract/tags.ts";
import { TAG_PREFIX } from "../git/object/ref-name.ts";
import { invalidField, invalidFields, notFound, unprocessable } from "../middleware/request-error.ts";
import { listRefs } from "../services/refs/list-refs.ts";
import { deleteRef, findRef } from "../services/refs/move-ref.ts";
import { createTag, describeTags, type NewTag } from "../services/refs/tags.ts";
import { checkIdentity, checkMessage, DEFAULT_IDENTITY } from "./identity.ts";
import { actorOf } from "./read-replies.ts";
import { readRefIdempotency } from "./ref-idempotency.ts";
import { nextRefCursor, readRefCursor, refuseMove, replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { Handler, HandlersFor, RequestContext } from "./router.ts";

const postTag: Handler<"POST /repos/:repo/tags"> = async (context) => {
  const { repo, body } = context;
  const request: NewTag = {
    name: body.name,
    target: body.target ?? null,
    annotation: readAnnotation(context),
    idempotency: readRefIdempotency("tag", context),
  };
  const created = await createTag(repo, request, { actor: actorOf(context), message: "tag: created" });
  switch (created.kind) {
    case "created":
      return json(created.tag, { status: 201, headers: replayHeaders(created.replayed) });
    case "empty-repository":
      throw unprocessable("There is no commit yet to tag");
    case "unknown-target":
      throw notFound(`Target ${created.target.slice(0, 200)}`);
    default:
      throw refuseMove(`Tag ${body.name}`, created);
  }
};

/** @throws RequestError VALIDATION_ERROR */
function readAnnotation({ body, now }: RequestContext<"POST /repos/:repo/tags">): NewTag["annotation"] {
  const { message, tagger } = body;
  if (message === undefined) {
    if (tagger) throw invalidField("tagger", "only an annotated tag has one: give a message too");
    return null;
  }
  const faults = [...checkMessage(message), ...(tagger ? checkIdentity("tagger", tagger) : [])];
  if (faults.length > 0) throw invalidFields(faults);
  return { message, tagger: tagger ?? DEFAULT_IDENTITY, seconds: Math.floor(now() / 1000) };
}

const getTags: Handler<"GET /repos/:repo/tags"> = async ({ repo, query }) => {
  const after = readRefCursor(query.cursor, TAG_PREFIX);
  const page = await listRefs(repo, [TAG_PREFIX], { limit: query.limit, after });
  return {
    tags: await describeTags(repo, page.refs),
    total: page.total,
    next_cursor: nextRefCursor(page.next),
  };
};

const getTag: Handler<"GET /repos/:repo/tags/*name"> = async ({ repo, params }) => {
  const name = TAG_PREFIX + params.name;
  const oid = await findRef(repo, name);
  const [tag] = oid ? await describeTags(repo, [{ name, oid }]) : [];
  if (!tag) throw notFound(`Tag ${params.name}`);
  return tag;
};

const dropTag: Handler<"DELETE /repos/:repo/tags/*name"> = async (context) => {
  const { repo, params } = context;
  const reason = { actor: actorOf(context), message: "tag: deleted" };
  const deletion = await deleteRef(repo, TAG_PREFIX + params.name, reason);
  if (deletion.kind !== "deleted") throw notFound(`Tag ${params.name}`);
  return { deleted: true };
};

/** Tags: create, list, get, delete. */
export const tagHandlers: HandlersFor<typeof tagEndpoints> = {
  "POST /repos/:repo/tags": postTag,
  "GET /repos/:repo/tags": getTags,
  "GET /repos/:repo/tags/*name": getTag,
  "DELETE /repos/:repo/tags/*name": dropTag,
};
