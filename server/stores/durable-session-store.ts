import { GitError } from "../git/errors.ts";
import type { CommittingRepoStore } from "../ports/repo.ts";
import type { SessionStore } from "../ports/session.ts";
import { createDurableCalls } from "./durable-call.ts";
import { createDurableRepoStore } from "./durable-repo-store.ts";
import type { RepoRpc } from "./repo-rpc.ts";
import type { SessionRpc } from "./session-rpc.ts";

/** The store behind SessionDO stubs. */
export function createDurableSessionStore(connect: () => SessionRpc): SessionStore {
  const { repeat } = createDurableCalls(connect);
  // All of them come to the same end when they run twice.
  return {
    open: (init) => repeat((stub) => stub.open(init)),
    authorize: (query) => repeat((stub) => stub.authorize(query)),
    status: (keyId) => repeat((stub) => stub.status(keyId)),
    flush: (keyId) => repeat((stub) => stub.flush(keyId)),
    close: (keyId) => repeat((stub) => stub.close(keyId)),
    revoke: () => repeat((stub) => stub.revoke()),
  };
}

/** A repository as a session sees it. */
export function createDurableSessionRepoStore(
  connect: () => SessionRpc,
  repoId: string,
): CommittingRepoStore {
  return createDurableRepoStore(() => bindRepo(connect(), repoId));
}

function bindRepo(stub: SessionRpc, repoId: string): RepoRpc {
  const refuse = () => Promise.reject(notInSession());
  return {
    snapshot: (query) => stub.snapshot(repoId, query),
    listRefs: (query) => stub.listRefs(repoId, query),
    countRefs: (prefix) => stub.countRefs(repoId, prefix),
    readHotPage: (oids) => stub.readHotPage(repoId, oids),
    readHotHeaders: (oids) => stub.readHotHeaders(repoId, oids),
    transact: (transaction) => stub.transact(repoId, transaction),
    listReflog: (query) => stub.listReflog(repoId, query),
    takeTurn: (name) => stub.takeTurn(repoId, name),
    beginPack: () => stub.beginPack(repoId),
    commit: (request) => stub.commit(repoId, request),
    create: refuse,
    destroy: refuse,
    stats: refuse,
    flush: refuse,
    share: refuse,
    followMoves: refuse,
    setHead: refuse,
  };
}

function notInSession(): GitError {
  return new GitError("wrong-type", "this cannot be done in a session", { reason: "not-in-a-session" });
}
