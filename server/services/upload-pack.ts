import { concatBytes } from "../git/bytes/bytes.ts";
import type { ByteString } from "../git/bytes/text.ts";
import type { Oid } from "../git/hash/oid.ts";
import { parseLsRefsRequest } from "../git/protocol/ls-refs.ts";
import { encodeObjectInfo, parseObjectInfoRequest } from "../git/protocol/object-info.ts";
import { DELIM_PKT, encodePkt, FLUSH_PKT, type Pkt } from "../git/protocol/pkt-line.ts";
import { SIDEBAND_64K_BYTES } from "../git/protocol/sideband.ts";
import type { UploadRequest } from "../git/protocol/upload-request.ts";
import { negotiateV0 } from "../git/protocol/v0-negotiation.ts";
import { decodeV0UploadRequest, type V0UploadRequest } from "../git/protocol/v0-upload.ts";
import {
  encodeAcknowledgments,
  encodeShallowLines,
  parseV2FetchRequest,
  type V2FetchRequest,
} from "../git/protocol/v2-fetch.ts";
import { decodeV2Request } from "../git/protocol/v2-request.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { listRefsV2 } from "./advertise-refs.ts";
import { findCommon, isNegotiationDone } from "./upload-pack-negotiation.ts";
import type { FetchScope } from "./upload-pack-objects.ts";
import { type PackReplyOptions, streamPackReply } from "./upload-pack-reply.ts";
import { planShallow } from "./upload-pack-shallow.ts";
import { checkWants, type FetchRefs, readFetchRefs } from "./upload-pack-wants.ts";

export type UploadPackOptions = Pick<PackReplyOptions, "onFailure">;

/**
 * The reply to one `POST …/git-upload-pack`. Everything that can be refused is refused before the first chunk.
 * @throws GitError protocol, missing-object, limit-exceeded: send them as an ERR line
 */
export async function* uploadPack(
  repo: RepoHandle,
  request: { readonly version: 0 | 1 | 2; readonly pkts: readonly Pkt[] },
  options: UploadPackOptions,
): AsyncGenerator<Uint8Array> {
  if (request.version === 2) yield* runV2Command(repo, request.pkts, options);
  else {
    const wanted = decodeV0UploadRequest(request.pkts);
    if (wanted) yield* fetchV0(repo, wanted, options);
  }
}

async function* runV2Command(
  repo: RepoHandle,
  pkts: readonly Pkt[],
  options: UploadPackOptions,
): AsyncGenerator<Uint8Array> {
  const request = decodeV2Request(pkts);
  if (!request) return;
  if (request.command === "ls-refs") yield* listRefsV2(repo, parseLsRefsRequest(request.args));
  else if (request.command === "object-info") yield await describeObjects(repo, request.args);
  else yield* fetchV2(repo, parseV2FetchRequest(request.args), options);
}

async function* fetchV2(
  repo: RepoHandle,
  request: V2FetchRequest,
  options: UploadPackOptions,
): AsyncGenerator<Uint8Array> {
  if (request.wants.length === 0) {
    // `git fetch --negotiate-only` wants nothing but to know what is common.
    await repo.snapshot();
    if (request.haves.length === 0) return;
    yield encodeAcknowledgments(await findCommon(repo.objects, request.haves), false);
    yield FLUSH_PKT;
    return;
  }
  const { refs, common } = await openFetch(repo, request);
  const negotiates = request.haves.length > 0 && !request.done;
  if (
    negotiates &&
    (request.waitForDone || !(await isNegotiationDone(repo.objects, request.wants, common)))
  ) {
    yield encodeAcknowledgments(common, false);
    yield FLUSH_PKT;
    return;
  }
  const shallow = await planShallow(repo.objects, request, refs);
  if (negotiates) {
    yield encodeAcknowledgments(common, true);
    yield DELIM_PKT;
  }
  if (shallow) {
    yield encodePkt("shallow-info\n");
    yield encodeShallowLines(shallow.shallow, shallow.unshallow);
    yield DELIM_PKT;
  }
  yield encodePkt("packfile\n");
  const scope: FetchScope = { request, common, refs, shallow };
  yield* streamPackReply(repo, scope, { ...options, sidebandBytes: SIDEBAND_64K_BYTES });
}

async function* fetchV0(
  repo: RepoHandle,
  request: V0UploadRequest,
  options: UploadPackOptions,
): AsyncGenerator<Uint8Array> {
  const { refs, common } = await openFetch(repo, request);
  const shallow = await planShallow(repo.objects, request, refs);
  const { multiAck, noDone, events } = request;
  const asks = multiAck !== "none" && !request.done;
  const ready = asks && (await isNegotiationDone(repo.objects, request.wants, common));
  if (shallow && request.deepen) {
    yield encodeShallowLines(shallow.shallow, shallow.unshallow);
    yield FLUSH_PKT;
  }
  const { lines, sendPack } = negotiateV0({ events, multiAck, noDone, known: new Set(common), ready });
  yield concatBytes(lines.map(encodePkt));
  if (!sendPack) return;
  const scope: FetchScope = { request, common, refs, shallow };
  yield* streamPackReply(repo, scope, { ...options, sidebandBytes: request.sidebandBytes });
}

/** What decides about a fetch: the refs, that they lead to the wants, and what both sides have. */
async function openFetch(
  repo: RepoHandle,
  request: UploadRequest,
): Promise<{ readonly refs: FetchRefs; readonly common: readonly Oid[] }> {
  const refs = await readFetchRefs(repo);
  await checkWants(repo.objects, request.wants, refs);
  return { refs, common: await findCommon(repo.objects, request.haves) };
}

async function describeObjects(repo: RepoHandle, args: readonly ByteString[]): Promise<Uint8Array> {
  const request = parseObjectInfoRequest(args);
  await repo.snapshot();
  const { found } = await repo.objects.readHeaders(request.oids);
  const sizes = new Map<Oid, number | null>(request.oids.map((oid) => [oid, found.get(oid)?.size ?? null]));
  return encodeObjectInfo(request, sizes);
}
