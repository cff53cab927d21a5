import { createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { createSigningKey, mintToken } from "../../sdk/signing.ts";
import { createMemoryApi, joinMemoryApp, type MemoryApi } from "../testing/memory-api.ts";

const START_MS = 1_800_000_000_000;
const SCOPES = { "repos:app": ["read", "write"] as ("read" | "write")[] };
const ed = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });

let api: MemoryApi;
let now = 0;

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const seconds = () => Math.floor(now / 1_000);

function signInput(input: string, key: KeyObject): string {
  const bytes =
    key.asymmetricKeyType === "ed25519"
      ? sign(null, Buffer.from(input), key)
      : createSign("sha256").update(input).sign({ key, dsaEncoding: "ieee-p1363" });
  return `${input}.${bytes.toString("base64url")}`;
}

/** A token whose parts are as a test wants them. */
function forge(header: object = {}, claims: object = {}, key: KeyObject = ed.privateKey): string {
  const head = { alg: "EdDSA", typ: "JWT", kid: "ed", ...header };
  const body = { iss: "acme", sub: "a", scopes: SCOPES, iat: seconds(), exp: seconds() + 600, ...claims };
  return signInput(`${encode(head)}.${encode(body)}`, key);
}

const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" }) as string;
const ask = (token: string, method = "GET", path = "/v1/repos/app", body?: unknown) =>
  api.call(method, path, body, { "x-api-key": token });
const register = (body: object) => api.call("POST", "/v1/public-keys", body);

beforeEach(async () => {
  now = START_MS;
  api = await createMemoryApi("acme", { now: () => now });
  for (const slug of ["app", "other"]) await api.makeRepo(slug, { init: true });
  expect((await register({ key: pem(ed.publicKey), kid: "ed", name: "CI" })).status).toBe(201);
  expect((await register({ key: p256.publicKey.export({ format: "jwk" }), kid: "ec" })).status).toBe(201);
});

describe("public keys", () => {
  test("are registered as PEM or JWK, listed, and deleted", async () => {
    const { json } = await api.call("GET", "/v1/public-keys");
    expect(json.public_keys).toEqual([
      {
        kid: "ed",
        name: "CI",
        alg: "EdDSA",
        key: { kty: "OKP", crv: "Ed25519", x: ed.publicKey.export({ format: "jwk" }).x },
        scopes: null,
        max_expires_in: 2_592_000,
        created_at: new Date(START_MS).toISOString(),
      },
      expect.objectContaining({ kid: "ec", alg: "ES256", name: null }),
    ]);
    expect((await api.call("DELETE", "/v1/public-keys/ec")).json).toEqual({ deleted: true });
    expect((await api.call("DELETE", "/v1/public-keys/ec")).status).toBe(404);
    expect(((await api.call("GET", "/v1/public-keys")).json.public_keys as unknown[]).length).toBe(1);
  });

  test("get their thumbprint as kid when they are given none, and a kid only once", async () => {
    // RFC 8037, A.3
    const key = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
    expect((await register({ key })).json.kid).toBe("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    // Asked for twice it is the same; anything else under its name is refused.
    expect((await register({ key })).status).toBe(201);
    const other = { key: pem(ed.publicKey), kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" };
    expect((await register(other)).json).toMatchObject({ code: "CONFLICT", reason: "kid-taken" });
    await api.call("DELETE", "/v1/public-keys/ed");
    const again = await register({ key: pem(ed.publicKey), kid: "ed" });
    expect(again.json).toMatchObject({ code: "CONFLICT", reason: "kid-retired" });
  });

  test("are refused by name when they are private, of another kind, or no key at all", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).publicKey;
    const other = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey;
    const point = p256.publicKey.export({ format: "jwk" });
    for (const key of [
      ed.privateKey.export({ type: "pkcs8", format: "pem" }),
      p256.privateKey.export({ type: "sec1", format: "pem" }),
      ed.privateKey.export({ format: "jwk" }),
      rsa.export({ format: "jwk" }),
      pem(rsa),
      pem(other),
      { kty: "oct", crv: "", x: "", k: "c2VjcmV0" },
      { ...point, y: point.x },
      { ...point, x: "AA" },
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
      "{}",
      "null",
      "text",
      7,
    ]) {
      const { status, json } = await register({ key, kid: "bad" });
      const fields = (json.fields as { field: string }[] | undefined)?.map(({ field }) => field);
      expect([key, status, json.code, fields]).toEqual([key, 400, "VALIDATION_ERROR", ["key"]]);
    }
  });

  test("are the master key's business alone", async () => {
    const token = forge();
    for (const [method, path, body] of [
      ["GET", "/v1/public-keys", undefined],
      ["POST", "/v1/public-keys", { key: pem(ed.publicKey), kid: "mine" }],
      ["DELETE", "/v1/public-keys/ed", undefined],
      ["GET", "/v1/revoked-tokens", undefined],
      ["POST", "/v1/revoked-tokens", { jti: "x" }],
    ] as const) {
      expect([method, path, (await ask(token, method, path, body)).status]).toEqual([method, path, 403]);
    }
  });

  test("are at most fifty", async () => {
    for (let n = 0; n < 48; n++) {
      const { publicKey } = generateKeyPairSync("ed25519");
      expect((await register({ key: pem(publicKey) })).status).toBe(201);
    }
    const { status, json } = await register({ key: pem(generateKeyPairSync("ed25519").publicKey) });
    expect([status, json.code, json.limit]).toEqual([402, "QUOTA_EXCEEDED", 50]);
  });
});

describe("a signed token", () => {
  test("does what its scopes say, and writes under its subject's name", async () => {
    for (const token of [
      forge(),
      forge({ alg: "Ed25519" }),
      forge({ alg: "ES256", kid: "ec" }, {}, p256.privateKey),
    ]) {
      expect((await ask(token)).status).toBe(200);
      expect((await ask(token, "GET", "/v1/repos/other")).status).toBe(404);
      const commit = { branch: "main", message: "m", changes: [{ path: "a", content: `${Math.random()}` }] };
      expect((await ask(token, "POST", "/v1/repos/app/commits", commit)).status).toBe(201);
    }
    const bearer = await api.memory.request("/v1/repos/app", {
      headers: { authorization: `Bearer ${forge()}` },
    });
    expect(bearer.status).toBe(200);
    const readOnly = forge({}, { scopes: { "repos:app": ["read"] } });
    const commit = { branch: "main", message: "m", changes: [{ path: "b", content: "" }] };
    expect((await ask(readOnly, "POST", "/v1/repos/app/commits", commit)).status).toBe(403);
  });

  test("is held to globs like any other", async () => {
    const scopes = { "repos:app": { ops: ["read", "write"], refs: ["agent/*"], paths: ["src/**"] } };
    const token = forge({}, { scopes });
    await api.call("POST", "/v1/repos/app/branches", { name: "agent/a", from: "main" });
    const commit = (branch: string, path: string) =>
      ask(token, "POST", "/v1/repos/app/commits", {
        branch,
        message: "m",
        changes: [{ path, content: "x" }],
      });
    expect((await commit("agent/a", "src/a")).status).toBe(201);
    expect((await commit("agent/a", "lib/a")).status).toBe(403);
    expect((await commit("main", "src/a")).status).toBe(403);
  });

  test("made by mintToken with each kind of key is accepted", async () => {
    for (const alg of ["EdDSA", "ES256"] as const) {
      const { privateKey, publicKey } = await createSigningKey(alg);
      const { json } = await register({ key: publicKey });
      const options = { kid: String(json.kid), org: "acme", sub: "b", scopes: SCOPES, expiresIn: 60, now };
      for (const key of [privateKey, JSON.stringify(privateKey)]) {
        expect((await ask(await mintToken({ ...options, privateKey: key }))).status).toBe(200);
      }
    }
    for (const [kid, key] of [
      ["ed", ed.privateKey],
      ["ec", p256.privateKey],
    ] as const) {
      const privateKey = key.export({ type: "pkcs8", format: "pem" }) as string;
      const token = await mintToken({
        privateKey,
        kid,
        org: "acme",
        sub: "b",
        scopes: SCOPES,
        expiresIn: 60,
        now,
      });
      expect((await ask(token)).status).toBe(200);
    }
    const pkcs8 = ed.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    const right = { privateKey: pkcs8, kid: "ed", org: "acme", sub: "b", scopes: SCOPES, expiresIn: 60 };
    for (const wrong of [
      { expiresIn: 2_592_001 },
      { expiresIn: 0.5 },
      { sub: "" },
      { jti: "x".repeat(8_000) },
    ]) {
      await expect(mintToken({ ...right, ...wrong })).rejects.toThrow(RangeError);
    }
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey;
    for (const privateKey of [rsa.export({ type: "pkcs8", format: "pem" }) as string, pem(ed.publicKey)]) {
      const made = mintToken({ privateKey, kid: "ed", org: "acme", sub: "b", scopes: SCOPES, expiresIn: 60 });
      await expect(made).rejects.toThrow(TypeError);
    }
  });

  test("ends when its time is over, and not a second later; a clock may be a minute ahead", async () => {
    const token = forge({}, { iat: seconds() + 60, nbf: seconds() + 60, exp: seconds() + 120 });
    expect((await ask(token)).status).toBe(200);
    now += 119_999;
    expect((await ask(token)).status).toBe(200);
    now += 1;
    expect((await ask(token)).status).toBe(401);
  });

  test("is refused like a key that never was, whatever is wrong with it", async () => {
    const unknown = await ask(`cgk_live_${"0".repeat(40)}`);
    expect(unknown.status).toBe(401);
    const [head, body, signature] = forge().split(".") as [string, string, string];
    const hmac = (alg: string, digest: string) => {
      const input = `${encode({ alg, typ: "JWT", kid: "ed" })}.${body}`;
      const secret = pem(ed.publicKey);
      return `${input}.${createHmac(digest, secret).update(input).digest("base64url")}`;
    };
    const stranger = generateKeyPairSync("ed25519").privateKey;
    const bad: Readonly<Record<string, string>> = {
      "alg none": `${encode({ alg: "none", kid: "ed" })}.${body}.`,
      "alg none with a signature": `${encode({ alg: "none", kid: "ed" })}.${body}.${signature}`,
      "alg HS256 with the public key as secret": hmac("HS256", "sha256"),
      "alg HS512": hmac("HS512", "sha512"),
      "alg RS256": forge({ alg: "RS256" }),
      "alg ES256 on an Ed25519 key": forge({ alg: "ES256" }),
      "alg EdDSA on a P-256 key": forge({ kid: "ec" }, {}, p256.privateKey),
      "kid of the other curve": forge({ kid: "ec" }),
      "another key's signature": forge({}, {}, stranger),
      "its own key in the header": forge(
        { jwk: ed.publicKey.export({ format: "jwk" }), kid: "x" },
        {},
        stranger,
      ),
      "no kid": forge({ kid: undefined }),
      "kid that is no text": forge({ kid: ["ed"] }),
      "unknown kid": forge({ kid: "nobody" }),
      "a changed claim": `${head}.${encode({ ...JSON.parse(Buffer.from(body, "base64url").toString()), sub: "root" })}.${signature}`,
      "no signature": `${head}.${body}.`,
      "a cut signature": `${head}.${body}.${signature.slice(0, 20)}`,
      "critical extension": forge({ crit: ["exp"], exp: 1 }),
      "unencoded payload": forge({ crit: ["b64"], b64: false }),
      "another type": forge({ typ: "dpop+jwt" }),
      "another org": forge({}, { iss: "rival" }),
      "org by its id": forge({}, { iss: "0123456789AB" }),
      "no org": forge({}, { iss: undefined }),
      "another audience": forge({}, { aud: "elsewhere" }),
      "audiences without us": forge({}, { aud: ["a", "coregit-not"] }),
      "no exp": forge({}, { exp: undefined }),
      "exp that is text": forge({}, { exp: "9999999999" }),
      "exp that is an object": forge({}, { exp: {} }),
      over: forge({}, { iat: seconds() - 700, exp: seconds() }),
      "no iat": forge({}, { iat: undefined }),
      "iat in the future": forge({}, { iat: seconds() + 61 }),
      "nbf in the future": forge({}, { nbf: seconds() + 61 }),
      "longer than any may be": forge({}, { exp: seconds() + 2_592_001 }),
      "end before beginning": forge({}, { iat: seconds(), exp: seconds() - 1 }),
      "no scopes": forge({}, { scopes: undefined }),
      "empty scopes": forge({}, { scopes: {} }),
      "unknown operation": forge({}, { scopes: { "repos:app": ["admin"] } }),
      "misspelt scope": forge({}, { scopes: { "repo:app": ["read"] } }),
      "misspelt globs": forge({}, { scopes: { "repos:app": { ops: ["write"], path: ["src/**"] } } }),
      "no sub": forge({}, { sub: undefined }),
      "sub with a line break": forge({}, { sub: "a\nb" }),
      "bad limits": forge({}, { limits: { commits: -1 } }),
      "claims that are a list": signInput(`${head}.${encode([1])}`, ed.privateKey),
      "claims that are no JSON": signInput(
        `${head}.${Buffer.from("x").toString("base64url")}`,
        ed.privateKey,
      ),
      "too large": forge({}, { pad: "x".repeat(8_192) }),
      padding: `${head}=.${body}.${signature}`,
      "four parts": `${forge()}.x`,
    };
    for (const [name, token] of Object.entries(bad)) {
      const { status, json } = await ask(token);
      expect([name, status, json]).toEqual([name, 401, unknown.json]);
    }
    expect((await ask(forge({}, { aud: ["x", "coregit"], exp: seconds() + 2_592_000 }))).status).toBe(200);
  });

  test("proves nothing to another org, although its key is registered there under the same name", async () => {
    const rival = await joinMemoryApp(api.memory, "rival");
    await rival.makeRepo("app");
    await rival.call("POST", "/v1/public-keys", { key: pem(ed.publicKey), kid: "ed" });
    expect((await ask(forge())).status).toBe(200);
    const [head, , signature] = forge().split(".");
    const claims = { iss: "rival", sub: "a", scopes: SCOPES, iat: seconds(), exp: seconds() + 600 };
    expect((await ask(`${head}.${encode(claims)}.${signature}`)).status).toBe(401);
  });

  test("with more than its key may give is refused whole", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const scopes = { "repos:*": ["read"], "repos:app": ["write"], "repos:other": [] as string[] };
    expect((await register({ key: pem(publicKey), kid: "few", scopes })).status).toBe(400);
    const limits = { scopes: { "repos:*": ["read"], "repos:app": ["write"] }, max_expires_in: 900 };
    expect((await register({ key: pem(publicKey), kid: "few", ...limits })).status).toBe(201);
    const status = async (given: object, claims: object = {}) =>
      (await ask(forge({ kid: "few" }, { scopes: given, ...claims }, privateKey))).status;
    expect(await status({ "repos:app": ["read", "write"] })).toBe(200);
    expect(await status({ "repos:*": ["read"] })).toBe(200);
    expect(await status({ "repos:other": ["read", "write"] })).toBe(401);
    expect(await status({ "repos:*": ["write"] })).toBe(401);
    expect(await status({ "repos:app": ["read"] }, { exp: seconds() + 901 })).toBe(401);
  });

  test("ends with its key, the very next request", async () => {
    const token = forge();
    expect((await ask(token)).status).toBe(200);
    await api.call("DELETE", "/v1/public-keys/ed");
    expect((await ask(token)).status).toBe(401);
    expect((await ask(forge({ alg: "ES256", kid: "ec" }, {}, p256.privateKey))).status).toBe(200);
  });

  test("ends when it is revoked, by its jti or by itself, and others do not", async () => {
    const [named, other, unnamed] = [forge({}, { jti: "run 1" }), forge({}, { jti: "run 2" }), forge()];
    for (const token of [named, other, unnamed]) expect((await ask(token)).status).toBe(200);
    const revoked = await api.call("POST", "/v1/revoked-tokens", { jti: "run 1" });
    expect([revoked.status, revoked.json.jti]).toEqual([201, "run 1"]);
    expect((await ask(named)).status).toBe(401);
    // Signed anew it is the same token.
    expect((await ask(forge({ alg: "ES256", kid: "ec" }, { jti: "run 1" }, p256.privateKey))).status).toBe(
      401,
    );
    expect((await ask(unnamed)).status).toBe(200);
    await api.call("POST", "/v1/revoked-tokens", { token: unnamed });
    expect((await ask(unnamed)).status).toBe(401);
    expect((await ask(other)).status).toBe(200);
    const { json } = await api.call("GET", "/v1/revoked-tokens");
    expect([json.total, (json.revoked_tokens as { jti: unknown }[]).map(({ jti }) => jti)]).toEqual([
      2,
      [null, "run 1"],
    ]);
    for (const body of [
      {},
      { token: "x" },
      { jti: "" },
      { jti: "a", expires_at: new Date(now).toISOString() },
    ]) {
      expect([body, (await api.call("POST", "/v1/revoked-tokens", body)).status]).toEqual([body, 400]);
    }
  });

  test("of ECDSA that was revoked does not come back by turning its signature into its twin", async () => {
    const token = forge({ alg: "ES256", kid: "ec" }, {}, p256.privateKey);
    const [head, body, signature] = token.split(".") as [string, string, string];
    const bytes = Buffer.from(signature, "base64url");
    const order = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    const s = order - BigInt(`0x${bytes.subarray(32).toString("hex")}`);
    const twin = `${head}.${body}.${Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, "0"), "hex")]).toString("base64url")}`;
    expect((await ask(twin)).status).toBe(200);
    await api.call("POST", "/v1/revoked-tokens", { token });
    expect((await ask(token)).status).toBe(401);
    expect((await ask(twin)).status).toBe(401);
  });
});
