import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { compareRefNames } from "../git/object/ref-name.ts";
import type { Head, RefPage, RefQuery, RefReason, RepoStore } from "../git/ports.ts";
import type { RefTable } from "./repo-tables.ts";

/** A ref that a session has moved. */
export interface OverlayRef {
  readonly name: string;
  /** What the repository had when the session moved it first. */
  readonly base: Oid | null;
  /** null: deleted. */
  readonly oid: Oid | null;
  readonly peeled: Oid | null;
  readonly moves: number;
}

/** Where the moved refs are kept. */
export interface OverlayRows {
  find(name: string): OverlayRef | null;
  /** In byte order of the names. */
  list(): readonly OverlayRef[];
  put(ref: OverlayRef): void;
  clear(): void;
}

/** What is known of the repository behind: everything that the next move looks at is read before, by {@link readBehind}. */
export interface BehindView {
  head: Head;
  readonly refs: Map<string, Oid | null>;
  /** Names below a prefix. */
  readonly under: Map<string, readonly string[]>;
}

const NAMES_BELOW = 1_000;

/** A repository's refs with a session's over them. The moves are told by the flush, as one: there is no reflog here. */
export function createOverlayRefs(rows: OverlayRows, view: () => BehindView): RefTable {
  const findBehind = (name: string): Oid | null => {
    const oid = view().refs.get(name);
    if (oid === undefined) throw new Error(`${name} was not read before it was looked at`);
    return oid;
  };
  const write = (name: string, oid: Oid | null, peeled: Oid | null) => {
    const before = rows.find(name);
    const base = before ? before.base : findBehind(name);
    rows.put({ name, base, oid, peeled, moves: (before?.moves ?? 0) + 1 });
  };
  return {
    readHead: () => view().head,
    writeHead() {
      throw new GitError("wrong-type", "HEAD cannot be moved in a session", { reason: "not-in-a-session" });
    },
    find(name) {
      const row = rows.find(name);
      if (row) return row.oid && { name, oid: row.oid, ...(row.peeled && { peeled: row.peeled }) };
      const oid = findBehind(name);
      return oid && { name, oid };
    },
    hasUnder(prefix) {
      const own = rows.list();
      if (own.some(({ name, oid }) => oid !== null && name.startsWith(prefix))) return true;
      const below = view().under.get(prefix);
      if (!below) throw new Error(`${prefix} was not read before it was looked at`);
      const gone = new Set(own.map(({ name }) => name));
      return below.some((name) => !gone.has(name));
    },
    put: ({ name, oid, peeled }) => write(name, oid, peeled ?? null),
    delete: (name) => write(name, null, null),
    nextExpiry: () => null,
    listExpired: () => [],
    setExpiry(name) {
      const message = "when a branch goes by itself is not said in a session";
      throw new GitError("wrong-type", message, { reason: "not-in-a-session", name });
    },
    list: () => refuse(),
    count: () => refuse(),
    appendReflog: () => undefined,
    listReflog: () => [],
    listMoves: () => [],
    lastMove: () => 0,
  };
}

/** Lists need the repository, and waiting; the session's store answers them. */
function refuse(): never {
  throw new Error("lists are not asked of the overlay alone");
}

/** Reads of the repository behind what moving `names` looks at; nothing when the session has all of them. */
export async function readBehind(
  behind: RepoStore,
  view: BehindView | null,
  { names, rows }: { readonly names: readonly string[]; readonly rows: OverlayRows },
): Promise<BehindView> {
  if (view && names.every((name) => rows.find(name)?.oid)) return view;
  const wanted = new Set(names.flatMap((name) => [name, ...ancestorsOf(name)]));
  const taken = await behind.snapshot({ refs: [...wanted] });
  const next: BehindView = { head: taken.head, refs: new Map(view?.refs), under: new Map(view?.under) };
  for (const name of wanted) next.refs.set(name, taken.refs.get(name) ?? null);
  const fresh = names.filter((name) => !taken.refs.has(name));
  const prefixes = fresh.length > 0 ? ["refs/heads/", ...fresh.map((name) => `${name}/`)] : [];
  for (const prefix of prefixes) {
    const { refs } = await behind.listRefs({ prefix, limit: NAMES_BELOW });
    next.under.set(
      prefix,
      refs.map(({ name }) => name),
    );
  }
  return next;
}

function* ancestorsOf(name: string): Generator<string> {
  for (let slash = name.lastIndexOf("/"); slash > 0; slash = name.lastIndexOf("/", slash - 1)) {
    yield name.slice(0, slash);
  }
}

/** A page of the repository's refs with a session's over them, in byte order. */
export async function listOverlaid(behind: RepoStore, rows: OverlayRows, query: RefQuery): Promise<RefPage> {
  const page = await behind.listRefs(query);
  const own = new Map(rows.list().map((row) => [row.name, row]));
  const isWithin = (name: string) =>
    name.startsWith(query.prefix ?? "") &&
    (query.after === undefined || compareRefNames(name, query.after) > 0) &&
    (page.next === null || compareRefNames(name, page.next) <= 0);
  const refs = [
    ...page.refs.filter(({ name }) => !own.has(name)),
    ...[...own.values()].flatMap(({ name, oid, peeled }) =>
      oid !== null && isWithin(name) ? [{ name, oid, ...(peeled && { peeled }) }] : [],
    ),
  ].sort((a, b) => compareRefNames(a.name, b.name));
  const limit = query.limit ?? refs.length;
  if (refs.length <= limit) return { refs, next: page.next };
  const kept = refs.slice(0, limit);
  return { refs: kept, next: kept[kept.length - 1]?.name ?? null };
}

/** How many refs are below a prefix, a session's counted in. */
export async function countOverlaid(behind: RepoStore, rows: OverlayRows, prefix: string): Promise<number> {
  const own = rows.list().filter(({ name }) => name.startsWith(prefix));
  const total = await behind.countRefs(prefix);
  if (own.length === 0) return total;
  const { refs } = await behind.snapshot({ refs: own.map(({ name }) => name) });
  return own.reduce((sum, { name, oid }) => sum + Number(oid !== null) - Number(refs.has(name)), total);
}

/** One reflog line for all that a session did. */
export function describeFlush(refs: readonly OverlayRef[], actor: string): RefReason {
  const moves = refs.reduce((sum, ref) => sum + ref.moves, 0);
  return { actor, message: `session: ${moves} ${moves === 1 ? "move" : "moves"} of ${refs.length} refs` };
}
