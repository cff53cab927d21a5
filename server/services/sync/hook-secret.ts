/**
 * Secrets of the hooks that other servers call. They are derived from the deployment's key and the link's id, so nothing
 * is stored, and a call with a wrong one is refused without waking anything.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

export interface HookSecrets {
  /** What the other server is to be told, once. */
  secretOf(linkId: string): string;
  /** Those that are accepted: also the one from before a rotation of the key. */
  acceptedOf(linkId: string): readonly string[];
}

const PURPOSE = "coregit hook secrets v1";

/** null without a key. `current` and `previous` as for the sealer, whose form was checked there. */
export function createHookSecrets(keys: {
  readonly current: string | undefined;
  readonly previous?: string | undefined;
}): HookSecrets | null {
  if (!keys.current) return null;
  const current = deriveKey(keys.current);
  const previous = keys.previous ? deriveKey(keys.previous) : null;
  return {
    secretOf: (linkId) => derive(current, linkId),
    acceptedOf: (linkId) => [derive(current, linkId), ...(previous ? [derive(previous, linkId)] : [])],
  };
}

/** A key of its own: what seals must not sign as well. */
function deriveKey(text: string): Buffer {
  return createHmac("sha256", Buffer.from(text, "base64url")).update(PURPOSE).digest();
}

function derive(key: Buffer, linkId: string): string {
  return createHmac("sha256", key).update(linkId).digest("base64url");
}

/** What a hook's caller sends to prove itself, by the header that it sends. */
export interface HookProof {
  /** `X-Hub-Signature-256`: `sha256=` + hex of HMAC-SHA256 over the body. */
  readonly signature: string | null;
  /** `X-Gitlab-Token`: the secret itself. */
  readonly token: string | null;
}

/** Reads a body once and says in the end whether the caller knew one of the secrets. Compares in constant time. */
export function createHookCheck(secrets: readonly string[], { signature, token }: HookProof) {
  const macs = secrets.map((secret) => createHmac("sha256", secret));
  return {
    update(chunk: Uint8Array): void {
      for (const mac of macs) mac.update(chunk);
    },
    isProven(): boolean {
      const bySignature =
        signature === null ? [] : macs.map((mac) => equalTexts(`sha256=${mac.digest("hex")}`, signature));
      const byToken = token === null ? [] : secrets.map((secret) => equalTexts(secret, token));
      return [...bySignature, ...byToken].some((proven) => proven);
    },
  };
}

/** Texts of other lengths are compared by their digests, so that the time says nothing. */
function equalTexts(a: string, b: string): boolean {
  const digest = (text: string) => createHmac("sha256", PURPOSE).update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

const LINK_ID = /^sync_([0-9A-Za-z]{22})_[0-9A-Za-z]{12}$/;

/** Id of a link: it names its repository, so that a hook finds it without a directory. */
export function formatLinkId(repoId: string, random: string): string {
  return `sync_${repoId.slice("repo_".length)}_${random}`;
}

/** Id of the repository that a link belongs to; null for what is no link's id. */
export function findLinkRepo(linkId: string): string | null {
  const part = LINK_ID.exec(linkId)?.[1];
  return part === undefined ? null : `repo_${part}`;
}
