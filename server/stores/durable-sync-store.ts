import type { SyncStore } from "../ports/sync.ts";
import { createDurableCalls } from "./durable-call.ts";

/** The store behind SyncDO stubs; a stub has the methods of the port, as an RPC stub has them. */
export function createDurableSyncStore(connect: () => SyncStore): SyncStore {
  const { repeat, once } = createDurableCalls(connect);
  return {
    createLink: (repo, link, idempotency) =>
      (idempotency ? repeat : once)((stub) => stub.createLink(repo, link, idempotency)),
    listLinks: () => repeat((stub) => stub.listLinks()),
    findLink: (id) => repeat((stub) => stub.findLink(id)),
    updateLink: (id, patch) => repeat((stub) => stub.updateLink(id, patch)),
    deleteLink: (id) => once((stub) => stub.deleteLink(id)),
    // A second one of the same work is given the first.
    start: (repo, request) => repeat((stub) => stub.start(repo, request)),
    findRun: (id) => repeat((stub) => stub.findRun(id)),
    awaitRun: (id, waitMs) => repeat((stub) => stub.awaitRun(id, waitMs)),
    listRuns: (query) => repeat((stub) => stub.listRuns(query)),
    notePush: () => repeat((stub) => stub.notePush()),
    noteHook: (linkId) => repeat((stub) => stub.noteHook(linkId)),
    destroy: () => repeat((stub) => stub.destroy()),
  };
}
