import { DurableObject } from "cloudflare:workers";
import type { NewPublicKey, NewRevocation } from "../ports/access.ts";
import type { PolicyPatch, Reservation, UsageQuery, UsageRow } from "../ports/account.ts";
import type { OrgAccount } from "./org-account.ts";
import type { OrgSigned } from "./org-signed.ts";

/** Those calls of an org's object that are about what it may use and has used, and about tokens that it signs itself. */
export abstract class OrgAccountMethods<E> extends DurableObject<E> {
  // Fields of the instance, not getters: callers of the object reach what is on the prototype only.
  protected abstract readonly account: OrgAccount;
  protected abstract readonly signed: OrgSigned;

  async createPublicKey(key: NewPublicKey) {
    return this.signed.createKey(key);
  }

  async listPublicKeys() {
    return this.signed.listKeys();
  }

  async deletePublicKey(kid: string) {
    return this.signed.deleteKey(kid);
  }

  async revokeSigned(revocation: NewRevocation) {
    return this.signed.revoke(revocation);
  }

  async listRevoked(limit: number) {
    return this.signed.listRevoked(limit);
  }

  async reserve(reservation: Reservation) {
    return this.account.reserve(reservation);
  }

  async release(reservation: Pick<Reservation, "keyId" | "commits" | "bytes">) {
    this.account.release(reservation);
  }

  async reportUsage(rows: readonly UsageRow[]) {
    this.account.addUsage(rows);
  }

  async reportStorage(report: { readonly repoId: string; readonly bytes: number }) {
    this.account.setStorage(report);
  }

  async readUsage(query: UsageQuery) {
    return this.account.readUsage(query);
  }

  async readAccount() {
    return this.account.read();
  }

  async changePolicy(patch: PolicyPatch) {
    return this.account.changePolicy(patch);
  }
}
