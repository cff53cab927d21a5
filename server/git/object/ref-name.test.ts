import { describe, expect, it } from "vitest";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import { encodeUtf8 } from "../bytes/text.ts";
import { checkRefName, compareRefNames, isRefFormat, isRefName, MAX_REF_NAME_BYTES } from "./ref-name.ts";

const NAMES = [
  "a",
  "@",
  "@a",
  "a@",
  "a/@",
  "@/a",
  "a/@/b",
  "@{",
  "a@{b",
  "a@{0}",
  "a{b}",
  "@@",
  "a..b",
  "..",
  ".",
  ".a",
  "a.",
  "a/.b",
  "a./b",
  "a/b.",
  "a.b",
  "a/..b",
  "a.lock",
  "a.lock/b",
  "a.lockb",
  ".lock",
  "a/.lock",
  "lock",
  "x.LOCK",
  "a.lock.lock",
  "/",
  "/a",
  "a/",
  "a//b",
  "//",
  "a/b/c",
  "-a",
  "--",
  "-",
  "a-",
  "HEAD",
  "heads/HEAD",
  "a b",
  " a",
  "a ",
  "a\tb",
  "a\nb",
  "a\x01b",
  "a\x1fb",
  "a\x7fb",
  "a~b",
  "a^b",
  "a:b",
  "a?b",
  "a*b",
  "a[b",
  "a]b",
  "a\\b",
  "a!b",
  "a#b",
  "a$b",
  "a%b",
  "a&b",
  "a'b",
  'a"b',
  "a(b",
  "a)b",
  "a+b",
  "a,b",
  "a;b",
  "a<b",
  "a=b",
  "a>b",
  "a`b",
  "a|b",
  "a}b",
  "a_b",
  "é",
  "a/é/ü",
  "日本語",
  "😀",
  "\u00a0",
  "\u0085",
  "\u200b",
  "\ufeff",
  "refs",
  "refs/",
  "refs/heads",
  "refs/heads/",
  "refs/heads/x",
  "refs/x",
  "refs/heads/.x",
  "refs/heads/x.lock",
  "refs/heads/@",
  "refs/heads/-x",
  "refs/heads/a/b",
  "refs/heads/x..y",
  "refs//x",
  `refs/heads/${"x".repeat(300)}`,
  "1",
  "0".repeat(40),
  "*",
  "a/*",
  "a/*b",
  "refs/heads/x/",
  "refs/heads/x.",
  "",
  "*/a",
];

describe("isRefFormat", () => {
  it.runIf(hasGit)("agrees with git check-ref-format on every name", async () => {
    await using repo = await makeRepo();
    const theirs: string[] = [];
    for (let i = 0; i < NAMES.length; i += 16) {
      await Promise.all(
        NAMES.slice(i, i + 16).map(async (name) => {
          // A leading dash would be read as an option; inside a part of the name it is an ordinary character.
          const args = ["check-ref-format", "--allow-onelevel", name.startsWith("-") ? `x/${name}` : name];
          if ((await repo.git(args, { allowFailure: true })).status === 0) theirs.push(name);
        }),
      );
    }
    expect(NAMES.filter(isRefFormat).sort()).toEqual(theirs.sort());
  });

  it("refuses NUL and text without bytes", () => {
    expect(isRefFormat("a\0b")).toBe(false);
    expect(isRefFormat("a\ud800")).toBe(false);
  });
});

describe("isRefName", () => {
  it.each([
    "refs/heads/x",
    "refs/heads/a/b",
    "refs/tags/-x",
    "refs/tags/HEAD",
    "refs/notes/agent",
    "refs/pull/1/head",
  ])("takes %s", (name) => {
    expect(isRefName(name)).toBe(true);
    expect(() => checkRefName(name)).not.toThrow();
  });

  it.each([
    "x",
    "heads/x",
    "HEAD",
    "refs",
    "refs/",
    "refs/x",
    "refs/heads/",
    "refs/heads/HEAD",
    "refs/heads/-x",
    "Refs/heads/x",
  ])("refuses %s", (name) => {
    expect(isRefName(name)).toBe(false);
    expect(() => checkRefName(name)).toThrowError(expect.objectContaining({ code: "invalid-ref-name" }));
  });

  it.runIf(hasGit)("takes the branches that git branch makes", async () => {
    await using repo = await makeRepo();
    await repo.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    const short = NAMES.filter((name) => !name.includes("/") && name.length < 200 && name !== "");
    const theirs: string[] = [];
    for (const name of short) {
      const branch = await repo.git(["check-ref-format", "--branch", name], { allowFailure: true });
      if (branch.status === 0) theirs.push(name);
    }
    const ours = short.filter((name) => isRefName(`refs/heads/${name}`));
    expect(ours.sort()).toEqual(theirs.sort());
  });

  it("counts the length in bytes", () => {
    const room = MAX_REF_NAME_BYTES - "refs/heads/".length;
    expect(isRefName(`refs/heads/${"x".repeat(room)}`)).toBe(true);
    expect(isRefName(`refs/heads/${"x".repeat(room + 1)}`)).toBe(false);
    expect(isRefName(`refs/heads/${"é".repeat(room / 2 + 1)}`)).toBe(false);
  });
});

describe("compareRefNames", () => {
  it("is the order of the UTF-8 bytes", () => {
    const names = [
      "a",
      "a/b",
      "a-b",
      "a.b",
      "é",
      "\uffee",
      "😀",
      "\ue000",
      "\ud7ff",
      "ab",
      "A",
      "",
      "日本",
      "日",
      "😀a",
    ];
    const byBytes = [...names].sort((a, b) => Buffer.compare(encodeUtf8(a), encodeUtf8(b)));
    expect([...names].sort(compareRefNames)).toEqual(byBytes);
    expect(compareRefNames("é", "é")).toBe(0);
  });
});
