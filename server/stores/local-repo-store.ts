import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { checkRefName } from "../git/object/ref-name.ts";
import { visitEdges } from "../git/pack/object-edges.ts";
import type { FileStore, GitObject, Head, RefTransaction, RepoSnapshot } from "../git/ports.ts";
import type { CommitRequest } from "../ports/commit.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import { commitOnHead, type PlanCommit } from "./commit-on-head.ts";
import { expireRefs } from "./expire-refs.ts";
import { shareRepo } from "./fork-seed.ts";
import { createMutex } from "./mutex.ts";
import type { ObjectCache } from "./object-cache.ts";
import { createPackId, formatPackKey, type IdSource } from "./pack-id.ts";
import type { PackLayer } from "./pack-layer.ts";
import { createPackSet } from "./pack-set.ts";
import { moveHead } from "./ref-rules.ts";
import { createRefTurns } from "./ref-turns.ts";
import type { RepoTables } from "./repo-tables.ts";
import { createRequestReader } from "./request-reader.ts";
import { createTieredReader, type HotReader, type StreamingReader } from "./tiered-reader.ts";
import { listPacks, transactRefs } from "./transact-refs.ts";

export interface LocalRepoOptions {
  readonly repoId: string;
  readonly tables: RepoTables;
  readonly files: FileStore;
  readonly cache: ObjectCache;
  readonly planCommit: PlanCommit;
  readonly ids: IdSource;
  /** Waits until the hot tier takes these objects; at once when absent. */
  readonly makeRoom?: (objects: readonly GitObject[]) => Promise<void>;
  /** Objects that lie in no pack and not in these tables either, and a look whether the packs have changed. */
  readonly behind?: HotReader & { refresh(): Promise<boolean> };
  /** Packs hot objects when there are too many to be handed to a fork. */
  readonly beforeShare?: () => Promise<void>;
  /** Called after each write, still before the caller hears of it. */
  readonly afterWrite?: () => void;
}

export interface LocalRepoStore extends CommittingRepoStore {
  /** This repository's objects, as the store itself reads them. */
  readonly objects: StreamingReader;
}

/** The rules of a repository over its tables: what a Durable Object and the memory store have in common. */
export function createLocalRepoStore(options: LocalRepoOptions): LocalRepoStore {
  const { tables, repoId, ids } = options;
  const layer = createPackSet(options.files, options.cache, { openPacks: 0 });
  const objects = createLocalReader(options, layer);
  const commits = createMutex();
  const turns = createRefTurns();
  const makeRoom = options.makeRoom ?? (async () => undefined);
  const afterWrite = options.afterWrite ?? (() => undefined);
  const expire = () => void (expireRefs(tables, ids.now()) && afterWrite());
  const readerOf = ({ objects: brought = [], pack }: RefTransaction) =>
    createRequestReader(objects, layer, { blobs: brought, ...(pack && { pack }) });
  const look = async <T>(read: () => T): Promise<T> => {
    expire();
    return read();
  };
  return {
    objects,
    snapshot: (query) => look(() => takeSnapshot(tables, query)),
    listRefs: (query) => look(() => tables.refs.list(query)),
    countRefs: (prefix) => look(() => tables.refs.count(prefix)),
    listReflog: (query) => look(() => tables.refs.listReflog(query)),
    readHot: async (oids) => tables.hot.read(oids),
    readHotHeaders: async (oids) => tables.hot.readHeaders(oids),

    async takeTurn(name) {
      checkRefName(name);
      const id = await turns.take(name);
      return id === null ? null : { name, id };
    },

    async transact(transaction) {
      const { turn } = transaction;
      for (const { name } of transaction.updates) {
        const wait = turns.pass(name, turn?.id);
        if (wait) await wait;
      }
      for (const update of transaction.updates) if (update.next !== null) checkRefName(update.name);
      for (const object of transaction.objects ?? []) checkPackable(object);
      if (transaction.head) await checkHead(objects, transaction.head);
      const missing = await findMissingTips(transaction, objects, layer);
      expire();
      const deps = { tables, makeRoom, nowMs: ids.now, reader: readerOf(transaction), missing };
      // Notes are planned on what is there, so that whoever writes some takes turns with the commits.
      const results = transaction.notes?.length
        ? await commits.run(() => transactRefs(deps, transaction))
        : await transactRefs(deps, transaction);
      if (turn && results.some((result) => result.kind === "rejected")) turns.insist(turn.name, turn.id);
      else if (turn) turns.end(turn.name, turn.id);
      afterWrite();
      return results;
    },

    async commit(request: CommitRequest) {
      checkRefName(`refs/heads/${request.branch}`);
      await turns.pass(`refs/heads/${request.branch}`);
      expire();
      const outcome = await commits.run(() =>
        commitOnHead(
          {
            tables,
            planCommit: options.planCommit,
            reader: createRequestReader(objects, layer, request),
            nowMs: ids.now,
            makeRoom,
          },
          request,
        ),
      );
      afterWrite();
      return outcome;
    },

    async share() {
      await options.beforeShare?.();
      expire();
      return shareRepo(tables, repoId);
    },

    async setHead(head, reason) {
      await checkHead(objects, head);
      tables.atomically(() => moveHead(tables.refs, head, { reason, atMs: ids.now() })());
      afterWrite();
    },

    async beginPack() {
      const id = createPackId(ids);
      const key = formatPackKey(repoId, id);
      tables.packs.reserve({ id, key, reservedAtMs: ids.now() });
      afterWrite();
      return { id, key };
    },
  };
}

function createLocalReader(options: LocalRepoOptions, packs: PackLayer): StreamingReader {
  const { tables } = options;
  return createTieredReader({
    repoId: options.repoId,
    cache: options.cache,
    packs,
    hot: createHotReader(options),
    // Read after the hot objects and never remembered: what a flush moves meanwhile is seen in its pack.
    listPacks: async () => tables.packs.readCatalog().packs,
    refresh: async () => (await options.behind?.refresh()) ?? false,
  });
}

function createHotReader({ tables: { hot }, behind }: LocalRepoOptions): HotReader {
  return {
    async readObjects(oids) {
      const own = hot.read(oids);
      if (!behind || own.length === oids.length) return own;
      const found = new Set(own.map(({ oid }) => oid));
      return [...own, ...(await behind.readObjects(oids.filter((oid) => !found.has(oid))))];
    },
    async readHeaders(oids) {
      const own = hot.readHeaders(oids);
      if (!behind || own.size === oids.length) return own;
      return new Map([...own, ...(await behind.readHeaders(oids.filter((oid) => !own.has(oid))))]);
    },
  };
}

function takeSnapshot(
  tables: RepoTables,
  query: { readonly refs?: readonly string[]; readonly knownCatalogVersion?: number },
): RepoSnapshot {
  const catalog = tables.packs.readCatalog();
  const refs = new Map<string, Oid>();
  const expiries = new Map<string, number>();
  for (const name of query.refs ?? []) {
    const record = tables.refs.find(name);
    if (record) refs.set(name, record.oid);
    if (record?.expiresAtMs !== undefined) expiries.set(name, record.expiresAtMs);
  }
  return {
    head: tables.refs.readHead(),
    refs,
    ...(expiries.size > 0 && { expiries }),
    catalogVersion: catalog.version,
    packs: query.knownCatalogVersion === catalog.version ? null : catalog.packs,
    hotObjects: tables.hot.count(),
  };
}

/** New tips that neither the repository nor the transaction itself brings. */
async function findMissingTips(
  transaction: RefTransaction,
  objects: StreamingReader,
  layer: PackLayer,
): Promise<ReadonlySet<Oid>> {
  const brought = new Set(transaction.objects?.map((object) => object.oid));
  const tips = new Set<Oid>();
  for (const { next } of transaction.updates) if (next !== null && !brought.has(next)) tips.add(next);
  if (tips.size === 0) return tips;
  const packs = listPacks(transaction);
  const packed = packs.length > 0 ? await layer.readHeaders(packs, [...tips]) : { missing: [...tips] };
  if (packed.missing.length === 0) return new Set();
  return new Set((await objects.readHeaders(packed.missing)).missing);
}

/** What cannot be packed must not get in: it would hold up every later flush. @throws GitError corrupt-object */
function checkPackable(object: GitObject): void {
  visitEdges(object.type, object.data, () => undefined);
}

/** @throws GitError missing-object, invalid-ref-name */
async function checkHead(objects: StreamingReader, head: Head): Promise<void> {
  if (head.kind === "symbolic") return checkBranchName(head.target);
  const { missing } = await objects.readHeaders([head.oid]);
  if (missing.length > 0) throw new GitError("missing-object", "no such object", { oid: head.oid });
}

function checkBranchName(name: string): void {
  checkRefName(name);
  if (!name.startsWith("refs/heads/")) {
    throw new GitError("invalid-ref-name", "HEAD must point into refs/heads/", { name });
  }
}
