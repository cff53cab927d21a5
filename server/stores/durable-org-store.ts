import type { OrgStore } from "../ports/org.ts";
import { createDurableCalls } from "./durable-call.ts";

/** The store behind OrgDO stubs; a stub has the methods of the port, as an RPC stub has them. */
export function createDurableOrgStore(connect: () => OrgStore): OrgStore {
  const { repeat, once } = createDurableCalls(connect);
  return {
    createOrg: (org) => once((stub) => stub.createOrg(org)),
    createKey: (keyHash) => once((stub) => stub.createKey(keyHash)),
    revokeKey: (keyId) => once((stub) => stub.revokeKey(keyId)),
    createToken: (token) => repeat((stub) => stub.createToken(token)),
    listTokens: (query) => repeat((stub) => stub.listTokens(query)),
    revokeToken: (tokenId) => once((stub) => stub.revokeToken(tokenId)),
    // Counted twice at worst.
    authorize: (query) => repeat((stub) => stub.authorize(query)),
    openSession: (session) => repeat((stub) => stub.openSession(session)),
    endSession: (hash) => repeat((stub) => stub.endSession(hash)),
    createRepo: (repo, idempotency) =>
      (idempotency ? repeat : once)((stub) => stub.createRepo(repo, idempotency)),
    updateRepo: (repoId, patch) => repeat((stub) => stub.updateRepo(repoId, patch)),
    deleteRepo: (repoId) => once((stub) => stub.deleteRepo(repoId)),
    hasRepo: (repoId) => repeat((stub) => stub.hasRepo(repoId)),
    listRepos: (query) => repeat((stub) => stub.listRepos(query)),
    createConnection: (connection, idempotency) =>
      (idempotency ? repeat : once)((stub) => stub.createConnection(connection, idempotency)),
    listConnections: () => repeat((stub) => stub.listConnections()),
    findConnection: (id) => repeat((stub) => stub.findConnection(id)),
    updateConnection: (id, patch) => repeat((stub) => stub.updateConnection(id, patch)),
    deleteConnection: (id) => once((stub) => stub.deleteConnection(id)),
  };
}
