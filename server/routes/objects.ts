import type { objectEndpoints } from "../../sdk/contract/objects.ts";
import { isOid } from "../git/hash/oid.ts";
import { invalidField, notFound, RequestError } from "../middleware/request-error.ts";
import { encodeChunks } from "../services/files/encode-content.ts";
import { readObject, readRevision } from "../services/objects/read-object.ts";
import { matchesEtag } from "./conditional.ts";
import { cacheControl, streamReply } from "./read-replies.ts";
import { json, notModified } from "./reply.ts";
import type { Handler, HandlersFor } from "./router.ts";

const getRevision: Handler<"GET /repos/:repo/rev-parse"> = async ({ repo, query }) => {
  const revision = await readRevision(repo, query.ref);
  if (!revision) throw notFound(`Revision ${query.ref.slice(0, 200)}`);
  return revision;
};

const getObject: Handler<"GET /repos/:repo/objects/:sha"> = async ({ repo, params, request }) => {
  const oid = params.sha;
  if (!isOid(oid)) throw invalidField("sha", "40 lower-case hex digits");
  const read = await readObject(repo, oid);
  if (read.kind === "missing") throw notFound(`Object ${oid}`);
  if (read.kind === "too-large") {
    const { size, limit } = read;
    const message = `Object ${oid} has ${size} bytes, at most ${limit} are sent`;
    throw new RequestError("PAYLOAD_TOO_LARGE", message, { sha: oid, size, limit });
  }
  const headers = { "cache-control": cacheControl(repo, true), etag: `"${oid}"` };
  if (matchesEtag(request.headers.get("if-none-match"), headers.etag)) return notModified(headers);
  if (read.kind === "value") return json(read.reply, { headers });
  return streamReply(request, () => encodeChunks(read.parts), {
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    length: null,
  });
};

/** Revisions and objects, as git sees them. */
export const objectHandlers: HandlersFor<typeof objectEndpoints> = {
  "GET /repos/:repo/rev-parse": getRevision,
  "GET /repos/:repo/objects/:sha": getObject,
};
