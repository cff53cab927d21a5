import { describe, expect, it } from "vitest";
import { hasGit, makeRepo } from "../../testing/real-git.ts";
import type { ObjectType } from "../hash/object-type.ts";
import { EMPTY_TREE_OID, type Oid, oidToBytes, ZERO_OID } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { verifyObject } from "./verify-object.ts";
import { inspectTree, verifyTree } from "./verify-tree.ts";

const BLOB = hashObject("blob", Buffer.from("hi"));
const TREE = EMPTY_TREE_OID;
const ID = "A <a@b> 1700000000 +0000";
const HEAD = `tree ${TREE}\n`;
const AUTHOR = `author ${ID}\n`;
const COMMITTER = `committer ${ID}\n`;
const COMMIT = hashObject("commit", Buffer.from(`${HEAD}${AUTHOR}${COMMITTER}\nm\n`));

const bytes = (text: string) => Buffer.from(text, "latin1");
const entry = (mode: string, name: string, oid: Oid = BLOB) =>
  Buffer.concat([bytes(`${mode} ${name}\0`), oidToBytes(oid)]);
const tree = (...entries: Buffer[]) => Buffer.concat(entries);

const TREES: Record<string, Buffer> = {
  empty: tree(),
  usual: tree(entry("100644", "a"), entry("100755", "b"), entry("120000", "c"), entry("40000", "d", TREE)),
  gitlink: tree(entry("160000", "a", COMMIT)),
  "line break and bytes": tree(entry("100644", "a\nb"), entry("100644", "\xff\xfe")),
  "odd mode 100664": tree(entry("100664", "a")),
  "odd mode 100600": tree(entry("100600", "a")),
  "mode 644": tree(entry("644", "a")),
  "mode 0": tree(entry("0", "a")),
  "zero-padded file": tree(entry("0100644", "a")),
  "zero-padded directory": tree(entry("040000", "a", TREE)),
  "null id": tree(entry("100644", "a", ZERO_OID)),
  "null gitlink": tree(entry("160000", "a", ZERO_OID)),
  "full path": tree(entry("100644", "a/b")),
  "empty name": tree(entry("100644", "")),
  dot: tree(entry("100644", ".")),
  "dot dot": tree(entry("100644", "..")),
  ".git": tree(entry("100644", ".git")),
  ".git directory": tree(entry("40000", ".git", TREE)),
  ".Git with dots": tree(entry("100644", ".Git. .")),
  "short name": tree(entry("40000", "git~1", TREE)),
  "ignored code point": tree(entry("40000", ".g\xe2\x80\x8cit", TREE)),
  "not sorted": tree(entry("100644", "b"), entry("100644", "a")),
  "sorted as text, not as a tree": tree(entry("40000", "a", TREE), entry("100644", "a.b")),
  "sorted as a tree": tree(entry("100644", "a.b"), entry("40000", "a", TREE), entry("100644", "a0")),
  duplicates: tree(entry("100644", "a"), entry("100644", "a")),
  "file and directory": tree(entry("100644", "a"), entry("40000", "a", TREE)),
  "file and directory, apart": tree(entry("100644", "a"), entry("100644", "a.b"), entry("40000", "a", TREE)),
  "file and directory, far apart": tree(
    ...[entry("100644", "a"), entry("100644", "a-"), entry("100644", "a-b"), entry("100644", "a.b")],
    ...[entry("40000", "a", TREE), entry("100644", "a0")],
  ),
  "prefixes without duplicates": tree(
    entry("100644", "a"),
    entry("100644", "a-"),
    entry("40000", "a-b", TREE),
  ),
  ".gitmodules link": tree(entry("120000", ".gitmodules")),
  ".gitmodules file": tree(entry("100755", ".gitmodules")),
  ".gitattributes link": tree(entry("120000", ".gitattributes")),
  "long name": tree(entry("100644", "a".repeat(5_000))),
  "cut off in the id": entry("100644", "a").subarray(0, -1),
  "cut off in the name": bytes("100644 a"),
  "cut off in the mode": bytes("1006"),
  "mode with a letter": tree(entry("10x644", "a")),
  "mode with an 8": tree(entry("100648", "a")),
  "two faults": tree(entry("0100644", "b"), entry("100644", ".git"), entry("100644", "a")),
};

const parent = `parent ${COMMIT}\n`;
const COMMITS: Record<string, string> = {
  usual: `${HEAD}${AUTHOR}${COMMITTER}\nm\n`,
  "message without line break": `${HEAD}${AUTHOR}${COMMITTER}\nm`,
  "no message": `${HEAD}${AUTHOR}${COMMITTER}\n`,
  "no empty line": `${HEAD}${AUTHOR}${COMMITTER}`,
  unterminated: `${HEAD}${AUTHOR}committer ${ID}`,
  nothing: "",
  "no tree": `${AUTHOR}${COMMITTER}\n`,
  "short tree": `tree 123\n${AUTHOR}${COMMITTER}\n`,
  "space behind the tree": `tree ${TREE} \n${AUTHOR}${COMMITTER}\n`,
  "short parent": `${HEAD}parent 123\n${AUTHOR}${COMMITTER}\n`,
  "equal parents": `${HEAD}${parent}${parent}${AUTHOR}${COMMITTER}\nm\n`,
  "no author": `${HEAD}${COMMITTER}\nm\n`,
  "no committer": `${HEAD}${AUTHOR}\nm\n`,
  "two authors": `${HEAD}${AUTHOR}${AUTHOR}${COMMITTER}\nm\n`,
  "two committers": `${HEAD}${AUTHOR}${COMMITTER}${COMMITTER}\nm\n`,
  "committer first": `${HEAD}${COMMITTER}${AUTHOR}\nm\n`,
  "parent behind author": `${HEAD}${AUTHOR}${parent}${COMMITTER}\nm\n`,
  "two trees": `${HEAD}${HEAD}${AUTHOR}${COMMITTER}\nm\n`,
  "author without a value": `${HEAD}author\n${COMMITTER}\n`,
  "authors, not author": `${HEAD}authors ${ID}\n${COMMITTER}\n`,
  "NUL in the header": `${HEAD}${AUTHOR}${COMMITTER}x \0\n\nm`,
  "NUL in the message": `${HEAD}${AUTHOR}${COMMITTER}\nm\0x`,
  "more headers": `${HEAD}${AUTHOR}${COMMITTER}gpgsig a\n b\nfoo\n\nm`,
  "CR LF": `${HEAD}${AUTHOR}${COMMITTER}\nm\n`.replaceAll("\n", "\r\n"),
};

const IDENTITIES = [
  "<a@b> 1 +0000",
  " <a@b> 1 +0000",
  "A<a@b> 1 +0000",
  "A 1 +0000",
  "A <a@b 1 +0000",
  "A> <a@b> 1 +0000",
  "A <> 1 +0000",
  "A <a<b> 1 +0000",
  "A <a>b> 1 +0000",
  "A <a@b>1 +0000",
  "A <a@b>",
  "A <a@b> ",
  "A <a@b> x +0000",
  "A <a@b> 01 +0000",
  "A <a@b> 0 +0000",
  "A <a@b> 00 +0000",
  "A <a@b> 18446744073709551616 +0000",
  "A <a@b> 9223372036854775808 +0000",
  "A <a@b> 9223372036854775807 +0000",
  "A <a@b> 99999999999999999999999999 +0000",
  "A <a@b> 1",
  "A <a@b> 1 ",
  "A <a@b> 1 0000",
  "A <a@b> 1 +000",
  "A <a@b> 1 +00000",
  "A <a@b> 1 +00x0",
  "A <a@b> 1 +0000 ",
  "A <a@b> 1 +0000x",
  "A  <a@b> 1 +0000",
  "A <a@b>  1 +0000",
  "A <a@b> 1  +0000",
  "A < a@b > 1 +0000",
  "A <a@b> 1 -9999",
  "",
  "A\t<a@b> 1 +0000",
  "A <a@b> 0x1 +0000",
  "A <a@b>\t1 +0000",
  "A <a@b> 1\t+0000",
  "\xe9 <\xff> 1 +0000",
  "A B, C. <a@b.c> 1 +0100",
  "<",
  ">",
  "A <",
];

const TAG = `object ${COMMIT}\ntype commit\ntag v1\n`;
const TAGGER = `tagger ${ID}\n`;
const TAGS: Record<string, string> = {
  usual: `${TAG}${TAGGER}\nm`,
  "no tagger": `${TAG}\nm`,
  "no empty line": `${TAG}${TAGGER}`,
  unterminated: `${TAG}tagger ${ID}`,
  nothing: "",
  "no object": `type commit\ntag v1\n${TAGGER}\n`,
  "short object": `object 123\ntype commit\ntag v\n${TAGGER}\n`,
  "no type": `object ${COMMIT}\ntag v\n${TAGGER}\n`,
  "unknown type": `object ${COMMIT}\ntype foo\ntag v\n${TAGGER}\n`,
  "no tag": `object ${COMMIT}\ntype commit\n${TAGGER}\n`,
  "odd tag name": `object ${COMMIT}\ntype commit\ntag a b\n${TAGGER}\n`,
  "bad tagger": `${TAG}tagger A 1 +0\n\nm`,
  "more headers": `${TAG}${TAGGER}foo bar\n\nm`,
  "NUL in the message": `${TAG}${TAGGER}\nm\0`,
  "NUL in the header": `${TAG}tagger A\0 <a> 1 +0000\n\nm`,
  "of a blob": `object ${BLOB}\ntype blob\ntag v1\n${TAGGER}\nm`,
};

const CASES: readonly [ObjectType, string, Buffer][] = [
  ...Object.entries(TREES).map(([name, data]) => ["tree", name, data] as [ObjectType, string, Buffer]),
  ...Object.entries(COMMITS).map(
    ([name, text]) => ["commit", name, bytes(text)] as [ObjectType, string, Buffer],
  ),
  ...IDENTITIES.map((line): [ObjectType, string, Buffer] => {
    return ["commit", `author ${line}`, bytes(`${HEAD}author ${line}\n${COMMITTER}\nm\n`)];
  }),
  ...IDENTITIES.map((line): [ObjectType, string, Buffer] => [
    "tag",
    `tagger ${line}`,
    bytes(`${TAG}tagger ${line}\n\n`),
  ]),
  ...Object.entries(TAGS).map(([name, text]) => ["tag", name, bytes(text)] as [ObjectType, string, Buffer]),
];

describe("verifyObject", () => {
  it.runIf(hasGit)("finds what git fsck --strict finds, object by object", async () => {
    await using repo = await makeRepo();
    await repo.git(["hash-object", "-w", "--stdin"], { input: "hi" });
    await repo.git(["hash-object", "-w", "-t", "tree", "--stdin"]);
    const written = new Map<string, string>();
    for (let start = 0; start < CASES.length; start += 8) {
      await Promise.all(
        CASES.slice(start, start + 8).map(async ([type, name, data]) => {
          const args = ["hash-object", "-w", "--stdin", "--literally", "-t", type];
          written.set(`${type} ${name}`, (await repo.git(args, { input: data })).text);
        }),
      );
    }
    const report = await repo.git(["fsck", "--strict", "--no-dangling", "--no-reflogs"], {
      allowFailure: true,
    });
    const theirs = new Map<string, Set<string>>();
    for (const [, oid, id] of report.stderr.matchAll(/^error in \w+ ([0-9a-f]{40}): (\w+): /gm)) {
      theirs.set(oid as string, (theirs.get(oid as string) ?? new Set()).add(id as string));
    }
    const unreadable = new Set(
      [...report.stderr.matchAll(/^error: ([0-9a-f]{40}): object could not be parsed/gm)].map((m) => m[1]),
    );
    for (const [type, name, data] of CASES) {
      const oid = written.get(`${type} ${name}`) as string;
      const ours = verifyObject(type, data).map((fault) => fault.id);
      if (unreadable.has(oid)) expect(ours, `${type} ${name}`).not.toEqual([]);
      // Git looks for a .gitmodules that is no blob in another pass.
      else expect(ours.sort(), `${type} ${name}`).toEqual([...(theirs.get(oid) ?? [])].sort());
    }
  });

  it("takes any blob and names several faults of one tree", () => {
    expect(verifyObject("blob", bytes("\0"))).toEqual([]);
    expect(verifyTree(TREES["two faults"] as Buffer).map((fault) => fault.id)).toEqual([
      "zeroPaddedFilemode",
      "hasDotgit",
      "treeNotSorted",
    ]);
    expect(verifyTree(tree(entry("40000", ".gitmodules", TREE))).map((fault) => fault.id)).toEqual([
      "gitmodulesBlob",
    ]);
  });

  it("lists the .gitmodules of a tree, under any of its names", () => {
    const data = tree(
      entry("100644", ".gitModules", BLOB),
      entry("100644", "a"),
      entry("100644", "gitmod~1", COMMIT),
    );
    expect(inspectTree(data).gitmodules).toEqual([BLOB, COMMIT]);
  });
});
