import { concatBytes } from "../git/bytes/bytes.ts";
import { GitError } from "../git/errors.ts";
import { parseProtocolVersion } from "../git/protocol/capabilities.ts";
import { decodePkts, encodeErrorPkt } from "../git/protocol/pkt-line.ts";
import type { GitService } from "../git/protocol/ref-advertisement.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { advertiseRefs } from "./advertise-refs.ts";
import { type ReceivePackDeps, receivePack } from "./receive-pack.ts";
import { type UploadPackOptions, uploadPack } from "./upload-pack.ts";

export type { GitService } from "../git/protocol/ref-advertisement.ts";

/** What an exchange of the git protocol ends in. A reply has begun: its first chunk is made. */
export type GitReply =
  | { readonly kind: "reply"; readonly chunks: AsyncGenerator<Uint8Array> }
  /** The body was not of the protocol at all. */
  | { readonly kind: "refused"; readonly reason: "malformed" | "too-large"; readonly message: string };

/** @param protocol the `Git-Protocol` header */
export async function answerDiscovery(
  repo: RepoHandle,
  service: GitService,
  protocol: string | null,
): Promise<GitReply> {
  return beginReply(advertiseRefs(repo, service, parseProtocolVersion(protocol)), () => undefined);
}

/** @throws what is nobody's fault but the server's */
export async function answerFetch(
  repo: RepoHandle,
  request: { readonly protocol: string | null; readonly body: AsyncIterable<Uint8Array> },
  options: UploadPackOptions,
): Promise<GitReply> {
  try {
    const parts: Uint8Array[] = [new Uint8Array(0)];
    for await (const part of request.body) parts.push(part);
    const pkts = decodePkts(concatBytes(parts));
    const version = parseProtocolVersion(request.protocol);
    return await beginReply(uploadPack(repo, { version, pkts }, options), options.onFailure);
  } catch (error) {
    return refuse(error);
  }
}

/** @throws what is nobody's fault but the server's */
export async function answerPush(deps: ReceivePackDeps, body: AsyncIterable<Uint8Array>): Promise<GitReply> {
  const chunks = receivePack(deps, body);
  try {
    return { kind: "reply", chunks: prepend(await chunks.next(), chunks) };
  } catch (error) {
    return refuse(error);
  }
}

/**
 * What is refused before the first chunk becomes an `ERR` line, which git prints as "remote error". That is a reply
 * with status 200, as from git itself: of any other status git shows nothing but the number.
 */
async function beginReply(
  chunks: AsyncGenerator<Uint8Array>,
  onFailure: (error: unknown) => void,
): Promise<GitReply> {
  try {
    return { kind: "reply", chunks: prepend(await chunks.next(), chunks) };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    // Stored objects do not become corrupt by what a client asks.
    if (error.code === "corrupt-object" || error.code === "corrupt-pack") onFailure(error);
    return { kind: "reply", chunks: only(encodeErrorPkt(error.message)) };
  }
}

function refuse(error: unknown): GitReply {
  if (!(error instanceof GitError)) throw error;
  const reason = error.code === "limit-exceeded" ? "too-large" : "malformed";
  return { kind: "refused", reason, message: error.message };
}

async function* prepend(
  first: IteratorResult<Uint8Array>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

async function* only(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
