import { GitError } from "../git/errors.ts";
import type { RefUpdate, RefUpdateResult } from "../git/ports.ts";
import { FLUSH_PKT } from "../git/protocol/pkt-line.ts";
import { createPktReader } from "../git/protocol/pkt-reader.ts";
import { encodePushReport } from "../git/protocol/receive-report.ts";
import { type ReceiveRequest, readReceiveRequest } from "../git/protocol/receive-request.ts";
import { encodeSideband } from "../git/protocol/sideband.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { failAtomic, type PlannedCommand, PUSH_ERRORS, planCommands } from "./receive-pack-commands.ts";
import { type ReceivedPack, receiveObjects } from "./receive-pack-objects.ts";
import { checkTips } from "./receive-pack-tips.ts";

export interface ReceivePackDeps {
  readonly repo: RepoHandle;
  /** For the reflog. */
  readonly actor: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Hears how many commits a pack brought that was stored as it came; of others the store is told. */
  readonly onPackStored?: (commits: number) => void;
  /** Hears of failures that the client only learns of as "internal error". */
  readonly onFailure: (error: unknown) => void;
  /** For the reflog; default `push` with the push options. */
  readonly message?: string;
}

/** What became of a push that came from within this process. */
export interface PushOutcome {
  /** Why the pack was not taken in; every command has failed then. */
  readonly unpackError: GitError | null;
  /** Objects that came. */
  readonly objects: number;
  /** In the order of the request. */
  readonly commands: readonly { readonly name: string | null; readonly error: string | null }[];
}

/** Of a reflog line. */
const MAX_REASON_CHARS = 500;

interface Push {
  readonly request: ReceiveRequest;
  readonly planned: readonly PlannedCommand[];
  unpackError: GitError | null;
  /** The store was told to move refs: from here on an error does not mean that it did not. */
  committing: boolean;
}

/**
 * The reply to one `POST …/git-receive-pack`: reads commands and pack, checks every object and that nothing is
 * missing behind the new tips, then moves the refs in one transaction. Nothing becomes visible before that. The body
 * is read before the first chunk of the reply.
 * @throws GitError protocol, limit-exceeded before the first chunk, for a body that holds no commands
 */
export async function* receivePack(
  deps: ReceivePackDeps,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const reader = createPktReader(body);
  const request = await readReceiveRequest(reader);
  if (!request) return;
  const push = await openPush(deps.repo, request);
  const say = (text: string) => encodeSideband(2, text);
  const talks = request.sideband && !request.quiet;
  let received: ReceivedPack | null = null;
  try {
    if (needsPack(push)) received = await receive(deps, push, reader.rest());
    if (received && talks) yield say(`Checking ${received.objects} objects\n`);
    await finishPush(deps, push, received);
  } catch (error) {
    await abandonPush(push, received, error);
    if (!request.sideband) throw error;
    if (!(error instanceof GitError)) deps.onFailure(error);
    const reason = error instanceof GitError ? error.message : "internal error";
    yield encodeSideband(3, `receive-pack: ${reason}\n`);
    return;
  }
  if (!request.report) {
    if (request.sideband) yield FLUSH_PKT;
    return;
  }
  const commands = push.planned.map(({ command, error }) => ({ rawName: command.rawName, error }));
  yield encodePushReport({ unpackError: push.unpackError?.message ?? null, commands }, request.sideband);
}

/**
 * As {@link receivePack}, with the same checks, for commands and a pack that this process has fetched itself.
 * @throws what is nobody's fault but the store's; nothing has moved then, unless it is GitError interrupted
 */
export async function applyPush(
  deps: ReceivePackDeps,
  request: ReceiveRequest,
  bytes: AsyncIterable<Uint8Array>,
): Promise<PushOutcome> {
  const push = await openPush(deps.repo, request);
  let received: ReceivedPack | null = null;
  try {
    if (needsPack(push)) received = await receive(deps, push, bytes);
    await finishPush(deps, push, received);
  } catch (error) {
    await abandonPush(push, received, error);
    throw error;
  }
  return {
    unpackError: push.unpackError,
    objects: received?.objects ?? 0,
    commands: push.planned.map(({ command, error }) => ({ name: command.name, error })),
  };
}

/** Everything after the pack: checks of the tips, permissions, and the move itself. */
async function finishPush(deps: ReceivePackDeps, push: Push, received: ReceivedPack | null): Promise<void> {
  await checkTips(deps.repo, push.planned, received);
  await checkPermissions(deps.repo, push.planned, received);
  if (push.request.atomic) failAtomic(push.planned);
  await checkQuota(deps.repo, push.planned, received);
  await moveRefs(deps, push, received);
}

/** A refusal of the store says that nothing was moved; other errors leave it open. */
async function abandonPush(push: Push, received: ReceivedPack | null, error: unknown): Promise<void> {
  if (!push.committing || isRefusal(error)) await received?.discard();
}

async function openPush(repo: RepoHandle, request: ReceiveRequest): Promise<Push> {
  const names = request.commands.flatMap(({ name }) => (name === null ? [] : [name]));
  const planned = planCommands(request.commands, await repo.snapshot(names));
  if (request.atomic) failAtomic(planned);
  return { request, planned, unpackError: null, committing: false };
}

/** A push that only deletes, or of which no update is left, comes without a pack or has it thrown away. */
function needsPack({ planned }: Push): boolean {
  return planned.some(({ command, error }) => command.next !== null && error === null);
}

/** null when the pack is bad: every command has failed then, also the deletions, as in git. */
async function receive(
  deps: ReceivePackDeps,
  push: Push,
  bytes: AsyncIterable<Uint8Array>,
): Promise<ReceivedPack | null> {
  try {
    return await receiveObjects(deps.repo, bytes, deps.now);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    push.unpackError = error;
    for (const planned of push.planned) planned.error ??= PUSH_ERRORS.unpacker;
    return null;
  }
}

/** Per ref, so that what is permitted lands although something else is not; as with a hook of git's. */
async function checkPermissions(
  repo: RepoHandle,
  planned: readonly PlannedCommand[],
  received: ReceivedPack | null,
): Promise<void> {
  const objects = received?.layOver(repo.objects) ?? repo.objects;
  for (const entry of planned) {
    const { name, next } = entry.command;
    if (entry.error !== null || entry.idle || name === null) continue;
    entry.error = (await repo.guard?.findObjection({ name, next }, objects)) ?? null;
  }
}

/** What is left of the push is admitted whole, or none of it. */
async function checkQuota(
  repo: RepoHandle,
  planned: readonly PlannedCommand[],
  received: ReceivedPack | null,
): Promise<void> {
  const open = planned.filter(({ error, idle }) => error === null && !idle);
  if (!repo.meter || open.length === 0) return;
  const moves = open.map(({ command: { name, next } }) => ({ name: name ?? "", next }));
  const brings = moves.some(({ next }) => next !== null);
  const objects = received?.layOver(repo.objects) ?? repo.objects;
  const bytes = brings ? (received?.bytes ?? 0) : 0;
  const objection = await repo.meter.findObjection(moves, objects, bytes);
  if (objection !== null) for (const entry of open) entry.error = objection;
}

async function moveRefs(deps: ReceivePackDeps, push: Push, received: ReceivedPack | null): Promise<void> {
  const open = push.planned.filter(({ error, idle }) => error === null && !idle);
  const brings = open.some(({ command }) => command.next !== null);
  if (!brings) await received?.discard();
  if (open.length === 0) return;
  const contents: Awaited<ReturnType<ReceivedPack["store"]>> =
    brings && received ? await received.store() : {};
  push.committing = true;
  const results = await deps.repo.store.transact({
    updates: open.map(toRefUpdate),
    atomic: push.request.atomic,
    reason: { actor: deps.actor, message: deps.message ?? formatReason(push.request.options) },
    ...contents,
  });
  for (const [at, planned] of open.entries()) planned.error = describeRejection(results[at]);
  if (open.every(({ error }) => error !== null)) await received?.discard();
  else if (contents.pack) deps.onPackStored?.(received?.commits ?? 0);
}

function isRefusal(error: unknown): boolean {
  return error instanceof GitError && error.code !== "interrupted";
}

/** Push options have no other effect than to be on record. */
function formatReason(options: readonly string[]): string {
  const text = options.map((option) => ` -o ${option.replace(/\s+/g, " ")}`).join("");
  return `push${text}`.slice(0, MAX_REASON_CHARS);
}

function toRefUpdate({ command, peeled }: PlannedCommand): RefUpdate {
  return {
    name: command.name ?? "", // one without a name has failed before
    expected: command.previous,
    next: command.next,
    ...(peeled ? { peeled } : {}),
  };
}

function describeRejection(result: RefUpdateResult | undefined): string | null {
  if (result?.kind === "moved") return null;
  switch (result?.reason) {
    case "stale":
      return PUSH_ERRORS.stale;
    case "name-conflict":
      return PUSH_ERRORS.nameConflict;
    case "default-branch":
      return PUSH_ERRORS.deleteCurrent;
    case "not-attempted":
      return PUSH_ERRORS.atomic;
    case "missing-object":
      return PUSH_ERRORS.missing;
    default:
      return "failed to update ref";
  }
}
