import type { Timing } from "../middleware/timing.ts";
import type { CommittingRepoStore, RepoHandle } from "../ports/repo.ts";

/** The same repository, with its waiting written to the request's Server-Timing. */
export function timeRepo<T extends RepoHandle>(repo: T, timing: Timing): T {
  const { store } = repo;
  const refs = <R>(work: () => Promise<R>) => timing.measure("refs", work);
  const stored = <R>(work: () => Promise<R>) => timing.measure("store", work);
  const timedStore: CommittingRepoStore = {
    snapshot: (query) => refs(() => store.snapshot(query)),
    listRefs: (query) => refs(() => store.listRefs(query)),
    countRefs: (prefix) => refs(() => store.countRefs(prefix)),
    listReflog: (query) => refs(() => store.listReflog(query)),
    setHead: (head, reason) => refs(() => store.setHead(head, reason)),
    readHot: (oids) => stored(() => store.readHot(oids)),
    readHotHeaders: (oids) => stored(() => store.readHotHeaders(oids)),
    transact: (transaction) => stored(() => store.transact(transaction)),
    takeTurn: (name) => refs(() => store.takeTurn(name)),
    beginPack: () => stored(() => store.beginPack()),
    commit: (request) => stored(() => store.commit(request)),
    share: () => stored(() => store.share()),
  };
  return {
    ...repo,
    store: timedStore,
    objects: timeReader(repo.objects, stored),
    settled: timeReader(repo.settled, stored),
    snapshot: (names) => refs(() => repo.snapshot(names)),
  };
}

function timeReader(
  objects: RepoHandle["objects"],
  measure: <R>(work: () => Promise<R>) => Promise<R>,
): RepoHandle["objects"] {
  const openObject = objects.openObject?.bind(objects);
  const readStored = objects.readStored?.bind(objects);
  return {
    readObjects: (oids) => measure(() => objects.readObjects(oids)),
    readHeaders: (oids) => measure(() => objects.readHeaders(oids)),
    ...(openObject && { openObject: (oid, range) => measure(() => openObject(oid, range)) }),
    ...(readStored && { readStored }),
  };
}
