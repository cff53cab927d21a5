import type { OrgStore } from "../ports/org.ts";
import { createDurableCalls } from "./durable-call.ts";

/** The store behind OrgDO stubs; a stub has the methods of the port, as an RPC stub has them. */
export function createDurableOrgStore(connect: () => OrgStore): OrgStore {
  const { repeat, once } = createDurableCalls(connect);
  return {
    createOrg: (org) => once((stub) => stub.createOrg(org)),
    createKey: (keyHash, actor) => once((stub) => stub.createKey(keyHash, actor)),
    revokeKey: (keyId, actor) => once((stub) => stub.revokeKey(keyId, actor)),
    createToken: (token, actor) => repeat((stub) => stub.createToken(token, actor)),
    listTokens: (query) => repeat((stub) => stub.listTokens(query)),
    revokeToken: (tokenId, actor) => once((stub) => stub.revokeToken(tokenId, actor)),
    createPublicKey: (key, actor) => repeat((stub) => stub.createPublicKey(key, actor)),
    listPublicKeys: () => repeat((stub) => stub.listPublicKeys()),
    deletePublicKey: (kid, actor) => once((stub) => stub.deletePublicKey(kid, actor)),
    revokeSigned: (revocation, actor) => repeat((stub) => stub.revokeSigned(revocation, actor)),
    listRevoked: (limit) => repeat((stub) => stub.listRevoked(limit)),
    // Reserved twice at worst: what is too much is not written, and stays reserved.
    reserve: (reservation) => repeat((stub) => stub.reserve(reservation)),
    release: (reservation) => once((stub) => stub.release(reservation)),
    reportUsage: (rows) => once((stub) => stub.reportUsage(rows)),
    reportStorage: (report) => repeat((stub) => stub.reportStorage(report)),
    readUsage: (query) => repeat((stub) => stub.readUsage(query)),
    readAccount: () => repeat((stub) => stub.readAccount()),
    changePolicy: (patch) => repeat((stub) => stub.changePolicy(patch)),
    // Counted twice at worst.
    authorize: (query) => repeat((stub) => stub.authorize(query)),
    openSession: (session) => repeat((stub) => stub.openSession(session)),
    endSession: (hash) => repeat((stub) => stub.endSession(hash)),
    createRepo: (repo, idempotency, actor) =>
      (idempotency ? repeat : once)((stub) => stub.createRepo(repo, idempotency, actor)),
    updateRepo: (repoId, patch, actor) => repeat((stub) => stub.updateRepo(repoId, patch, actor)),
    deleteRepo: (repoId, actor) => once((stub) => stub.deleteRepo(repoId, actor)),
    hasRepo: (repoId) => repeat((stub) => stub.hasRepo(repoId)),
    listRepos: (query) => repeat((stub) => stub.listRepos(query)),
    createConnection: (connection, idempotency, actor) =>
      (idempotency ? repeat : once)((stub) => stub.createConnection(connection, idempotency, actor)),
    listConnections: () => repeat((stub) => stub.listConnections()),
    findConnection: (id) => repeat((stub) => stub.findConnection(id)),
    updateConnection: (id, patch, actor) => repeat((stub) => stub.updateConnection(id, patch, actor)),
    deleteConnection: (id, actor) => once((stub) => stub.deleteConnection(id, actor)),
  };
}
