import type { Oid } from "../git/hash/oid.ts";
import type { GitObject, ObjectHeader } from "../git/ports.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import { createDurableCalls } from "./durable-call.ts";
import { fromReply, type RepoInit, type RepoRpc, type RepoStats, type RpcReply } from "./repo-rpc.ts";

/** Ids in one question; 40 characters each. */
const IDS_PER_CALL = 5_000;

/** A repository's store, with what only its owner calls. */
export interface DurableRepoStore extends CommittingRepoStore {
  /** false: it exists already; nothing was changed. */
  create(init: RepoInit): Promise<boolean>;
  /** Refs and objects are gone at once; stored packs are deleted in the background. */
  destroy(): Promise<void>;
  stats(): Promise<RepoStats>;
  /** Moves all hot objects into packs; the number of packs made. */
  flush(): Promise<number>;
  /** Whether the repository's syncs are told of its moves from now on. */
  followMoves(follow: boolean): Promise<void>;
}

/** The store behind RepoDO stubs: `createDurableRepoStore(() => env.REPO.getByName(repoId))`. */
export function createDurableRepoStore(connect: () => RepoRpc): DurableRepoStore {
  const { repeat, once } = createDurableCalls(connect);
  const safe = <T>(call: (stub: RepoRpc) => Promise<RpcReply<T>>) => fromReply(repeat(call));
  const write = <T>(call: (stub: RepoRpc) => Promise<RpcReply<T>>) => fromReply(once(call));
  return {
    create: (init) => write((stub) => stub.create(init)),
    // Twice is once.
    destroy: () => safe((stub) => stub.destroy()),
    stats: () => safe((stub) => stub.stats()),
    flush: () => safe((stub) => stub.flush()),
    listReflog: (query) => safe((stub) => stub.listReflog(query)),
    snapshot: (query) => safe((stub) => stub.snapshot(query)),
    listRefs: (query) => safe((stub) => stub.listRefs(query)),
    countRefs: (prefix) => safe((stub) => stub.countRefs(prefix)),
    transact: (transaction) => write((stub) => stub.transact(transaction)),
    setHead: (head, reason) => write((stub) => stub.setHead(head, reason)),
    // A turn too many ends by itself.
    takeTurn: (name) => safe((stub) => stub.takeTurn(name)),
    // A reservation too many is swept like any other that comes to nothing.
    beginPack: () => safe((stub) => stub.beginPack()),
    share: () => safe((stub) => stub.share()),
    followMoves: (follow) => safe((stub) => stub.followMoves(follow)),
    // The receipt of the first run answers a second one.
    commit: (request) => (request.idempotency ? safe : write)((stub) => stub.commit(request)),

    async readHot(oids) {
      const objects: GitObject[] = [];
      for (let from = 0; from < oids.length; ) {
        const asked = oids.slice(from, from + IDS_PER_CALL);
        const page = await safe((stub) => stub.readHotPage(asked));
        objects.push(...page.objects);
        from += page.answered;
      }
      return objects;
    },

    async readHotHeaders(oids) {
      const headers = new Map<Oid, ObjectHeader>();
      for (let from = 0; from < oids.length; from += IDS_PER_CALL) {
        const asked = oids.slice(from, from + IDS_PER_CALL);
        const page = await safe((stub) => stub.readHotHeaders(asked));
        for (const [oid, header] of page) headers.set(oid, header);
      }
      return headers;
    },
  };
}
