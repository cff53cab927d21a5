import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { createPktReader } from "../../git/protocol/pkt-reader.ts";
import {
  encodeV0Fetch,
  encodeV2Fetch,
  type FetchReply,
  readV0Fetch,
  readV2Fetch,
} from "../../git/protocol/remote-fetch.ts";
import {
  type Discovery,
  encodeLsRefs,
  type RemoteRefs,
  readDiscovery,
  readLsRefs,
} from "../../git/protocol/remote-refs.ts";
import { walkHistory } from "../../git/walk/history.ts";
import type { GitRemote } from "../../ports/git-remote.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { peelTags } from "../peel-tags.ts";
import { acceptBody } from "./sync-context.ts";

const UPLOAD = "git-upload-pack";
/** Haves of each round, as git grows its own: what is common is mostly near the tips. */
const ROUNDS = [64, 256, 1_024, 2_048];
/** A server without rounds (v0 without multi_ack) is told so many at once. */
const V0_HAVES = 512;

/** A remote whose refs are known, ready to be fetched from. */
export interface OpenedRemote {
  readonly discovery: Discovery;
  readonly refs: RemoteRefs;
}

/** Lists branches, tags and HEAD. @throws RemoteError; GitError protocol, limit-exceeded, interrupted */
export async function listRemote(remote: GitRemote): Promise<OpenedRemote> {
  const discovery = await readDiscovery(createPktReader(acceptBody(await remote.discover(UPLOAD))), UPLOAD);
  if (discovery.kind === "refs") return { discovery, refs: discovery };
  const request = encodeLsRefs(["refs/heads/", "refs/tags/"]);
  const reply = await remote.post(UPLOAD, request, 2);
  return { discovery, refs: await readLsRefs(createPktReader(acceptBody(reply))) };
}

/**
 * The pack with what `wants` reach and this repository lacks, as it comes. What both sides have is found out first, in
 * rounds over `seen` (where refs were when both sides were the same), the tips and the history behind them.
 * @throws RemoteError; GitError protocol, interrupted
 */
export async function fetchPack(
  {
    repo,
    remote,
    opened,
  }: { readonly repo: RepoHandle; readonly remote: GitRemote; readonly opened: OpenedRemote },
  wants: readonly Oid[],
  tips: { readonly seen: readonly Oid[]; readonly ours: readonly Oid[] },
): Promise<AsyncIterable<Uint8Array>> {
  const haves = listHaves(repo, tips);
  if (opened.discovery.kind === "refs") {
    const round = { wants, haves: await take(haves, V0_HAVES), done: true };
    const request = encodeV0Fetch(round, opened.discovery.capabilities);
    const reader = createPktReader(acceptBody(await remote.post(UPLOAD, request, 0)));
    return readV0Fetch(reader, opened.discovery.capabilities);
  }
  const common = new Set<Oid>();
  for (const size of ROUNDS) {
    const asked = await take(haves, size);
    if (asked.length === 0) break;
    const reply = await ask(remote, { wants, haves: [...common, ...asked], done: false });
    if (reply.kind === "pack") return reply.bytes;
    for (const oid of reply.common) common.add(oid);
    if (common.size > 0 && size >= 256) break;
  }
  await haves.return();
  const reply = await ask(remote, { wants, haves: [...common], done: true });
  if (reply.kind === "pack") return reply.bytes;
  throw new GitError("protocol", "the remote sent no pack");
}

async function ask(remote: GitRemote, round: Parameters<typeof encodeV2Fetch>[0]): Promise<FetchReply> {
  return readV2Fetch(createPktReader(acceptBody(await remote.post(UPLOAD, encodeV2Fetch(round), 2))));
}

async function* listHaves(
  { objects }: RepoHandle,
  { seen, ours }: { readonly seen: readonly Oid[]; readonly ours: readonly Oid[] },
): AsyncGenerator<Oid, void, undefined> {
  const given = new Set<Oid>();
  // Refs of a pruned link may name what is no longer here.
  const { found } = await objects.readHeaders([...new Set([...seen, ...ours])]);
  for (const oid of found.keys()) {
    given.add(oid);
    yield oid;
  }
  const commits = [...(await peelTags(objects, ours)).values()].filter(({ type }) => type === "commit");
  for await (const { oid } of walkHistory(objects, {
    from: [...new Set(commits.map((peeled) => peeled.oid))],
  })) {
    if (!given.has(oid)) yield oid;
  }
}

async function take<T>(source: AsyncGenerator<T, void, undefined>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) {
    const next = await source.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}
