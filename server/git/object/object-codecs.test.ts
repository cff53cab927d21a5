import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { type ByteString, byteStringToBytes, toByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { EMPTY_TREE_OID, type Oid, oidToBytes } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { type Commit, decodeCommit, encodeCommit } from "./commit.ts";
import { decodeCommitLinks } from "./commit-links.ts";
import { parseHeaderBlock } from "./headers.ts";
import { formatIdentity, type Identity, parseIdentity } from "./identity.ts";
import { decodeTag, encodeTag } from "./tag.ts";
import {
  compareTreeEntries,
  decodeTree,
  encodeTree,
  entryKind,
  findTreeEntry,
  isDirectory,
  isGitlink,
  type TreeEntry,
} from "./tree.ts";
import { verifyObject } from "./verify-object.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const same = (a: Uint8Array, b: Uint8Array) =>
  expect(Buffer.from(a).toString("latin1")).toBe(Buffer.from(b).toString("latin1"));
const ada: Identity = { name: "Ada" as ByteString, email: "a@b" as ByteString, seconds: 1, zone: "+0000" };

const HEAD = `tree ${EMPTY_TREE_OID}\n`;
const PARENT = `parent ${"1".repeat(40)}\n`;
const WHO = "author Ada <a@b> 1 +0000\ncommitter Bob <b@c> 2 -0130\n";

/** Commits whose bytes must come back as they are. */
const COMMITS: Record<string, string> = {
  usual: `${HEAD}${PARENT}${WHO}\nmessage\n`,
  "merge of three": `${HEAD}${PARENT}${PARENT}${PARENT}${WHO}\nm\n`,
  "message without line break": `${HEAD}${WHO}\nmessage`,
  "no message": `${HEAD}${WHO}\n`,
  "message of line breaks": `${HEAD}${WHO}\n\n\n\n`,
  "message that starts like a header": `${HEAD}${WHO}\ntree x\n\n continued\n`,
  signed: `${HEAD}${WHO}gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n =x\n -----END PGP SIGNATURE-----\n\nm\n`,
  "signature with an empty last line": `${HEAD}${WHO}gpgsig a\n b\n \n\nm\n`,
  "merge of a tag": `${HEAD}${WHO}mergetag object ${"1".repeat(40)}\n type commit\n tag v1\n tagger A <a@b> 1 +0000\n \n text\n\nm`,
  "latin-1": `${HEAD}${WHO}encoding ISO-8859-1\n\ncaf\xe9\n`,
  "several headers, order kept": `${HEAD}${WHO}b 1\na 2\nb 3\nHG:extra x:y\n\nm`,
  "empty value": `${HEAD}${WHO}foo \n\nm`,
  "NUL in the message": `${HEAD}${WHO}\nm\0m`,
  "bytes that are no text": `${HEAD}author \xff\xfe <\xff> 1 +0000\ncommitter B <b> 2 +0000\n\n\xff\xfe`,
};

/** Identity lines of old tools; they must come back as they are, and give what git shows. */
const ODD_IDENTITIES: [string, string, string, number, string][] = [
  ["<a@b> 5 +0000", "", "a@b", 5, "+0000"],
  [" <a@b> 5 +0000", "", "a@b", 5, "+0000"],
  ["A  <a@b> 5 +0000", "A", "a@b", 5, "+0000"],
  ["A<a@b> 5 +0000", "A", "a@b", 5, "+0000"],
  ["A <a@b>  5   -0100", "A", "a@b", 5, "-0100"],
  ["A <a@b>", "A", "a@b", 0, "+0000"],
  ["A <> 5 +0000", "A", "", 5, "+0000"],
  ["A < a@b > 5 +0000", "A", "a@b", 5, "+0000"],
  ["A <a@b> 05 +0000", "A", "a@b", 5, "+0000"],
  ["A <a@b> 5", "A", "a@b", 5, "+0000"],
  ["A <a@b> 5 +051800", "A", "a@b", 5, "+051800"],
  ["A <a<b> 5 +0000", "A", "a<b", 5, "+0000"],
  ["A <a>b> 5 +0000", "A", "a", 5, "+0000"],
  ["A <a@b> x +0000", "A", "a@b", 0, "+0000"],
  ["A a@b 5 +0000", "A a@b 5 +0000", "", 0, "+0000"],
  ["", "", "", 0, "+0000"],
];

describe("commits", () => {
  it.each(Object.entries(COMMITS))("come back byte for byte: %s", (_name, text) => {
    const data = bytes(text);
    const commit = decodeCommit(data);
    same(encodeCommit(commit), data);
    const { tree, parents, seconds } = decodeCommitLinks(data);
    expect({ tree, parents, seconds }).toEqual({
      tree: commit.tree,
      parents: commit.parents,
      seconds: commit.committer.seconds,
    });
  });

  it("are taken apart", () => {
    const commit = decodeCommit(bytes(COMMITS["merge of a tag"] as string));
    expect(commit.author).toEqual(ada);
    expect(commit.committer).toMatchObject({ name: "Bob", email: "b@c", seconds: 2, zone: "-0130" });
    expect(commit.extra).toHaveLength(1);
    expect(commit.extra[0]?.value).toContain("\ntag v1\n");
    expect(commit.message).toBe("m");
  });

  it.each(ODD_IDENTITIES)("keep the identity %j", (line, name, email, seconds, zone) => {
    const identity = parseIdentity(line as ByteString);
    expect(identity).toMatchObject({ name, email, seconds, zone });
    expect(formatIdentity(identity)).toBe(line);
    const data = bytes(`${HEAD}author ${line}\ncommitter B <b> 2 +0000\n\nm`);
    same(encodeCommit(decodeCommit(data)), data);
  });

  it.each([
    "",
    "tree",
    `${HEAD}`,
    `${HEAD}${WHO.slice(0, 25)}\n\n`,
    ` x\n${HEAD}${WHO}\n`,
    `tree 123\n${WHO}\n`,
    `${PARENT}${HEAD}${WHO}\n`,
  ])("are refused: %j", (text) => {
    expect(() => decodeCommit(bytes(text))).toThrow(expect.objectContaining({ code: "corrupt-object" }));
  });

  it.runIf(hasGit)("are those that git commit-tree makes", async () => {
    await using repo = await makeRepo();
    const tree = (await repo.git(["hash-object", "-w", "-t", "tree", "--stdin"])).text as Oid;
    for (const message of ["m\n", "m", "", "two\n\nlines\n", "ünïcode 😀\n"]) {
      const env = { GIT_AUTHOR_DATE: "1700000001 +0130", GIT_AUTHOR_NAME: "Åda Ünicode" };
      const { text } = await repo.git(["commit-tree", tree, "-F", "-"], { input: message, env });
      const commit: Commit = {
        tree,
        parents: [],
        author: {
          name: toByteString("Åda Ünicode"),
          email: toByteString("ada@example.com"),
          seconds: 1_700_000_001,
          zone: "+0130",
        },
        committer: {
          name: toByteString("Carl Committer"),
          email: toByteString("carl@example.com"),
          seconds: 1_700_000_000,
          zone: "+0000",
        },
        extra: [],
        message: toByteString(message),
      };
      expect(hashObject("commit", encodeCommit(commit))).toBe(text);
    }
  });

  it.runIf(hasGit)(
    "and tags of git come back byte for byte, encodings and merged tags included",
    async () => {
      await using repo = await makeRepo();
      const run = (...args: string[]) => repo.git(args);
      await run("commit", "-q", "--allow-empty", "-m", "first");
      await run("-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-m", "encoded");
      await run("checkout", "-q", "-b", "side", "HEAD~1");
      await run("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "");
      const signature = "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n";
      const side = (await run("rev-parse", "side")).text;
      const tag = `object ${side}\ntype commit\ntag v1\ntagger A <a@b> 1700000000 +0000\n\nsigned\n${signature}`;
      const { text: v1 } = await repo.git(["hash-object", "-w", "-t", "tag", "--stdin"], { input: tag });
      await run("update-ref", "refs/tags/v1", v1);
      await run("checkout", "-q", "main");
      await run("merge", "-q", "--no-ff", "-m", "merge of a tag", "v1");
      await run("tag", "-a", "-m", "of a tree", "treeish", "HEAD^{tree}");
      await run("tag", "-a", "-m", "of a tag", "v2", "v1");
      await checkAllObjects(repo, 8);
      expect((await run("cat-file", "commit", "main")).text).toContain("\nmergetag object ");
    },
  );
});

async function checkAllObjects(repo: RealRepo, atLeast: number): Promise<void> {
  const list = (
    await repo.git(["cat-file", "--batch-check=%(objectname) %(objecttype)", "--batch-all-objects"])
  ).text;
  let checked = 0;
  for (const line of list.split("\n")) {
    const [oid, type] = line.split(" ") as [Oid, "commit" | "tag" | "tree" | "blob"];
    const data = (await repo.git(["cat-file", type, oid])).stdout;
    expect(hashObject(type, data)).toBe(oid);
    expect(verifyObject(type, data)).toEqual([]);
    if (type === "commit") same(encodeCommit(decodeCommit(data)), data);
    if (type === "tag") same(encodeTag(decodeTag(data)), data);
    if (type === "tree") same(encodeTree(decodeTree(data)), data);
    if (type !== "blob") checked++;
  }
  expect(checked).toBeGreaterThanOrEqual(atLeast);
}

describe("identities", () => {
  it.each(["a<", "a>", "a\nb", "a\0", " a", "a ", "\ta", "a\n"])(
    "may not have %j in a name or an email",
    (text) => {
      for (const field of ["name", "email"]) {
        expect(() => formatIdentity({ ...ada, [field]: text as ByteString })).toThrow(
          expect.objectContaining({ code: "invalid-identity", data: { field } }),
        );
      }
    },
  );

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e16])("may not have the date %d", (seconds) => {
    expect(() => formatIdentity({ ...ada, seconds })).toThrow(
      expect.objectContaining({ code: "invalid-identity" }),
    );
  });

  it.each(["", "0100", "+01", "+01:00", "Z", "+0100\n"])("may not have the zone %j", (zone) => {
    expect(() => formatIdentity({ ...ada, zone })).toThrow(
      expect.objectContaining({ code: "invalid-identity" }),
    );
  });

  it("may end with a letter whose last byte is a no-break space", () => {
    expect(formatIdentity({ ...ada, name: toByteString("Voilà") })).toBe(
      `${toByteString("Voilà")} <a@b> 1 +0000`,
    );
  });

  it("are read from any line, and come back", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."<> a@\t+-0159\xff".split("")) }), (line) => {
        expect(formatIdentity(parseIdentity(line as ByteString))).toBe(line);
      }),
    );
  });
});

describe("tags", () => {
  const TAG = `object ${"1".repeat(40)}\ntype commit\ntag v1\n`;

  it.each([
    `${TAG}tagger Ada <a@b> 1 +0000\n\nm\n`,
    `${TAG}tagger Ada <a@b> 1 +0000\n\nm\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n`,
    `${TAG}\nno tagger`,
    `${TAG}tagger Ada <a@b> 1 +0000\ngpgsig x\n y\n\nm`,
    `${TAG}tagger Ada <a@b>\n\n`,
  ])("come back byte for byte: %j", (text) => {
    same(encodeTag(decodeTag(bytes(text))), bytes(text));
  });

  it.each([
    "",
    "\n",
    `type commit\n\n`,
    `object 12\ntype commit\ntag v\n\n`,
    `object ${"1".repeat(40)}\ntype x\ntag v\n\n`,
    `object ${"1".repeat(40)}\ntype tag\n\n`,
  ])("are refused: %j", (text) => {
    expect(() => decodeTag(bytes(text))).toThrow(expect.objectContaining({ code: "corrupt-object" }));
  });
});

const NAMES = [
  "a",
  "a.b",
  "a-",
  "a0",
  "a b",
  "ab",
  "b",
  "A",
  "é",
  "a/".slice(0, 1),
  "lib",
  "lib-x",
  "lib.c",
  "lib0",
  "\xff",
  "日本",
];

describe("trees", () => {
  it.runIf(hasGit)("are ordered and encoded as git mktree does", async () => {
    await using repo = await makeRepo();
    const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: "x" })).text as Oid;
    await repo.git(["hash-object", "-w", "-t", "tree", "--stdin"]);
    const input: string[] = [];
    const ours: Oid[] = [];
    fc.sample(fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.nat(3)), { minLength: 1 }), {
      numRuns: 150,
      seed: 7,
    }).forEach((picked) => {
      const byName = new Map<string, TreeEntry>();
      for (const [name, kind] of picked) {
        const mode = ["100644", "100755", "120000", "40000"][kind] as string;
        const text = toByteString(name);
        byName.set(text, { mode, name: text, oid: kind === 3 ? EMPTY_TREE_OID : blob });
      }
      const entries = [...byName.values()];
      ours.push(hashObject("tree", encodeTree([...entries].sort(compareTreeEntries))));
      for (const entry of entries) {
        const type = isDirectory(entry) ? "tree" : "blob";
        input.push(`${entry.mode.padStart(6, "0")} ${type} ${entry.oid}\t${entry.name}\0`);
      }
      input.push("\0");
    });
    const { text } = await repo.git(["mktree", "-z", "--batch"], { input: bytes(input.join("")) });
    expect(ours).toEqual(text.split("\n"));
  });

  it("come back byte for byte, odd modes and names included", () => {
    const entry = (mode: string, name: string) =>
      Buffer.concat([bytes(`${mode} ${name}\0`), randomBytes(20)]);
    const data = Buffer.concat([
      ...[
        entry("100664", "a"),
        entry("040000", "b"),
        entry("0100644", "c"),
        entry("40755", "d"),
        entry("0", "e"),
      ],
      ...[entry("160000", " "), entry("120000", "\xff\n"), entry("100644", "a"), entry("37777777777", "z")],
    ]);
    same(encodeTree(decodeTree(data)), data);
    expect(decodeTree(data).map(entryKind)).toEqual([
      ...["file", "directory", "file", "directory", "gitlink", "gitlink", "symlink", "file", "gitlink"],
    ]);
    expect(isGitlink({ mode: "160000" })).toBe(true);
  });

  it("are decoded from a part of a larger buffer", () => {
    const entry = Buffer.concat([bytes("100644 a\0"), oidToBytes(EMPTY_TREE_OID)]);
    const data = Buffer.concat([randomBytes(7), entry, randomBytes(7)]).subarray(7, 7 + entry.length);
    expect(decodeTree(data)).toEqual([{ mode: "100644", name: "a", oid: EMPTY_TREE_OID }]);
  });

  it.each([
    ["cut off in the mode", bytes("1006")],
    ["cut off in the name", bytes("100644 abc")],
    ["cut off in the id", Buffer.concat([bytes("100644 a\0"), Buffer.alloc(19)])],
    ["without a mode", Buffer.concat([bytes(" a\0"), Buffer.alloc(20)])],
    ["without a name", Buffer.concat([bytes("100644 \0"), Buffer.alloc(20)])],
    ["with a mode of letters", Buffer.concat([bytes("10a644 a\0"), Buffer.alloc(20)])],
    ["with a mode of 12 digits", Buffer.concat([bytes("000000100644 a\0"), Buffer.alloc(20)])],
    [
      "with something after the last entry",
      Buffer.concat([bytes("100644 a\0"), Buffer.alloc(20), bytes("x")]),
    ],
  ])("are refused %s", (_name, data) => {
    expect(() => decodeTree(data)).toThrow(expect.objectContaining({ code: "corrupt-object" }));
  });

  it("find one entry as decoding all of them does", () => {
    const names = fc.uniqueArray(
      fc.constantFrom(...NAMES.map(toByteString), "a".repeat(300) as ByteString, "1" as ByteString),
    );
    fc.assert(
      fc.property(names, (present) => {
        const entries = present.map((name) => ({
          mode: "100644",
          name,
          oid: hashObject("blob", byteStringToBytes(name)),
        }));
        const data = encodeTree(entries);
        for (const name of [
          ...NAMES.map(toByteString),
          "" as ByteString,
          "nope" as ByteString,
          "100644 a" as ByteString,
        ]) {
          expect(findTreeEntry(data, name)).toEqual(entries.find((entry) => entry.name === name) ?? null);
        }
      }),
    );
    expect(() => findTreeEntry(bytes("100644 a"), "b" as ByteString)).toThrow(GitError);
  });
});

describe("decoders", () => {
  const decoders: [string, (data: Uint8Array) => unknown][] = [
    ["decodeTree", decodeTree],
    ["findTreeEntry", (data) => findTreeEntry(data, "a" as ByteString)],
    ["decodeCommit", decodeCommit],
    ["decodeCommitLinks", decodeCommitLinks],
    ["decodeTag", decodeTag],
    ["parseHeaderBlock", parseHeaderBlock],
    ["verifyObject commit", (data) => verifyObject("commit", data)],
    ["verifyObject tag", (data) => verifyObject("tag", data)],
    ["verifyObject tree", (data) => verifyObject("tree", data)],
  ];
  const valid = [
    ...Object.values(COMMITS).map(bytes),
    bytes(`object ${"1".repeat(40)}\ntype commit\ntag v1\ntagger A <a@b> 1 +0000\n\nm`),
    Buffer.concat([bytes("100644 a\0"), Buffer.alloc(20), bytes("40000 b\0"), Buffer.alloc(20, 7)]),
  ];
  /** Valid objects, cut off, with a part replaced, and plain noise. */
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.constantFrom(...valid), fc.nat(400)).map(([data, end]) => data.subarray(0, end)),
    fc
      .tuple(fc.constantFrom(...valid), fc.nat(300), fc.uint8Array({ maxLength: 5 }))
      .map(([data, at, noise]) => {
        return Buffer.concat([data.subarray(0, at), noise, data.subarray(at + noise.length)]);
      }),
  );

  it.each(decoders)("%s gives a value or a GitError for any bytes", (_name, decode) => {
    fc.assert(
      fc.property(hostile, (data) => {
        try {
          decode(data);
        } catch (error) {
          expect(error).toBeInstanceOf(GitError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("take time in proportion to hostile input", () => {
    // One quadratic step over so much would run into the time limit of the test.
    const long = 300_000;
    const lines = [
      `author ${" ".repeat(long)}x`,
      `author A <${"> ".repeat(long / 2)}x`,
      `author ${"<".repeat(long)}`,
      `committer A <a> ${"1".repeat(long)} x`,
      `committer A <a>${" ".repeat(long)}x`,
      `committer ${"A > ".repeat(long / 4)}`,
      `x\n${" \n".repeat(long / 2)}`,
    ];
    for (const line of lines) {
      const data = bytes(`${HEAD}${line}\ncommitter A <a> 1 +0000\n\nm`);
      for (const [, decode] of decoders) {
        try {
          decode(data);
        } catch (error) {
          expect(error).toBeInstanceOf(GitError);
        }
      }
    }
  });
});
