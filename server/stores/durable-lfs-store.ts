import type { LfsStore } from "../ports/lfs.ts";
import { createDurableCalls } from "./durable-call.ts";
import type { LfsRpc } from "./lfs-rpc.ts";

/** The large files of a repository behind its LfsDO. */
export function createDurableLfsStore(connect: () => LfsRpc): LfsStore {
  const calls = createDurableCalls(connect);
  return {
    find: (oids) => calls.repeat((stub) => stub.find(oids)),
    // A repetition leaves places that nobody uses; they are swept.
    expect: (objects) => calls.repeat((stub) => stub.expect(objects)),
    listExpected: (oid) => calls.repeat((stub) => stub.listExpected(oid)),
    confirm: (object) => calls.repeat((stub) => stub.confirm(object)),
    lock: (path, owner) => calls.once((stub) => stub.lock(path, owner)),
    listLocks: (query) => calls.repeat((stub) => stub.listLocks(query)),
    unlock: (id, owner, force) => calls.once((stub) => stub.unlock(id, owner, force)),
    adopt: (sourceRepoId) => calls.repeat((stub) => stub.adopt(sourceRepoId)),
    destroy: () => calls.repeat((stub) => stub.destroy()),
  };
}
