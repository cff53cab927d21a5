import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import { findObjectType, isObjectType, type ObjectType, PACK_TYPE } from "./object-type.ts";
import {
  EMPTY_TREE_OID,
  isOid,
  type Oid,
  oidFromBytes,
  oidToBytes,
  parseOid,
  writeOidBytes,
  ZERO_OID,
} from "./oid.ts";
import { createSha1, hashObject, sha1 } from "./sha1.ts";

describe("object ids", () => {
  it("go to bytes and back", () => {
    for (let round = 0; round < 100; round++) {
      const bytes = new Uint8Array(randomBytes(20));
      const oid = oidFromBytes(bytes);
      expect(oid).toBe(Buffer.from(bytes).toString("hex"));
      expect(oidToBytes(oid)).toEqual(bytes);
    }
  });

  it("are read and written at an offset", () => {
    const bytes = new Uint8Array(randomBytes(30));
    const oid = oidFromBytes(bytes, 7);
    const target = new Uint8Array(30);
    writeOidBytes(oid, target, 9);
    expect(target.subarray(9, 29)).toEqual(bytes.subarray(7, 27));
    expect(target[8]).toBe(0);
    expect(target[29]).toBe(0);
  });

  it.each([-1, 11, 30, 100])("are refused when cut off at offset %i", (offset) => {
    expect(() => oidFromBytes(new Uint8Array(30), offset)).toThrow(
      expect.objectContaining({ code: "invalid-oid" }),
    );
  });

  it.each(["", "a", "A".repeat(40), "g".repeat(40), "a".repeat(39), "a".repeat(41), `${"a".repeat(40)}\n`])(
    "refuse %j",
    (text) => {
      expect(isOid(text)).toBe(false);
      expect(() => parseOid(text)).toThrow(expect.objectContaining({ code: "invalid-oid" }));
    },
  );

  it("have the well-known ones", () => {
    expect(hashObject("tree", new Uint8Array(0))).toBe(EMPTY_TREE_OID);
    expect(isOid(ZERO_OID)).toBe(true);
  });
});

describe("hashes", () => {
  it("are SHA-1, whole and in pieces", () => {
    const bytes = randomBytes(1_000);
    const hex = createHash("sha1").update(bytes).digest("hex");
    expect(Buffer.from(sha1(bytes)).toString("hex")).toBe(hex);
    expect(createSha1().update(bytes.subarray(0, 10)).update(bytes.subarray(10)).hex()).toBe(hex);
    expect(Buffer.from(createSha1().update("abc").digest()).toString("hex")).toBe(
      "a9993e364706816aba3e25717850c26c9cd0d89d",
    );
  });

  it.runIf(hasGit)("of objects are those of git hash-object", async () => {
    await using repo = await makeRepo();
    const contents = ["", "a", "a\n", "\0", "é", "x".repeat(100_000)].map((text) => Buffer.from(text));
    for (const content of [...contents, randomBytes(5_000)]) {
      const { text } = await repo.git(["hash-object", "--stdin"], { input: content });
      expect(hashObject("blob", content)).toBe(text);
    }
  });
});

describe("object types", () => {
  it("have pack numbers, and deltas are none", () => {
    const types: ObjectType[] = ["commit", "tree", "blob", "tag"];
    for (const type of types) expect(findObjectType(PACK_TYPE[type])).toBe(type);
    for (const number of [0, 5, 6, 7, 8, -1]) expect(findObjectType(number)).toBeNull();
    expect(isObjectType("blob")).toBe(true);
    expect(isObjectType("constructor")).toBe(false);
    expect(ZERO_OID as Oid).toHaveLength(40);
  });
});
