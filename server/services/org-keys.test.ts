import { describe, expect, it } from "vitest";
import {
  createKeyId,
  createKeySecret,
  createRepoId,
  equalHashes,
  findKeyIdOrg,
  findKeyOrg,
  hashSecret,
  orgIdOf,
} from "./org-keys.ts";

describe("names that carry their org", () => {
  it("give an org one id for ever", () => {
    expect(orgIdOf("acme")).toMatch(/^[0-9A-Za-z]{12}$/);
    expect(orgIdOf("acme")).toBe(orgIdOf("acme"));
    expect(orgIdOf("acme")).not.toBe(orgIdOf("acme2"));
  });

  it("let the org be read from a key and from a key's id", () => {
    const orgId = orgIdOf("acme");
    const secret = createKeySecret(orgId);
    expect(secret).toMatch(/^cgk_live_[0-9A-Za-z]{40}$/);
    expect(findKeyOrg(secret)).toBe(orgId);
    expect(createKeySecret(orgId)).not.toBe(secret);
    expect(findKeyIdOrg(createKeyId(orgId))).toBe(orgId);
    expect(createRepoId()).toMatch(/^repo_[0-9A-Za-z]{22}$/);
  });

  it.each([
    "",
    "cgk_live_",
    `cgk_live_${"a".repeat(39)}`,
    `cgk_live_${"a".repeat(41)}`,
    `cgk_test_${"a".repeat(40)}`,
  ])("see no key in %j", (text) => {
    expect(findKeyOrg(text)).toBeNull();
  });

  it("see no key in one with other characters or lines around it", () => {
    expect(findKeyOrg(`cgk_live_${"a".repeat(39)}-`)).toBeNull();
    expect(findKeyOrg(`cgk_live_${"a".repeat(40)}\n`)).toBeNull();
    expect(findKeyIdOrg(`key_${"a".repeat(12)}_${"b".repeat(15)}`)).toBeNull();
  });
});

describe("equalHashes", () => {
  it("is true for equal hashes only, whatever it is given", () => {
    const hash = hashSecret("a");
    expect(equalHashes(hash, hashSecret("a"))).toBe(true);
    expect(equalHashes(hash, hashSecret("b"))).toBe(false);
    expect(equalHashes(hash, "")).toBe(false);
    expect(equalHashes("", "")).toBe(false);
    expect(equalHashes(hash, hash.slice(0, 32))).toBe(false);
  });
});
