import { describe, expect, it } from "vitest";
import { git, hasGit, makeRepo } from "../../testing/real-git.ts";
import { type ByteString, byteStringFromBytes, byteStringToBytes, toByteString } from "../bytes/text.ts";
import { isDotGit, isDotGitmodules } from "./dot-git.ts";
import { findPathFault, MAX_PATH_BYTES, parsePath } from "./path-rules.ts";

const bytes = (text: string) => text as ByteString;

describe("parsePath", () => {
  it.each([
    "a",
    "README.md",
    "src/a b/c.ts",
    "übung/日本語.txt",
    "😀",
    "a\nb",
    "a\\b",
    "-x",
    "a:b",
    ".gitignore",
    ".gitmodules",
    ".github/x",
    "git",
    "git~2",
    "..a",
    "a..",
    "...",
    " ",
    "x.git",
    "\ufeff",
    ".gi\u212at",
  ])("takes %j", (path) => {
    expect(parsePath(path)).toBe(toByteString(path));
  });

  it.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/../b",
    "./a",
    "a\0b",
    ".git",
    ".git/config",
    "a/.git",
    ".GIT/hooks/x",
    ".gIt",
    "git~1",
    "GIT~1/x",
    ".git.",
    ".git ",
    ".git . .",
    ".git::$INDEX_ALLOCATION",
    "a\\.git",
    ".git\\config",
    ".g\u200cit",
    "\ufeff.git",
    "a\ud800",
    "\udc00/x",
  ])("refuses %j", (path) => {
    expect(() => parsePath(path)).toThrowError(expect.objectContaining({ code: "invalid-path" }));
  });

  it("counts the length in bytes", () => {
    expect(parsePath("x".repeat(MAX_PATH_BYTES)).length).toBe(MAX_PATH_BYTES);
    expect(parsePath("é".repeat(MAX_PATH_BYTES / 2)).length).toBe(MAX_PATH_BYTES);
    expect(() => parsePath("x".repeat(MAX_PATH_BYTES + 1))).toThrowError(/longer/);
    expect(() => parsePath(`x${"é".repeat(MAX_PATH_BYTES / 2)}`)).toThrowError(/longer/);
  });
});

describe.runIf(hasGit)("names that filesystems take for .git, compared with git fsck", () => {
  const names = [
    ".git",
    ".GIT",
    "git~1",
    "GIT~1 . ",
    ".g\xe2\x80\x8cit",
    ".git ",
    ".git.",
    ".git:x",
    ".git\xff",
    ".git\xff.",
    ".git::$INDEX_ALLOCATION",
    "a\\.git",
    ".git\\x",
    "a\\b",
    ".gitx",
    "git~2",
    ".git ...",
    "a\\git~1 \\b",
    ".gi\xe2\x84\xaat",
    ".g\xff\xe2\x80\x8cit",
    ".git~1",
    "a:.git",
    "\xef\xbb\xbf.git",
    ".git\xef\xbf\xbd",
    ".gi\xe2\x80\xaat",
    ".gi\xe2\x80\xabt\xe2\x81\xaf",
    ".git\n",
    "\n.git",
    "x\n.git",
    ".gi",
    ".git.x",
    ".git x",
    "\xff.git",
    ".git\xc3",
    ".GiT\\",
    "\\.git",
    "\\\\",
    "git~1:",
    "git ~1",
    ".git\\\\a",
  ].map(bytes);

  it("agrees on every name", async () => {
    await using repo = await makeRepo();
    const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: "x" })).text;
    const trees = new Map<string, ByteString>();
    for (const name of names) {
      const input = Buffer.concat([
        Buffer.from(`100644 blob ${blob}\t`),
        byteStringToBytes(name),
        Buffer.from("\0"),
      ]);
      trees.set((await repo.git(["mktree", "-z"], { input })).text, name);
    }
    const report = (await repo.git(["fsck", "--no-dangling"], { allowFailure: true })).stderr;
    const flagged = new Set(
      [...report.matchAll(/in tree ([0-9a-f]{40}): hasDotgit/g)].map((match) => match[1]),
    );
    const theirs = [...trees].filter(([tree]) => flagged.has(tree)).map(([, name]) => name);
    expect(names.filter(isDotGit).sort()).toEqual(theirs.sort());
  });
});

describe.runIf(hasGit)("names that filesystems take for .gitmodules, compared with git fsck", () => {
  const names = [
    ".gitmodules",
    ".GITMODULES",
    ".gitmodules ",
    ".gitmodules.",
    ".gitmodules:x",
    ".gitmodules\\x",
    "gitmod~1",
    "GITMOD~4",
    "gitmod~5",
    "gitmod~0",
    "gitmod~1 .",
    "gi7eba~1",
    "GI7EBA~9",
    "gi7eba~0",
    "gi7eb~01",
    "gi7eb~10",
    "gi7eb~99",
    "gi7eb~100",
    "gi7d29~1",
    "gitmodules",
    ".gitmodulesx",
    ".g\xe2\x80\x8citmodules",
    "gi7e~100",
    "~1000000",
    "~9999999",
    "~0000000",
    "gi~12345",
    "g~123456",
    "gi7eba~10",
    ".gitmodules\xff",
    "a\\.gitmodules",
    "gitmod~1:y",
    "gi7~1000",
    "~12345678",
    "gi7eba~",
    "gi7eb~1",
    "~100000",
    "gitmod~",
    "gitmod",
  ].map(bytes);

  it("agrees on every name", async () => {
    await using repo = await makeRepo();
    const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: "x" })).text;
    const trees = new Map<string, ByteString>();
    for (const name of names) {
      const input = Buffer.concat([
        Buffer.from(`120000 blob ${blob}\t`),
        byteStringToBytes(name),
        Buffer.from("\0"),
      ]);
      trees.set((await repo.git(["mktree", "-z"], { input })).text, name);
    }
    const report = (await repo.git(["fsck", "--no-dangling"], { allowFailure: true })).stderr;
    const flagged = new Set(
      [...report.matchAll(/in tree ([0-9a-f]{40}): gitmodulesSymlink/g)].map((m) => m[1]),
    );
    const theirs = [...trees].filter(([tree]) => flagged.has(tree)).map(([, name]) => name);
    expect(names.filter(isDotGitmodules).sort()).toEqual(theirs.sort());
  });
});

describe("findPathFault", () => {
  it("takes bytes that are not UTF-8", () => {
    expect(findPathFault(byteStringFromBytes(new Uint8Array([0xff, 0x2f, 0x61])))).toBeNull();
  });
  it("names the fault", () => {
    expect(findPathFault(bytes("a/../b"))).toContain("..");
    expect(findPathFault(bytes(""))).toContain("empty");
  });
});

describe.runIf(hasGit)("real git", () => {
  it("is cut off from the configuration of the machine", async () => {
    expect((await git(["config", "--list"], { cwd: "/" })).text).toBe("");
  });
});
