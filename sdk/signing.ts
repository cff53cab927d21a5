import { LIMITS } from "./contract/limits.ts";
import type { PublicKeyCreate, SignedClaims } from "./contract/public-keys.ts";

/** A private key: JWK as object or text, PEM (`BEGIN PRIVATE KEY`), or one of WebCrypto. Ed25519 or P-256. */
export type SigningKey = string | Readonly<JsonWebKey> | CryptoKey;

export interface MintOptions {
  readonly privateKey: SigningKey;
  /** Under which the public half is registered. */
  readonly kid: string;
  /** Slug of the org. */
  readonly org: string;
  readonly scopes: SignedClaims["scopes"];
  /** Who writes: 1 to 100 characters. */
  readonly sub: string;
  /** Seconds until it ends, from now; at most 2,592,000, or what the key was registered with. */
  readonly expiresIn: number;
  /** Tells it apart, to be revoked by. Default: a random one. */
  readonly jti?: string;
  /** How much may be written with it. */
  readonly limits?: SignedClaims["limits"];
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: number;
}

const ED25519 = { name: "Ed25519" } as const;
const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const BYTES_PER_CALL = 8_192;

/**
 * Makes a token without asking the server. It may be used wherever a key is: as `apiKey`, or as git's password.
 * @throws TypeError when the key is neither Ed25519 nor P-256, or no private key
 * @throws RangeError for a time, a subject or a token beyond what the server takes; it could only answer 401
 *
 * @example
 * const apiKey = await mintToken({
 *   privateKey: process.env.SIGNING_KEY ?? "",
 *   kid: "ci-2026",
 *   org: "acme",
 *   sub: "agent-7",
 *   scopes: { "repos:app": { ops: ["read", "write"], refs: ["agent-7/**"] } },
 *   expiresIn: 900,
 * });
 */
export async function mintToken(options: MintOptions): Promise<string> {
  checkRange("seconds until it ends", options.expiresIn, LIMITS.signedTokenSecondsMax);
  checkRange("characters of sub", options.sub.length, LIMITS.subjectChars);
  const key = await openKey(options.privateKey);
  const isEdwards = key.algorithm.name === ED25519.name;
  const issued = Math.floor((options.now ?? Date.now()) / 1_000);
  const claims: SignedClaims = {
    iss: options.org,
    sub: options.sub,
    scopes: options.scopes,
    iat: issued,
    exp: issued + options.expiresIn,
    jti: options.jti ?? crypto.randomUUID(),
    ...(options.limits && { limits: options.limits }),
  };
  const header = { alg: isEdwards ? "EdDSA" : "ES256", typ: "JWT", kid: options.kid };
  const input = `${encodeJson(header)}.${encodeJson(claims)}`;
  const signature = await crypto.subtle.sign(
    isEdwards ? ED25519 : P256,
    key,
    new TextEncoder().encode(input),
  );
  const token = `${input}.${encodeBase64url(new Uint8Array(signature))}`;
  checkRange("characters of the token", token.length, LIMITS.signedTokenChars);
  return token;
}

function checkRange(what: string, value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return;
  throw new RangeError(`${what}: ${value}, but 1 to ${max} are taken`);
}

/**
 * A new pair of keys, both as JWK: register `publicKey`, and keep `privateKey` where the tokens are made.
 *
 * @example
 * const { publicKey, privateKey } = await createSigningKey();
 * await cg.publicKeys.create({ key: publicKey, kid: "ci-2026" });
 */
export async function createSigningKey(
  alg: "EdDSA" | "ES256" = "EdDSA",
): Promise<{ readonly privateKey: JsonWebKey; readonly publicKey: Exclude<PublicKeyCreate["key"], string> }> {
  // Asymmetric algorithms give pairs.
  const pair = (await crypto.subtle.generateKey(alg === "EdDSA" ? ED25519 : P256, true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  // By the format that was asked for; some platforms' types do not say so.
  const privateKey = (await crypto.subtle.exportKey("jwk", pair.privateKey)) as JsonWebKey;
  const { kty = "", crv = "", x = "", y } = privateKey;
  return { privateKey, publicKey: { kty, crv, x, ...(y !== undefined && { y }) } };
}

async function openKey(key: SigningKey): Promise<CryptoKey> {
  if (typeof key === "object" && "algorithm" in key) return checkKey(key as CryptoKey);
  if (typeof key === "string" && key.includes("-----BEGIN")) return openPem(key);
  const jwk: JsonWebKey = typeof key === "string" ? JSON.parse(key) : key;
  if (jwk.d === undefined) throw new TypeError("this is no private key: a JWK of one has a member d");
  // What a key may be used for is said by some makers and not by others; it is used to sign here.
  const { kty, crv, x, y, d } = jwk as Record<"kty" | "crv" | "x" | "y" | "d", string>;
  if (crv === "Ed25519") {
    return crypto.subtle.importKey("jwk", { kty, crv, x, d }, ED25519, false, ["sign"]);
  }
  if (crv === "P-256") return crypto.subtle.importKey("jwk", { kty, crv, x, y, d }, P256, false, ["sign"]);
  throw new TypeError("the key is neither Ed25519 nor P-256");
}

async function openPem(pem: string): Promise<CryptoKey> {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
  if (body === undefined) throw new TypeError("the PEM must hold one PRIVATE KEY (PKCS #8)");
  const bytes = Uint8Array.from(atob(body.replace(/\s+/g, "")), (char) => char.charCodeAt(0));
  for (const algorithm of [ED25519, P256]) {
    try {
      return await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]);
    } catch {
      // Of the other curve, or of none that is taken: told below.
    }
  }
  throw new TypeError("the key is neither Ed25519 nor P-256");
}

function checkKey(key: CryptoKey): CryptoKey {
  const { name } = key.algorithm;
  const curve: unknown = Reflect.get(key.algorithm, "namedCurve");
  if (name !== ED25519.name && !(name === P256.name && curve === P256.namedCurve)) {
    throw new TypeError("the key is neither Ed25519 nor P-256");
  }
  if (!key.usages.includes("sign")) throw new TypeError("the key may not be used to sign");
  return key;
}

function encodeJson(value: object): string {
  return encodeBase64url(new TextEncoder().encode(JSON.stringify(value)));
}

function encodeBase64url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += BYTES_PER_CALL) {
    text += String.fromCharCode(...bytes.subarray(at, at + BYTES_PER_CALL));
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
