import type { Oid } from "../git/hash/oid.ts";
import type { Head, RefReason, RefRecord, RefUpdate, RefUpdateResult } from "../git/ports.ts";
import type { RefTable, RepoTables } from "./repo-tables.ts";

type Rejected = Extract<RefUpdateResult, { kind: "rejected" }>;

export interface RefMoves {
  readonly updates: readonly RefUpdate[];
  readonly atomic: boolean;
  readonly reason: RefReason;
  readonly atMs: number;
  /** HEAD from now on; set first, because the branch that HEAD names cannot be deleted. */
  readonly head?: Head;
  /** New tips that the repository does not have. */
  readonly missing: ReadonlySet<Oid>;
  /** Runs inside the same transaction, after the moves, unless every update was refused. Results as they came. */
  readonly alongside: (results: ReadonlyMap<RefUpdate, RefUpdateResult>) => void;
}

/**
 * Moves refs by git's rules, in one transaction; results are in the order of the updates. Deletions go first, so that
 * `a` can give way to `a/b`. A ref named twice is moved once; the second update is stale.
 */
export function moveRefs(tables: RepoTables, moves: RefMoves): readonly RefUpdateResult[] {
  const results = new Map<RefUpdate, RefUpdateResult>();
  const deletionsFirst = [
    ...moves.updates.filter((update) => update.next === null),
    ...moves.updates.filter((update) => update.next !== null),
  ];
  try {
    tables.atomically(() => {
      const logHead = moves.head ? moveHead(tables.refs, moves.head, moves) : null;
      const seen = new Set<string>();
      for (const update of deletionsFirst) {
        const refused = seen.has(update.name)
          ? reject(update, "stale", tables.refs.find(update.name)?.oid ?? null)
          : findObjection(tables.refs, update, moves.missing);
        seen.add(update.name);
        results.set(update, refused ?? applyMove(tables.refs, update, moves));
        if (refused && moves.atomic) throw new RolledBack();
      }
      logHead?.();
      const moved = [...results.values()].some((result) => result.kind === "moved");
      if (moved || moves.updates.length === 0) moves.alongside(results);
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
    return moves.updates.map((update) => {
      const result = results.get(update);
      return result?.kind === "rejected"
        ? result
        : reject(update, "not-attempted", tables.refs.find(update.name)?.oid ?? null);
    });
  }
  // Every update has a result here: the loop ran to its end.
  return moves.updates.map((update) => results.get(update) as RefUpdateResult);
}

/**
 * Points HEAD elsewhere; what it gives writes the reflog line, once the refs are where they belong.
 * Call both inside one transaction.
 */
export function moveHead(
  refs: RefTable,
  head: Head,
  why: { readonly reason: RefReason; readonly atMs: number },
): () => void {
  const from = resolveHead(refs, refs.readHead());
  refs.writeHead(head);
  // The default branch never goes by itself: who makes it that wants to keep it.
  if (head.kind === "symbolic") refs.setExpiry(head.target, null);
  return () => {
    const to = resolveHead(refs, head);
    refs.appendReflog({ ref: "HEAD", from, to, reason: why.reason, atMs: why.atMs });
  };
}

function resolveHead(refs: RefTable, head: Head): Oid | null {
  return head.kind === "detached" ? head.oid : (refs.find(head.target)?.oid ?? null);
}

/** Undoes an atomic transaction; never leaves this file. */
class RolledBack extends Error {}

function findObjection(refs: RefTable, update: RefUpdate, missing: ReadonlySet<Oid>): Rejected | null {
  const current = refs.find(update.name)?.oid ?? null;
  if (update.expected !== undefined && update.expected !== current) return reject(update, "stale", current);
  if (update.next === null) {
    return isHeadBranch(refs, update.name) && current !== null
      ? reject(update, "default-branch", current)
      : null;
  }
  if (typeof update.expiresAtMs === "number" && isHeadBranch(refs, update.name)) {
    return reject(update, "default-branch", current);
  }
  if (current === null && hasNameConflict(refs, update.name)) return reject(update, "name-conflict", null);
  return missing.has(update.next) ? reject(update, "missing-object", current) : null;
}

function isHeadBranch(refs: RefTable, name: string): boolean {
  const head = refs.readHead();
  return head.kind === "symbolic" && head.target === name;
}

/** A ref is a file and its prefixes are folders: `a` and `a/b` cannot both exist (git-check-ref-format). */
export function hasNameConflict(refs: RefTable, name: string): boolean {
  for (let slash = name.lastIndexOf("/"); slash > 0; slash = name.lastIndexOf("/", slash - 1)) {
    if (refs.find(name.slice(0, slash))) return true;
  }
  return refs.hasUnder(`${name}/`);
}

function applyMove(refs: RefTable, update: RefUpdate, moves: RefMoves): RefUpdateResult {
  const { name, next } = update;
  const before = refs.find(name);
  const previous = before?.oid ?? null;
  if (next === null) {
    if (before) refs.delete(name);
  } else {
    const record: RefRecord = { name, oid: next, ...(update.peeled ? { peeled: update.peeled } : {}) };
    if (previous !== next || before?.peeled !== update.peeled) refs.put(record);
    if (update.expiresAtMs !== undefined) refs.setExpiry(name, update.expiresAtMs);
  }
  if (previous !== next) {
    refs.appendReflog({ ref: name, from: previous, to: next, reason: moves.reason, atMs: moves.atMs });
  }
  return { kind: "moved", name, previous };
}

function reject(update: RefUpdate, reason: Rejected["reason"], current: Oid | null): Rejected {
  return { kind: "rejected", name: update.name, reason, current };
}
