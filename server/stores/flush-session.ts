import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { AGENT_NOTES_REF, mergeNotes } from "../git/notes/note-commit.ts";
import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import type {
  GitObject,
  ObjectReader,
  RefReason,
  RefTurn,
  RefUpdate,
  RefUpdateResult,
} from "../git/ports.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import type { FlushConflict } from "../ports/session.ts";
import { describeFlush, type OverlayRef } from "./overlay-refs.ts";
import type { IdSource } from "./pack-id.ts";
import type { SessionRows } from "./session-rows.ts";

/** What becomes of a tip that both sides moved; a service, handed in because stores do not know services. */
export type MergeTips = (
  reader: ObjectReader,
  request: { readonly ours: Oid; readonly theirs: Oid; readonly branch: string; readonly nowMs: number },
) => Promise<
  | { readonly kind: "contained" }
  | { readonly kind: "moved"; readonly next: Oid; readonly objects: readonly GitObject[] }
  | { readonly kind: "conflict"; readonly conflicts: readonly Omit<FlushConflict, "ref">[] }
>;

export interface FlushMode {
  readonly actor: string;
  /**
   * "refuse": a conflict leaves everything as it is. "keep": what conflicts goes to refs below `keptPrefix`, the rest to
   * where it belongs. "keep-all": all of it goes there, and no ref of others is moved.
   */
  readonly onConflict: "refuse" | "keep" | "keep-all";
  /** Such as `refs/sessions/0123456789abcdef/`. */
  readonly keptPrefix: string;
}

export interface RepoFlush {
  readonly objects: number;
  readonly refs: number;
  readonly conflicts: readonly FlushConflict[];
  readonly kept: readonly { readonly ref: string; readonly oid: Oid }[];
}

export interface FlushDeps {
  readonly rows: SessionRows;
  readonly behind: CommittingRepoStore;
  /** The session's view. */
  readonly reader: ObjectReader;
  readonly mergeTips: MergeTips;
  readonly ids: IdSource;
}

/** A message between Durable Objects ends at 32 MiB; one row more than this may be on its way. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** Looks at one ref that others keep moving. */
const ROUNDS_PER_REF = 10;

interface Move {
  readonly row: OverlayRef;
  /** null: there is nothing left to do. */
  update: RefUpdate | null;
  kept: boolean;
}

/**
 * Brings a session's objects and refs into its repository; refs move together, by compare-and-swap, in the transaction
 * that brings the last objects. The session's rows go only after that, so a crash anywhere loses nothing, and the same
 * flush can be made again: a ref that is where it was to go counts as moved.
 * Call it when nothing else writes to the rows.
 */
export async function flushRepo(deps: FlushDeps, mode: FlushMode): Promise<RepoFlush> {
  const { rows } = deps;
  const touched = rows.refs.list().filter((row) => row.oid !== row.base);
  const moves = touched.map((row): Move => ({ row, kept: false, update: toUpdate(row) }));
  if (mode.onConflict === "keep-all") for (const move of moves) keep(move, mode);
  const objects = rows.hot.count();
  if (moves.length > 0) {
    const reason = describeFlush(touched, mode.actor);
    const conflicts = await moveAll(deps, mode, { moves, reason, last: await sendObjects(deps, reason) });
    if (conflicts.length > 0) return { objects: 0, refs: 0, conflicts, kept: [] };
  }
  rows.atomically(() => {
    rows.refs.clear();
    rows.hot.deleteUpTo(Number.MAX_SAFE_INTEGER);
  });
  const kept = moves.flatMap(({ kept: isKept, update }) =>
    isKept && update?.next ? [{ ref: update.name, oid: update.next }] : [],
  );
  return { objects, refs: moves.length - kept.length, conflicts: [], kept };
}

function toUpdate({ name, base, oid, peeled }: OverlayRef): RefUpdate {
  return { name, expected: base, next: oid, ...(peeled && { peeled }) };
}

/** Sends all objects but the last batch, which goes with the refs: a small session is one message. */
async function sendObjects({ rows, behind }: FlushDeps, reason: RefReason): Promise<readonly GitObject[]> {
  let last: readonly GitObject[] = [];
  for (
    let batch = rows.hot.readOldest(BATCH_BYTES);
    batch;
    batch = rows.hot.readOldest(BATCH_BYTES, batch.end)
  ) {
    if (last.length > 0) await behind.transact({ updates: [], atomic: true, reason, objects: last });
    last = batch.objects;
  }
  return last;
}

interface Moving {
  readonly moves: readonly Move[];
  readonly reason: RefReason;
  readonly last: readonly GitObject[];
}

/** Moves all refs together; conflicts when that cannot be. @throws GitError overloaded when others keep moving them */
async function moveAll(deps: FlushDeps, mode: FlushMode, moving: Moving): Promise<readonly FlushConflict[]> {
  const line: FlushLine = { turn: null };
  try {
    return await tryMoves(deps, mode, { ...moving, line });
  } finally {
    // After a move the turn is over already; a conflict or an error ends it here.
    const { turn } = line;
    if (turn) await deps.behind.transact({ updates: [], atomic: true, reason: moving.reason, turn });
  }
}

/** The place in the line of a branch that others move too. */
interface FlushLine {
  turn: RefTurn | null;
}

async function tryMoves(
  deps: FlushDeps,
  mode: FlushMode,
  { moves, reason, last, line }: Moving & { readonly line: FlushLine },
): Promise<readonly FlushConflict[]> {
  const made = new Map<Oid, GitObject>(last.map((object) => [object.oid, object]));
  for (let round = 0; round < ROUNDS_PER_REF * moves.length; round++) {
    const open = moves.filter(({ update }) => update !== null);
    if (open.length === 0) return [];
    const updates = open.flatMap(({ update }) => update ?? []);
    const write = { updates, reason, objects: [...made.values()], ...(line.turn && { turn: line.turn }) };
    const results = await transactOnce(deps.behind, write);
    let refused = results.flatMap((result, i) => {
      const move = open[i];
      return result.kind === "rejected" && move && result.reason !== "not-attempted"
        ? [{ result, move }]
        : [];
    });
    if (results.every(({ kind }) => kind === "moved")) return [];
    if (round > 0 && !line.turn) refused = await standInLine(deps, line, refused);
    const conflicts: FlushConflict[] = [];
    for (const { result, move } of refused) {
      const found = await settle(deps, move, { result, made });
      if (found.length === 0) continue;
      if (mode.onConflict === "refuse") conflicts.push(...found);
      else keep(move, mode);
    }
    if (conflicts.length > 0) return conflicts;
  }
  throw new GitError("overloaded", "the branches of this session keep moving; flush again");
}

interface Refused {
  readonly result: Extract<RefUpdateResult, { kind: "rejected" }>;
  readonly move: Move;
}

/** Waits until those who move the first of these branches too are through, and says where the branches are then. */
async function standInLine(
  { behind }: FlushDeps,
  line: FlushLine,
  refused: readonly Refused[],
): Promise<Refused[]> {
  const names = refused.map(({ result }) => result.name);
  const [first] = names;
  if (first !== undefined) line.turn = await behind.takeTurn(first);
  const { refs } = await behind.snapshot({ refs: names });
  return refused.map(({ result, move }) => ({
    move,
    result: { ...result, current: refs.get(result.name) ?? null },
  }));
}

/** A lost answer is not known to be a refusal: the next look tells. */
async function transactOnce(
  behind: CommittingRepoStore,
  write: {
    readonly updates: readonly RefUpdate[];
    readonly reason: RefReason;
    readonly objects: readonly GitObject[];
    readonly turn?: RefTurn;
  },
): Promise<readonly RefUpdateResult[]> {
  const transaction = { ...write, atomic: true };
  try {
    return await behind.transact(transaction);
  } catch (error) {
    if (!(error instanceof GitError) || error.code !== "interrupted") throw error;
    return behind.transact(transaction);
  }
}

interface Refusal {
  readonly result: Extract<RefUpdateResult, { kind: "rejected" }>;
  /** Objects that go along with the refs. */
  readonly made: Map<Oid, GitObject>;
}

/** Finds another way for a ref that could not be moved; what is in its way when there is none. */
async function settle(
  deps: FlushDeps,
  move: Move,
  { result, made }: Refusal,
): Promise<readonly FlushConflict[]> {
  const { name, oid, base } = move.row;
  const { current } = result;
  if (result.reason !== "stale") return [whole(move.row, result.reason, current)];
  if (current === oid) {
    move.update = null;
    return [];
  }
  if (name === AGENT_NOTES_REF && oid !== null) {
    move.update = await combineNotes(deps, { base, ours: oid, theirs: current }, made);
    return [];
  }
  if (oid === null || current === null) return [whole(move.row, oid === null ? "moved" : "deleted", current)];
  if (!name.startsWith(BRANCH_PREFIX)) return [whole(move.row, "moved", current)];
  const branch = name.slice(BRANCH_PREFIX.length);
  const nowMs = deps.ids.now();
  const merged = await deps.mergeTips(deps.reader, { ours: oid, theirs: current, branch, nowMs });
  if (merged.kind === "contained") {
    move.update = null;
    return [];
  }
  if (merged.kind === "conflict") {
    return merged.conflicts.map((conflict) => ({ ref: name, ...conflict }));
  }
  for (const object of merged.objects) made.set(object.oid, object);
  move.update = { name, expected: current, next: merged.next };
  return [];
}

/** Notes of different commits never clash: they go beside those that others have written meanwhile. */
async function combineNotes(
  { reader, ids }: FlushDeps,
  sides: { readonly base: Oid | null; readonly ours: Oid; readonly theirs: Oid | null },
  made: Map<Oid, GitObject>,
): Promise<RefUpdate> {
  const { base, ours, theirs } = sides;
  if (theirs === null) return { name: AGENT_NOTES_REF, expected: null, next: ours };
  const merged = await mergeNotes(reader, { base, ours, theirs }, Math.floor(ids.now() / 1_000));
  for (const object of merged.objects) made.set(object.oid, object);
  return { name: AGENT_NOTES_REF, expected: theirs, next: merged.oid };
}

function whole({ name, base, oid }: OverlayRef, type: string, current: Oid | null): FlushConflict {
  return { ref: name, type, path: null, baseOid: base, oursOid: oid, theirsOid: current };
}

/** A deletion leaves nothing to keep. */
function keep(move: Move, { keptPrefix }: FlushMode): void {
  const { name, oid, peeled } = move.row;
  move.kept = oid !== null;
  const ref = keptPrefix + name.slice("refs/".length);
  move.update = oid === null ? null : { name: ref, next: oid, ...(peeled && { peeled }) };
}
