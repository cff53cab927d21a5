/**
 * Secrets that must be readable again (credentials of remotes, signing secrets of webhooks), sealed for storage.
 * Form: `v1.` + id of the key (8 hex) + `.` + base64url of 12 bytes IV, ciphertext, 16 bytes tag. AES-256-GCM, a random
 * IV per secret; safe for about 2^32 secrets per key (NIST SP 800-38D, 8.3).
 */

/** Seals and opens; `context` (say `connection:ORG:ID`) must be the same at both, so a row moved elsewhere is useless. */
export interface SecretSealer {
  seal(plain: string, context: string): Promise<string>;
  open(sealed: string, context: string): Promise<OpenedSecret>;
}

export type OpenedSecret =
  | { readonly kind: "opened"; readonly plain: string }
  /** Sealed with a key that this deployment no longer has. */
  | { readonly kind: "unknown-key" }
  /** Changed, cut, or of another context. */
  | { readonly kind: "damaged" };

const VERSION = "v1";
const IV_BYTES = 12;
const KEY = /^[A-Za-z0-9_-]{43}$/;
const ALGORITHM = "AES-GCM";

interface SealingKey {
  readonly id: string;
  readonly key: CryptoKey;
}

/**
 * @param keys `current` seals, both open: set `previous` to the old key while secrets are sealed anew; each is 32 bytes
 *   in base64url. null = the deployment has no key: nothing may be sealed
 * @throws Error when a key is not of that form
 */
export function createSecretSealer(keys: {
  readonly current: string | undefined;
  readonly previous?: string | undefined;
}): SecretSealer | null {
  if (!keys.current) return null;
  const current = importKey(keys.current, "SECRETS_KEY");
  const previous = keys.previous ? importKey(keys.previous, "SECRETS_KEY_PREVIOUS") : null;
  return {
    async seal(plain, context) {
      const { id, key } = await current();
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const sealed = await crypto.subtle.encrypt(
        describeCipher(iv, context),
        key,
        Buffer.from(plain, "utf8"),
      );
      return `${VERSION}.${id}.${Buffer.concat([iv, new Uint8Array(sealed)]).toString("base64url")}`;
    },
    async open(sealed, context) {
      const [version, id, text, ...rest] = sealed.split(".");
      if (version !== VERSION || text === undefined || rest.length > 0) return { kind: "damaged" };
      const candidates = await Promise.all([current(), ...(previous ? [previous()] : [])]);
      const found = candidates.find((candidate) => candidate.id === id);
      if (!found) return { kind: "unknown-key" };
      return openWith(found.key, Buffer.from(text, "base64url"), context);
    },
  };
}

async function openWith(key: CryptoKey, bytes: Uint8Array, context: string): Promise<OpenedSecret> {
  try {
    const cipher = describeCipher(bytes.slice(0, IV_BYTES), context);
    const plain = await crypto.subtle.decrypt(cipher, key, bytes.slice(IV_BYTES));
    return { kind: "opened", plain: Buffer.from(plain).toString("utf8") };
  } catch (error) {
    // What WebCrypto throws for a wrong tag and for too few bytes; anything else is a fault of ours.
    if (error instanceof Error && /^(OperationError|DataError)$/.test(error.name)) return { kind: "damaged" };
    throw error;
  }
}

function describeCipher(iv: Uint8Array<ArrayBuffer>, context: string) {
  return { name: ALGORITHM, iv, additionalData: Buffer.from(context, "utf8") };
}

/** Checks at once, imports once and at first use: a deployment that seals nothing pays nothing. */
function importKey(text: string, variable: string): () => Promise<SealingKey> {
  if (!KEY.test(text)) throw new Error(`${variable} must be 32 bytes in base64url (43 characters)`);
  const bytes = Buffer.from(text, "base64url");
  let imported: Promise<SealingKey> | undefined;
  return () => {
    imported ??= importBytes(bytes);
    return imported;
  };
}

async function importBytes(bytes: Uint8Array<ArrayBuffer>): Promise<SealingKey> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const key = await crypto.subtle.importKey("raw", bytes, ALGORITHM, false, ["encrypt", "decrypt"]);
  return { id: Buffer.from(digest).toString("hex").slice(0, 8), key };
}
