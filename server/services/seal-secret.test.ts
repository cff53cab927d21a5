import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createSecretSealer, type SecretSealer } from "./seal-secret.ts";

const createKey = () => randomBytes(32).toString("base64url");

function createSealer(current: string, previous?: string): SecretSealer {
  const sealer = createSecretSealer({ current, previous });
  if (!sealer) throw new Error("no sealer");
  return sealer;
}

describe("a sealed secret", () => {
  const key = createKey();
  const sealer = createSealer(key);

  it("opens in its own context, and holds nothing of the plain text", async () => {
    const sealed = await sealer.seal("ghp_secret €", "connection:o:1");
    expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed.split(".")[2] ?? "", "base64url").toString("latin1")).not.toContain("ghp");
    expect(await sealer.open(sealed, "connection:o:1")).toEqual({ kind: "opened", plain: "ghp_secret €" });
  });

  it("is another text each time", async () => {
    expect(await sealer.seal("same", "c")).not.toBe(await sealer.seal("same", "c"));
  });

  it("does not open in the context of another row", async () => {
    const sealed = await sealer.seal("secret", "connection:o:1");
    expect(await sealer.open(sealed, "connection:o:2")).toEqual({ kind: "damaged" });
  });

  it("does not open when a bit is changed, when it is cut, or when it is no sealed secret", async () => {
    const [version, id, text = ""] = (await sealer.seal("secret", "c")).split(".");
    const bytes = Buffer.from(text, "base64url");
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    const changed = `${version}.${id}.${bytes.toString("base64url")}`;
    const cut = `${version}.${id}.${text.slice(0, 10)}`;
    for (const bad of [
      changed,
      cut,
      `${version}.${id}.`,
      "",
      "v1",
      `v2.${id}.${text}`,
      `v1.${id}.${text}.x`,
    ]) {
      expect(await sealer.open(bad, "c")).toEqual({ kind: "damaged" });
    }
  });

  it("opens after a rotation while the old key is kept, and says so when it is gone", async () => {
    const sealed = await sealer.seal("secret", "c");
    const next = createKey();
    expect(await createSealer(next, key).open(sealed, "c")).toEqual({ kind: "opened", plain: "secret" });
    expect(await createSealer(next).open(sealed, "c")).toEqual({ kind: "unknown-key" });
  });
});

describe("the key of a deployment", () => {
  it("may be absent: then there is no sealer", () => {
    expect(createSecretSealer({ current: undefined })).toBeNull();
    expect(createSecretSealer({ current: "" })).toBeNull();
  });

  it("is refused when it is not 32 bytes in base64url, and never shown", () => {
    const short = randomBytes(16).toString("base64url");
    expect(() => createSecretSealer({ current: short })).toThrow(/^SECRETS_KEY must be 32 bytes/);
    expect(() => createSecretSealer({ current: createKey(), previous: "x" })).toThrow(
      /^SECRETS_KEY_PREVIOUS/,
    );
  });
});
