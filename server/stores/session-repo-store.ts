import { GitError } from "../git/errors.ts";
import { AGENT_NOTES_REF } from "../git/notes/note-commit.ts";
import type { FileStore, GitObject, Head, RepoSnapshot } from "../git/ports.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import type { PlanCommit } from "./commit-on-head.ts";
import { type FlushMode, flushRepo, type MergeTips, type RepoFlush } from "./flush-session.ts";
import { createLocalRepoStore } from "./local-repo-store.ts";
import { createMutex } from "./mutex.ts";
import type { ObjectCache } from "./object-cache.ts";
import {
  type BehindView,
  countOverlaid,
  createOverlayRefs,
  listOverlaid,
  readBehind,
} from "./overlay-refs.ts";
import type { IdSource } from "./pack-id.ts";
import type { RepoTables } from "./repo-tables.ts";
import type { SessionRows } from "./session-rows.ts";

export interface SessionRepoDeps {
  /** Of the session's view of the repository; caches know its objects by it, and nobody else's view. */
  readonly viewId: string;
  readonly rows: SessionRows;
  readonly behind: CommittingRepoStore;
  readonly files: FileStore;
  readonly cache: ObjectCache;
  readonly planCommit: PlanCommit;
  readonly mergeTips: MergeTips;
  readonly ids: IdSource;
  /** @throws GitError limit-exceeded when the session is full */
  readonly checkRoom: (objects: readonly GitObject[]) => void;
  /** @throws when the session has ended */
  readonly checkOpen: () => void;
}

/** A repository as a session sees it, and the way of its work into the repository. */
export interface SessionRepoStore extends CommittingRepoStore {
  flush(mode: FlushMode): Promise<RepoFlush>;
}

/**
 * A repository with a session's writes over it: the same rules on the same code as the repository's own, over rows of
 * the session. Reads of what the session has not moved are as fresh as the repository.
 */
export function createSessionRepoStore(deps: SessionRepoDeps): SessionRepoStore {
  const { rows, behind } = deps;
  const turns = createMutex();
  let view: BehindView | null = null;
  let catalog: { readonly version: number; readonly packs: NonNullable<RepoSnapshot["packs"]> } | null = null;

  const snapshotBehind = async (refs: readonly string[]): Promise<RepoSnapshot> => {
    const taken = await behind.snapshot({ refs, ...(catalog && { knownCatalogVersion: catalog.version }) });
    if (taken.packs) catalog = { version: taken.catalogVersion, packs: taken.packs };
    return { ...taken, packs: catalog?.packs ?? [] };
  };
  const tables: RepoTables = {
    atomically: (change) => rows.atomically(change),
    hot: rows.hot,
    receipts: rows.receipts,
    refs: createOverlayRefs(rows.refs, () => {
      if (!view) throw new Error("the repository behind was not read");
      return view;
    }),
    packs: {
      readCatalog: () => ({ version: catalog?.version ?? 0, packs: catalog?.packs ?? [] }),
      reserve: refusePack,
      isReserved: () => false,
      add: refusePack,
      replace: refusePack,
      share: refusePack,
      adopt: refusePack,
    },
  };
  const local = createLocalRepoStore({
    repoId: deps.viewId,
    tables,
    files: deps.files,
    cache: deps.cache,
    planCommit: deps.planCommit,
    ids: deps.ids,
    makeRoom: async (objects) => deps.checkRoom(objects),
    behind: {
      readObjects: (oids) => behind.readHot(oids),
      readHeaders: (oids) => behind.readHotHeaders(oids),
      async refresh() {
        await snapshotBehind([]);
        return true;
      },
    },
  });
  /** One write at a time, after a look at what it stands on. */
  const inTurn = <T>(names: readonly string[], write: () => Promise<T>): Promise<T> =>
    turns.run(async () => {
      deps.checkOpen();
      if (!catalog) await snapshotBehind([]);
      view = await readBehind(behind, view, { names, rows: rows.refs });
      deps.checkOpen();
      return write();
    });

  return {
    async snapshot(query) {
      const own = new Map((query.refs ?? []).map((name) => [name, rows.refs.find(name)]));
      const { knownCatalogVersion } = query;
      const taken = await behind.snapshot(query);
      if (taken.packs) catalog = { version: taken.catalogVersion, packs: taken.packs };
      const refs = new Map(taken.refs);
      for (const [name, row] of own) {
        if (row?.oid) refs.set(name, row.oid);
        else if (row) refs.delete(name);
      }
      const packs = knownCatalogVersion === taken.catalogVersion ? null : taken.packs;
      return { ...taken, refs, packs, hotObjects: taken.hotObjects + rows.hot.count() };
    },
    listRefs: (query) => listOverlaid(behind, rows.refs, query),
    countRefs: (prefix) => countOverlaid(behind, rows.refs, prefix),
    async readHot(oids) {
      const own = rows.hot.read(oids);
      const found = new Set(own.map(({ oid }) => oid));
      const rest = oids.filter((oid) => !found.has(oid));
      return rest.length === 0 ? own : [...own, ...(await behind.readHot(rest))];
    },
    async readHotHeaders(oids) {
      const own = rows.hot.readHeaders(oids);
      const rest = oids.filter((oid) => !own.has(oid));
      return rest.length === 0 ? own : new Map([...own, ...(await behind.readHotHeaders(rest))]);
    },
    async transact(transaction) {
      const { pack, carried, ...rest } = transaction;
      if (carried) await enterPack(behind, carried, transaction.reason);
      if (pack) await enterPack(behind, pack, transaction.reason);
      const notes = transaction.notes?.length ? [AGENT_NOTES_REF] : [];
      const names = [...transaction.updates.map(({ name }) => name), ...notes];
      return inTurn(names, () => local.transact(rest));
    },
    async commit(request) {
      const { pack, ...rest } = request;
      if (pack) await enterPack(behind, pack, { actor: request.actor, message: "session: objects" });
      const notes = request.note === undefined ? [] : [AGENT_NOTES_REF];
      return inTurn([`refs/heads/${request.branch}`, ...notes], () => local.commit(rest));
    },
    setHead: (_head: Head) => Promise.reject(notInSession("HEAD cannot be moved in a session")),
    listReflog: (query) => behind.listReflog(query),
    share: () => Promise.reject(notInSession("a fork is not made in a session")),
    // A session is one agent's: nobody to wait for.
    takeTurn: async () => null,
    beginPack: () => behind.beginPack(),
    flush: (mode) =>
      turns.run(async () => {
        const outcome = await flushRepo({ ...deps, reader: local.objects }, mode);
        view = null;
        return outcome;
      }),
  };
}

/** Large contents go into the repository's own packs at once; without a ref nobody is shown them. */
async function enterPack(
  behind: CommittingRepoStore,
  pack: Parameters<RepoTables["packs"]["add"]>[0],
  reason: { readonly actor: string; readonly message: string },
): Promise<void> {
  await behind.transact({ updates: [], atomic: true, reason, pack });
}

function refusePack(): never {
  throw new Error("packs belong to the repository, not to a session");
}

function notInSession(message: string): GitError {
  return new GitError("wrong-type", message, { reason: "not-in-a-session" });
}
