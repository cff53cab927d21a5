import { encodeUtf8 } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { buildPack } from "../../git/pack/write-pack.ts";
import type { ObjectReader } from "../../git/ports.ts";
import type { ReceiveRequest } from "../../git/protocol/receive-request.ts";
import { isAncestor } from "../../git/walk/merge-base.ts";
import type { WriteGuard } from "../../ports/access.ts";
import type { RefOutcome, SyncedRef } from "../../ports/sync.ts";
import { applyPush, type PushOutcome } from "../receive-pack.ts";
import { readFetchRefs } from "../upload-pack-wants.ts";
import { fetchPack, listRemote, type OpenedRemote } from "./fetch-pack.ts";
import { isTag, selectRefs } from "./select-refs.ts";
import { countBytes, type PassReport, type SyncContext } from "./sync-context.ts";

/** A ref of the remote that is not what it is here. */
interface Candidate {
  readonly name: string;
  readonly ours: Oid | null;
  readonly theirs: Oid | null;
}

const AHEAD = "has commits that the remote lacks";
const DIVERGED = "both sides have commits that the other lacks; set force to take the remote's";
const TAG_EXISTS = "the tag exists here with another object; set force to take the remote's";
const DELETED_HERE = "deleted here; import it alone to get it back";

/**
 * Brings the remote's refs here: what they reach and is missing comes as one pack, through the same checks as a push, and
 * refs move in the same step. Only new refs and fast-forwards, unless the link says force; never against a move made
 * meanwhile. @throws RemoteError; GitError protocol, corrupt-pack, corrupt-object, limit-exceeded, interrupted
 */
export async function importRefs(context: SyncContext): Promise<PassReport> {
  const { repo, remote, spec } = context;
  const opened = await listRemote(remote);
  const theirs = selectRefs(opened.refs.refs, spec);
  const ours = selectRefs((await readFetchRefs(repo)).refs, spec);
  const judged: SyncedRef[] = [];
  const settled = new Map<string, Oid | null>();
  const moves: Candidate[] = [];
  for (const candidate of listCandidates(context, ours, theirs)) {
    const outcome = await judgeEarly(context, candidate);
    if (outcome === null) moves.push(candidate);
    else judged.push(describe(candidate, outcome.outcome, outcome.message));
  }
  for (const [name, oid] of theirs) {
    if (ours.get(name) !== oid) continue;
    settled.set(name, oid);
    judged.push(describe({ name, ours: oid, theirs: oid }, "up-to-date", null));
  }
  const meter = { bytes: 0 };
  const history = guardHistory(moves, spec.force);
  const outcome =
    moves.length === 0 ? null : await bring(context, { opened, ours, moves, meter, ...history });
  for (const move of moves) {
    const verdict = readVerdict(move, outcome, history.overwritten);
    if (verdict.outcome !== "rejected" && verdict.outcome !== "diverged" && verdict.outcome !== "ahead") {
      settled.set(move.name, move.theirs);
    }
    judged.push(verdict);
  }
  return {
    refs: judged,
    objects: outcome?.objects ?? 0,
    bytes: meter.bytes,
    settled,
    head: opened.refs.head,
  };
}

/** What differs: theirs that are new or elsewhere, and ours that this link once brought and they no longer have. */
function* listCandidates(
  { synced }: SyncContext,
  ours: ReadonlyMap<string, Oid>,
  theirs: ReadonlyMap<string, Oid>,
): Generator<Candidate> {
  for (const [name, oid] of theirs) {
    if (ours.get(name) !== oid) yield { name, ours: ours.get(name) ?? null, theirs: oid };
  }
  for (const [name, oid] of ours)
    if (!theirs.has(name) && synced.has(name)) yield { name, ours: oid, theirs: null };
}

interface Judgement {
  readonly outcome: RefOutcome;
  readonly message: string | null;
}

/** What needs no fetch to be decided; null: it is to be moved, as far as one can tell. */
async function judgeEarly(
  { repo, spec, synced }: SyncContext,
  { name, ours, theirs }: Candidate,
): Promise<Judgement | null> {
  if (theirs === null) {
    // Whoever worked on it since has work that nothing else names.
    if (synced.get(name) !== ours)
      return { outcome: "kept", message: "deleted by the remote, and changed here since" };
    return spec.prune ? null : { outcome: "kept", message: "deleted by the remote; set prune to follow" };
  }
  if (ours === null) {
    if (spec.direction !== "both" || synced.get(name) !== theirs) return null;
    return spec.prune ? null : { outcome: "kept", message: DELETED_HERE };
  }
  if (spec.force || isTag(name)) return null;
  if ((await repo.objects.readHeaders([theirs])).missing.length > 0) return null;
  if (await isAncestorHere(repo.objects, theirs, ours)) return { outcome: "ahead", message: AHEAD };
  return null;
}

interface Bringing {
  readonly opened: OpenedRemote;
  readonly ours: ReadonlyMap<string, Oid>;
  readonly moves: readonly Candidate[];
  readonly meter: { bytes: number };
  readonly guard: WriteGuard;
}

async function bring(
  context: SyncContext,
  { opened, ours, moves, meter, guard }: Bringing,
): Promise<PushOutcome> {
  const { repo, remote, synced } = context;
  const wanted = [...new Set(moves.flatMap(({ theirs }) => (theirs === null ? [] : [theirs])))];
  const { missing } = await repo.objects.readHeaders(wanted);
  const source = createSource();
  const pack =
    missing.length === 0
      ? emptyPack()
      : source.watch(
          await fetchPack({ repo, remote, opened }, missing, {
            seen: [...new Set(synced.values())],
            ours: [...new Set(ours.values())],
          }),
        );
  const outcome = await applyPush(
    {
      repo: { ...repo, guard },
      actor: context.actor,
      now: context.now,
      onFailure: context.onFailure,
      message: `import from ${remote.url}`.slice(0, 500),
    },
    toRequest(moves),
    countBytes(pack, meter, context.maxPackBytes),
  );
  // A remote that broke off is another thing than one that sent a bad pack.
  if (outcome.unpackError !== null) throw source.error ?? outcome.unpackError;
  return outcome;
}

function toRequest(moves: readonly Candidate[]): ReceiveRequest {
  return {
    commands: moves.map(({ name, ours, theirs }) => ({
      rawName: encodeUtf8(name),
      name,
      previous: ours,
      next: theirs,
    })),
    options: [],
    atomic: false,
    quiet: true,
    report: true,
    sideband: false,
    shallow: [],
  };
}

/** Lets only what loses nothing through; asked when the new objects are there to be looked into. */
function guardHistory(
  moves: readonly Candidate[],
  force: boolean,
): { readonly guard: WriteGuard; readonly overwritten: ReadonlySet<string> } {
  const before = new Map(moves.map(({ name, ours }) => [name, ours]));
  const overwritten = new Set<string>();
  const findObjection: WriteGuard["findObjection"] = async ({ name, next }, objects) => {
    const ours = before.get(name) ?? null;
    if (ours === null || next === null) return null;
    if (!isTag(name) && (await isAncestorHere(objects, ours, next))) return null;
    if (force) {
      overwritten.add(name);
      return null;
    }
    if (isTag(name)) return TAG_EXISTS;
    return (await isAncestorHere(objects, next, ours)) ? AHEAD : DIVERGED;
  };
  return { guard: { findObjection }, overwritten };
}

async function isAncestorHere(objects: ObjectReader, maybe: Oid, tip: Oid): Promise<boolean> {
  try {
    return await isAncestor(objects, maybe, tip);
  } catch (error) {
    // An object of that id that is no commit, or a history that was never taken in whole: no ancestor of ours.
    if (error instanceof GitError && /^(missing-object|wrong-type|corrupt-object)$/.test(error.code))
      return false;
    throw error;
  }
}

function readVerdict(
  move: Candidate,
  outcome: PushOutcome | null,
  overwritten: ReadonlySet<string>,
): SyncedRef {
  const error = outcome?.commands.find(({ name }) => name === move.name)?.error ?? null;
  if (error === AHEAD) return describe(move, "ahead", AHEAD);
  if (error === DIVERGED || error === TAG_EXISTS) return describe(move, "diverged", error);
  if (error !== null) return describe(move, "rejected", error);
  if (move.theirs === null) return describe(move, "deleted", null);
  if (move.ours === null) return describe(move, "created", null);
  return describe(move, overwritten.has(move.name) ? "forced" : "updated", null);
}

function describe({ name, ours, theirs }: Candidate, outcome: RefOutcome, message: string | null): SyncedRef {
  return { ref: name, direction: "import", outcome, oldSha: ours, newSha: theirs, message };
}

/** Remembers what the source of a pack threw: whoever reads it sees a fault of the pack in everything. */
function createSource() {
  const source = {
    error: null as unknown,
    async *watch(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks;
      } catch (error) {
        source.error = error;
        throw error;
      }
    },
  };
  return source;
}

async function* emptyPack(): AsyncGenerator<Uint8Array> {
  yield buildPack([]).pack;
}
