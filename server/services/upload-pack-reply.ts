import { GitError } from "../git/errors.ts";
import { streamPack } from "../git/pack/write-pack.ts";
import { FLUSH_PKT } from "../git/protocol/pkt-line.ts";
import { encodeSideband } from "../git/protocol/sideband.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { type PlannedPack, planClosure } from "./upload-pack-closure.ts";
import { readPackEntries } from "./upload-pack-entries.ts";
import { type FetchScope, selectObjects } from "./upload-pack-objects.ts";

export interface PackReplyOptions {
  /** Longest side-band line; null = the pack goes bare, without progress and without a way to tell of an error. */
  readonly sidebandBytes: number | null;
  /** Hears of failures that the client only learns of as "internal error". */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The pack of a reply and the flush after it. What fails from here on is told in band 3: the reply has begun.
 */
export async function* streamPackReply(
  repo: RepoHandle,
  scope: FetchScope,
  options: PackReplyOptions,
): AsyncGenerator<Uint8Array> {
  const { sidebandBytes } = options;
  if (sidebandBytes === null) {
    yield* (await planPack(repo, scope)).bytes;
    return;
  }
  const say = (text: string) => encodeSideband(2, text, sidebandBytes);
  const progress = !scope.request.noProgress;
  try {
    // Sent before the walk: a client that waits in silence gives up, and so do proxies.
    if (progress) yield say("Enumerating objects...\r");
    const { objects, bytes } = await planPack(repo, scope);
    if (progress) yield say(`Enumerating objects: ${objects}, done.\n`);
    for await (const chunk of bytes) yield encodeSideband(1, chunk, sidebandBytes);
    if (progress) yield say(`Total ${objects} objects sent.\n`);
    yield FLUSH_PKT;
  } catch (error) {
    const known = error instanceof GitError;
    if (!known || error.code !== "limit-exceeded") options.onFailure(error);
    yield encodeSideband(3, `upload-pack: ${known ? error.message : "internal error"}\n`, sidebandBytes);
  }
}

async function planPack(repo: RepoHandle, scope: FetchScope): Promise<PlannedPack> {
  const closure = await planClosure(repo, scope);
  if (closure) return closure;
  const selection = await selectObjects(repo.objects, scope);
  const objects = selection.list.length;
  const { ofsDelta } = scope.request;
  return {
    objects,
    bytes: streamPack(readPackEntries(repo.objects, selection), { count: objects, ofsDelta }),
  };
}
