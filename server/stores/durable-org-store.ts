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
    createPublicKey: (key) => repeat((stub) => stub.createPublicKey(key)),
    listPublicKeys: () => repeat((stub) => stub.listPublicKeys()),
    deletePublicKey: (kid) => once((stub) => stub.deletePublicKey(kid)),
    revokeSigned: (revocation) => repeat((stub) => stub.revokeSigned(revocation)),
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
    createRepo: (repo, idempotency) =>
      (idempotency ? repeat : once)((stub) => stub.createRepo(repo, idempotency)),
    updateRepo: (repoId, patch) => repeat((stub) => stub.updateRepo(repoId, patch)),
    deleteRepo: (repoId) => once((stub) => stub.deleteRepo(repoId)),
    hasRepo: (repoId) => repeat((stub) => stub.hasRepo(repoId)),
    listRepos: (query) => repeat((stub) => stub.listRepos(query)),
  };
}
