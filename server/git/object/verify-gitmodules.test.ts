import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import { verifyGitmodules } from "./verify-gitmodules.ts";

const url = (value: string) => `[submodule "a"]\n\tpath = a\n\turl = ${value}\n`;
const named = (name: string) => `[submodule "${name}"]\n\turl = https://example.com/a\n`;

const FILES = [
  "",
  url("https://example.com/a.git"),
  url("git@example.com:a/b.git"),
  url("../other.git"),
  url("./-x"),
  url("-u./payload"),
  url('"-u./payload"'),
  url("  -oProxyCommand=x"),
  url("\\\n-x"),
  url("https://example.com/%0ahost=evil"),
  url('"https://example.com/\\nhost"'),
  url("https:///path"),
  url("https://"),
  url("http::https://example.com/a%0a"),
  url("ssh://example.com/%0a"),
  url("../%0afoo"),
  url("../../:x"),
  url("..//x"),
  url("../../../example.com:x"),
  url(".././../:x"),
  url("./../:x"),
  url("./:x"),
  url("/absolute"),
  '[submodule "a"]\n\tpath = -x\n',
  '[submodule "a"]\n\tpath = a-x\n\tURL = -x\n',
  '[submodule "a"]\n\tupdate = !touch /tmp/x\n',
  '[submodule "a"]\n\tupdate = rebase\n',
  '[submodule "a"]\n\turl\n',
  '[SubModule "a"] url = -x\n',
  "[submodule]\n\turl = -x\n",
  "[core]\n\turl = -x\n",
  "[submodule.a]\n\turl = -x\n",
  "[submodule.A..b]\n\turl = x\n",
  '; [submodule ".."]\n# url = -x\n',
  '[submodule "a"] ; comment\n\turl = "-x" # more\n',
  '[submodule "a"]\n\turl = x # -y\n\tpath = ""-x\n',
  '[submodule "a"]\n\turl = "unclosed\n',
  '[submodule "a"]\n\turl = bad\\escape\n\tpath = -x\n',
  'not a section\n[submodule "a"]\n\turl = -x\n',
  '[submodule "a"]\r\n\turl = -x\r\n',
  '[submodule "a"]\nurl=-x',
  '[submodule "a"]\n\turl = -x\n\tpath = -y\n\tupdate = !z\n',
  named("a/b"),
  named(".."),
  named("../x"),
  named("a/../b"),
  named("a/.."),
  named("a\\\\..\\\\b"),
  named("a..b"),
  named("..a"),
  named("\\.\\."),
  named('\\"'),
  named(""),
];

describe("verifyGitmodules", () => {
  it.runIf(hasGit)("finds what git fsck --strict finds in each file", async () => {
    await using repo = await makeRepo();
    const blobs: string[] = [];
    const trees: string[] = [];
    for (const content of FILES)
      blobs.push((await repo.git(["hash-object", "-w", "--stdin"], { input: content })).text);
    for (const [i, blob] of blobs.entries()) trees.push(`040000 tree ${await plant(blob)}\tt${i}\n`);
    async function plant(blob: string): Promise<string> {
      return (await repo.git(["mktree"], { input: `100644 blob ${blob}\t.gitmodules\n` })).text;
    }
    const root = (await repo.git(["mktree"], { input: trees.join("") })).text;
    await repo.git(["update-ref", "HEAD", (await repo.git(["commit-tree", "-m", "x", root])).text]);
    const { stderr } = await repo.git(["fsck", "--strict"], { allowFailure: true });
    const theirs = blobs.map((blob) => {
      const found = [...stderr.matchAll(new RegExp(`^error in blob ${blob}: (\\w+):`, "gm"))];
      return [...new Set(found.map((match) => match[1]))].sort();
    });
    const ours = FILES.map((content) =>
      verifyGitmodules(Buffer.from(content))
        .map((fault) => fault.id)
        .sort(),
    );
    expect(FILES.map((file, i) => [file, ours[i]])).toEqual(FILES.map((file, i) => [file, theirs[i]]));
    expect(ours.flat().length).toBeGreaterThan(20);
  });

  it("takes any bytes, in time in proportion to them", () => {
    const alphabet = fc.constantFrom(...'[]submodule"\\.=#;\n\r -url%0a'.split(""));
    fc.assert(
      fc.property(fc.string({ unit: alphabet }), (text) =>
        Array.isArray(verifyGitmodules(Buffer.from(text))),
      ),
    );
    for (const part of [
      '[submodule "a"]\n',
      "[",
      "a=",
      "\\",
      '"',
      " ",
      '[submodule "',
      "\n",
      "a=\\\n",
      "../",
    ]) {
      verifyGitmodules(Buffer.from(`[submodule "a"]\nurl = ${part.repeat(200_000)}`));
      verifyGitmodules(Buffer.from(part.repeat(200_000)));
    }
  });
});
