import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { streamPack } from "../../git/pack/write-pack.ts";
import { createPktReader } from "../../git/protocol/pkt-reader.ts";
import {
  choosePushTerms,
  encodePushCommands,
  type PushTerms,
  type RemoteMove,
  type RemoteReport,
  readPushReport,
} from "../../git/protocol/remote-push.ts";
import { type Discovery, readDiscovery } from "../../git/protocol/remote-refs.ts";
import { isAncestor } from "../../git/walk/merge-base.ts";
import type { RefOutcome, SyncedRef } from "../../ports/sync.ts";
import { readPackEntries } from "../upload-pack-entries.ts";
import { selectObjects } from "../upload-pack-objects.ts";
import { readFetchRefs } from "../upload-pack-wants.ts";
import { isTag, selectRefs } from "./select-refs.ts";
import { acceptBody, countBytes, type PassReport, type SyncContext } from "./sync-context.ts";

const RECEIVE = "git-receive-pack";
/** Refs of one push: what a server takes, ours too. */
const MAX_MOVES = 50_000;
/** A push up to this size is sent as one body, as git does (http.postBuffer). */
const WHOLE_BYTES = 1024 * 1024;

interface Candidate {
  readonly name: string;
  readonly ours: Oid | null;
  readonly theirs: Oid | null;
}

/** Send it; `overwrites`: commits of the remote go out of its ref. */
interface Go {
  readonly kind: "send";
  readonly overwrites: boolean;
}

interface Judged {
  readonly refs: SyncedRef[];
  readonly settled: Map<string, Oid | null>;
  readonly moves: Candidate[];
  readonly overwritten: Set<string>;
}

type Advertised = Extract<Discovery, { kind: "refs" }>;

/**
 * Sends this repository's refs to the remote, with what it lacks behind them. Ancestry is checked here and each command
 * names what the ref must be there now, so nothing is overwritten unless the link says force, and then only what was seen.
 * @throws RemoteError; GitError protocol, limit-exceeded, interrupted
 */
export async function exportRefs(context: SyncContext): Promise<PassReport> {
  const { repo, remote, spec } = context;
  const discovery = await readDiscovery(createPktReader(acceptBody(await remote.discover(RECEIVE))), RECEIVE);
  if (discovery.kind !== "refs") throw new GitError("protocol", "the remote offers no push");
  const ours = selectRefs((await readFetchRefs(repo)).refs, spec);
  const judged = await judge(context, ours, selectRefs(discovery.refs, spec));
  const meter = { bytes: 0 };
  const sent =
    judged.moves.length === 0 ? null : await send(context, discovery, { moves: judged.moves, meter });
  for (const move of judged.moves) {
    const verdict = readVerdict(move, sent?.report ?? null, judged.overwritten);
    if (verdict.outcome !== "rejected") judged.settled.set(move.name, move.ours);
    judged.refs.push(verdict);
  }
  const { refs, settled } = judged;
  return { refs, settled, objects: sent?.objects ?? 0, bytes: meter.bytes, head: discovery.head };
}

async function judge(
  context: SyncContext,
  ours: ReadonlyMap<string, Oid>,
  theirs: ReadonlyMap<string, Oid>,
): Promise<Judged> {
  const judged: Judged = { refs: [], settled: new Map(), moves: [], overwritten: new Set() };
  for (const [name, oid] of ours) {
    const candidate = { name, ours: oid, theirs: theirs.get(name) ?? null };
    if (candidate.theirs === oid) judged.settled.set(name, oid);
    await place(context, judged, candidate);
  }
  for (const [name, oid] of theirs) {
    if (!ours.has(name) && context.synced.has(name))
      await place(context, judged, { name, ours: null, theirs: oid });
  }
  if (judged.moves.length > MAX_MOVES) {
    throw new GitError("limit-exceeded", `more than ${MAX_MOVES} refs to send at once`, { limit: MAX_MOVES });
  }
  return judged;
}

async function place(context: SyncContext, judged: Judged, candidate: Candidate): Promise<void> {
  const judgement = await judgeRef(context, candidate);
  if (!("kind" in judgement)) {
    judged.refs.push(describe(candidate, ...judgement));
    return;
  }
  judged.moves.push(candidate);
  if (judgement.overwrites) judged.overwritten.add(candidate.name);
}

const SEND: Go = { kind: "send", overwrites: false };
const OVERWRITE: Go = { kind: "send", overwrites: true };

/** What to do with a ref: send it, or its outcome and why. */
async function judgeRef(
  { repo, spec, synced }: SyncContext,
  { name, ours, theirs }: Candidate,
): Promise<readonly [RefOutcome, string | null] | Go> {
  if (ours === theirs) return ["up-to-date", null];
  if (ours === null) {
    if (synced.get(name) !== theirs) return ["kept", "deleted here, and changed at the remote since"];
    return spec.prune ? SEND : ["kept", "deleted here; set prune to delete it at the remote"];
  }
  if (theirs === null) {
    const deletedThere = spec.direction === "both" && synced.get(name) === ours;
    return deletedThere ? ["kept", "deleted by the remote"] : SEND;
  }
  const { found } = isTag(name) ? { found: new Map() } : await repo.objects.readHeaders([theirs]);
  const isKnown = found.get(theirs)?.type === "commit";
  if (isKnown && (await isAncestor(repo.objects, theirs, ours))) return SEND;
  if (spec.force) return OVERWRITE;
  if (isTag(name)) {
    return ["diverged", "the tag exists at the remote with another object; set force to replace it"];
  }
  if (!isKnown) return ["diverged", "the remote has commits that are not here; import them first"];
  if (await isAncestor(repo.objects, ours, theirs)) {
    return ["ahead", "the remote has commits that are not on this branch"];
  }
  return ["diverged", "both sides have commits that the other lacks; set force to replace the remote's"];
}

interface Sent {
  readonly report: RemoteReport;
  readonly objects: number;
}

async function send(
  context: SyncContext,
  offered: Advertised,
  { moves, meter }: { readonly moves: readonly Candidate[]; readonly meter: { bytes: number } },
): Promise<Sent> {
  const terms = choosePushTerms(offered.capabilities, context.spec.atomic);
  const commands = encodePushCommands(moves.map(toRemoteMove), terms);
  const pack = await choosePack(context, offered, moves);
  const counted = countBytes(pack.chunks, meter, context.maxPackBytes);
  const body = await joinBody(commands, counted);
  const reply = acceptBody(await context.remote.post(RECEIVE, body, 0));
  return { report: await readReport(reply, terms), objects: pack.objects };
}

async function readReport(reply: AsyncIterable<Uint8Array>, terms: PushTerms): Promise<RemoteReport> {
  return readPushReport(createPktReader(reply), terms);
}

/** What the new tips reach and no ref of the remote does; nothing at all when refs are only deleted. */
async function choosePack(
  { repo }: SyncContext,
  offered: Advertised,
  moves: readonly Candidate[],
): Promise<{ readonly objects: number; readonly chunks: AsyncIterable<Uint8Array> }> {
  const wants = [...new Set(moves.flatMap(({ ours }) => (ours === null ? [] : [ours])))];
  if (wants.length === 0) return { objects: 0, chunks: nothing() };
  const advertised = [...new Set([...offered.refs.map(({ oid }) => oid), ...offered.alsoHas])];
  const { found } = await repo.objects.readHeaders(advertised);
  const common = [...found.keys()];
  const selection = await selectObjects(repo.objects, {
    request: {
      wants,
      haves: common,
      done: true,
      shallow: [],
      deepen: null,
      filter: null,
      thinPack: !offered.capabilities.has("no-thin"),
      ofsDelta: true,
      includeTag: false,
      noProgress: true,
    },
    common,
    refs: { refs: [], headOid: null },
    shallow: null,
  });
  const count = selection.list.length;
  const chunks = streamPack(readPackEntries(repo.objects, selection), {
    count,
    ofsDelta: offered.capabilities.has("ofs-delta"),
  });
  return { objects: count, chunks };
}

/** A small push whole, so that servers without chunked requests take it; a large one as it is made. */
async function joinBody(
  commands: Uint8Array,
  pack: AsyncIterable<Uint8Array>,
): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
  const iterator = pack[Symbol.asyncIterator]();
  const held: Uint8Array[] = [commands];
  let bytes = commands.length;
  for (;;) {
    const next = await iterator.next();
    if (next.done) return Buffer.concat(held);
    held.push(next.value);
    bytes += next.value.length;
    if (bytes > WHOLE_BYTES) return continueBody(held, iterator);
  }
}

async function* continueBody(
  held: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* held;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A push that only deletes has no pack.
}

function toRemoteMove({ name, ours, theirs }: Candidate): RemoteMove {
  return { name, previous: theirs, next: ours };
}

function readVerdict(
  move: Candidate,
  report: RemoteReport | null,
  overwritten: ReadonlySet<string>,
): SyncedRef {
  const error = report?.unpackError ?? report?.results.get(move.name);
  if (error === undefined) return describe(move, "rejected", "the remote did not say what became of it");
  if (error !== null) return describe(move, "rejected", error);
  if (move.ours === null) return describe(move, "deleted", null);
  if (move.theirs === null) return describe(move, "created", null);
  return describe(move, overwritten.has(move.name) ? "forced" : "updated", null);
}

function describe({ name, ours, theirs }: Candidate, outcome: RefOutcome, message: string | null): SyncedRef {
  return { ref: name, direction: "export", outcome, oldSha: theirs, newSha: ours, message };
}
