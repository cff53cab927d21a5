import { LIMITS } from "../../sdk/contract/limits.ts";
import type {
  NewPublicKey,
  NewRevocation,
  PublicKeyCreation,
  PublicKeyRecord,
  SignedGrant,
} from "../ports/access.ts";
import type { Credential } from "../ports/org.ts";
import { formatKidPrefix, parseSignedId } from "../services/access/signed-id.ts";
import { createSignedTokens, type SignedTokens } from "../services/access/signed-tokens.ts";
import type { OrgFacts } from "./org-directory.ts";
import { createPublicKeyTable, type PublicKeyTable } from "./org-public-keys.ts";
import { doomSessionsOfKid, doomSessionsOfSigned, findSessionGrant } from "./org-sessions.ts";

export interface OrgSignedDeps {
  readonly sql: SqlStorage;
  readonly now: () => number;
  readonly findOrg: () => OrgFacts | null;
  /** Ends watches that have this tag, and sessions that are marked for their end. */
  readonly endOf: (tag: string) => Promise<void>;
}

/** Tokens that an org signs itself: its public keys, and what it has taken back. */
export class OrgSigned {
  readonly #deps: OrgSignedDeps;
  readonly #keys: PublicKeyTable;
  readonly #tokens: SignedTokens;

  constructor(deps: OrgSignedDeps) {
    this.#deps = deps;
    this.#keys = createPublicKeyTable(deps.sql);
    this.#tokens = createSignedTokens({
      orgSlug: () => deps.findOrg()?.slug ?? null,
      findKey: (kid) => (deps.findOrg() ? this.#keys.find(kid) : null),
      isRevoked: (tokenHash) => this.#keys.isRevoked(tokenHash),
      now: deps.now,
    });
  }

  createKey(key: NewPublicKey): PublicKeyCreation {
    return this.#keys.insert(key, this.#deps.now());
  }

  listKeys(): readonly PublicKeyRecord[] {
    return this.#keys.list();
  }

  async deleteKey(kid: string): Promise<boolean> {
    const { sql, now, findOrg, endOf } = this.#deps;
    if (!findOrg() || !this.#keys.remove(kid, now())) return false;
    this.#tokens.forget();
    doomSessionsOfKid(sql, kid);
    await endOf(formatKidPrefix(kid));
    return true;
  }

  async revoke(revoked: NewRevocation) {
    const { sql, now, endOf } = this.#deps;
    const revocation = this.#keys.revoke(revoked, now());
    if (!revocation) return { kind: "full", limit: LIMITS.revokedTokens } as const;
    doomSessionsOfSigned(sql, revoked.tokenHash);
    await endOf(revoked.tokenHash);
    return { kind: "revoked", revocation } as const;
  }

  listRevoked(limit: number) {
    return this.#keys.listRevoked(limit, this.#deps.now());
  }

  /** What a token grants now; null: nothing. */
  find(token: string): Promise<SignedGrant | null> {
    return this.#tokens.find(token);
  }

  /** The same for the token that opened a session. */
  findOfSession({ hash }: Extract<Credential, { kind: "session" }>): SignedGrant | null {
    const grant = this.#deps.findOrg() ? findSessionGrant(this.#deps.sql, hash) : null;
    return grant && this.#tokens.isLive(grant) ? grant : null;
  }

  /** Whether a signed token, whose times are not known here, was not taken back; null: the id is of none. */
  isKept(keyId: string): boolean | null {
    const signed = parseSignedId(keyId);
    if (!signed) return null;
    return this.#keys.find(signed.kid) !== null && !this.#keys.isRevoked(signed.tokenHash);
  }
}
