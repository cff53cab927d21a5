/**
 * Names that carry their org: org id = 12 chars, master key = `cgk_live_` + org id + 28 random chars, token = `cgt_` + the same,
 * key id = `key_` + org id + `_` + random. So a request finds its org's store without a look-up.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ORG_ID_CHARS = 12;
const SECRET_CHARS = 28;
const KEY_ID_CHARS = 16;
const REPO_ID_CHARS = 22;
const KEY = /^cgk_live_([0-9A-Za-z]{12})[0-9A-Za-z]{28}$/;
const TOKEN = /^cgt_([0-9A-Za-z]{12})[0-9A-Za-z]{28}$/;
const KEY_ID = /^key_([0-9A-Za-z]{12})_[0-9A-Za-z]{16}$/;
/** Bytes from here on would make the first letters likelier than the last. */
const FAIR_BYTES = 256 - (256 % ALPHABET.length);

/** Id of the org with this slug: the first 12 base-62 digits of SHA-256("org:" + slug), 71 bits. */
export function orgIdOf(slug: string): string {
  let rest = BigInt(`0x${createHash("sha256").update(`org:${slug}`).digest("hex")}`);
  let digits = "";
  for (let i = 0; i < ORG_ID_CHARS; i++) {
    digits += ALPHABET[Number(rest % 62n)];
    rest /= 62n;
  }
  return digits;
}

/** A new master key, to be shown once. */
export function createKeySecret(orgId: string): string {
  return `cgk_live_${orgId}${randomText(SECRET_CHARS)}`;
}

/** Org id inside a master key; null when `secret` has not the shape of one. */
export function findKeyOrg(secret: string): string | null {
  return KEY.exec(secret)?.[1] ?? null;
}

/** A new token, to be shown once. */
export function createTokenSecret(orgId: string): string {
  return `cgt_${orgId}${randomText(SECRET_CHARS)}`;
}

/** Org id inside a token; null when `secret` has not the shape of one. */
export function findTokenOrg(secret: string): string | null {
  return TOKEN.exec(secret)?.[1] ?? null;
}

export function createTokenId(orgId: string): string {
  return `tok_${orgId}_${randomText(KEY_ID_CHARS)}`;
}

/** SHA-256 in hex: all that is ever stored of a secret. Fast is right: secrets are 166 random bits, no passwords. */
export function hashSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Compares two hex SHA-256 in constant time. */
export function equalHashes(a: string, b: string): boolean {
  const left = Buffer.from(a, "hex");
  const right = Buffer.from(b, "hex");
  return left.length === 32 && right.length === 32 && timingSafeEqual(left, right);
}

export function createKeyId(orgId: string): string {
  return `key_${orgId}_${randomText(KEY_ID_CHARS)}`;
}

/** Org id inside a key id; null when it is none. */
export function findKeyIdOrg(keyId: string): string | null {
  return KEY_ID.exec(keyId)?.[1] ?? null;
}

/** Id of a new repository, never used again, also not after a deletion. */
export function createRepoId(): string {
  return `repo_${randomText(REPO_ID_CHARS)}`;
}

/** Base-62 digits, 5.95 bits each. */
export function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < FAIR_BYTES && text.length < length) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
