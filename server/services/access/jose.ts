/** The one door to the package that knows JOSE (RFC 7515 to 7519): keys and signatures. */
import { calculateJwkThumbprint, compactVerify, exportJWK, importJWK, importSPKI } from "jose";
import { findUtf8 } from "../../git/bytes/text.ts";
import type { PublicJwk, PublicKeyRecord } from "../../ports/access.ts";

export type SigningAlg = PublicKeyRecord["alg"];

/** A key that signatures can be checked with. */
export type VerifyingKey = Awaited<ReturnType<typeof importSPKI>>;

export type ParsedPublicKey =
  | {
      readonly kind: "parsed";
      readonly alg: SigningAlg;
      readonly jwk: PublicJwk;
      /** RFC 7638, SHA-256 in base64url. */
      readonly thumbprint: string;
    }
  | { readonly kind: "invalid"; readonly message: string };

/** Header values that a key of each kind may be used with; `Ed25519` is the name by RFC 9864. */
const ALGORITHMS: Readonly<Record<SigningAlg, readonly string[]>> = {
  EdDSA: ["EdDSA", "Ed25519"],
  ES256: ["ES256"],
};
const NEEDED = "an Ed25519 or P-256 public key, as JWK or as PEM (BEGIN PUBLIC KEY)";
/** Members of a JWK that are secret: d, and those of RSA and symmetric keys. */
const SECRET_MEMBERS = ["d", "k", "p", "q"];

/** Reads a public key as JWK object, JWK text or PEM, and brings it to one form. Points off the curve are refused. */
export async function parsePublicKey(
  material: string | Readonly<Record<string, unknown>>,
): Promise<ParsedPublicKey> {
  if (typeof material === "string" && /-----BEGIN (?:\w+ )?PRIVATE KEY-----/.test(material))
    return isPrivate();
  if (typeof material === "string" && material.includes("-----BEGIN")) return parsePem(material);
  const jwk = typeof material === "string" ? parseObject(material) : material;
  if (!jwk) return { kind: "invalid", message: `must be ${NEEDED}` };
  if (SECRET_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return isPrivate();
  const alg = algOf(jwk);
  if (!alg) return { kind: "invalid", message: `must be ${NEEDED}` };
  try {
    return await describe(alg, (await importJWK({ ...jwk, ext: true }, alg)) as VerifyingKey);
  } catch {
    return { kind: "invalid", message: "is no key of its curve" };
  }
}

async function parsePem(pem: string): Promise<ParsedPublicKey> {
  for (const alg of ["EdDSA", "ES256"] as const) {
    try {
      return await describe(alg, await importSPKI(pem.trim(), alg, { extractable: true }));
    } catch {
      // Of the other kind, or none at all: said below.
    }
  }
  return { kind: "invalid", message: `must be ${NEEDED}` };
}

async function describe(alg: SigningAlg, key: VerifyingKey): Promise<ParsedPublicKey> {
  const { kty = "", crv = "", x = "", y } = await exportJWK(key);
  const jwk: PublicJwk = { kty, crv, x, ...(y !== undefined && { y }) };
  return { kind: "parsed", alg, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

function algOf({ kty, crv }: Readonly<Record<string, unknown>>): SigningAlg | null {
  if (kty === "OKP" && crv === "Ed25519") return "EdDSA";
  return kty === "EC" && crv === "P-256" ? "ES256" : null;
}

function isPrivate(): ParsedPublicKey {
  return { kind: "invalid", message: "holds a private key: replace it, and register its public half" };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null; // told by the caller
  }
}

/** Makes a key of one that {@link parsePublicKey} has read. */
export async function openVerifyingKey({
  alg,
  jwk,
}: Pick<PublicKeyRecord, "alg" | "jwk">): Promise<VerifyingKey> {
  // Of an asymmetric key the package makes nothing else.
  return (await importJWK({ ...jwk }, alg)) as VerifyingKey;
}

/**
 * The claims of a token (any JSON value) when its signature is the key's, by an algorithm of the key's own kind; else null.
 * Other algorithms, `none` and those with shared secrets among them, are refused before any of them is tried.
 */
export async function readSignature(token: string, alg: SigningAlg, key: VerifyingKey): Promise<unknown> {
  try {
    const { payload, protectedHeader } = await compactVerify(token, key, {
      algorithms: [...ALGORITHMS[alg]],
    });
    const { typ, b64 } = protectedHeader;
    if (b64 === false || (typ !== undefined && typ.toUpperCase() !== "JWT")) return null;
    return JSON.parse(findUtf8(payload) ?? "null");
  } catch {
    return null; // whatever is wrong with a token: it proves nothing
  }
}
