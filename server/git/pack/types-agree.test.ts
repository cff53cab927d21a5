import { expect, it } from "vitest";
import type { ByteString } from "../bytes/text.ts";
import type { ObjectType } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { encodeTree } from "../object/tree.ts";
import type { GitObject } from "../ports.ts";
import { ingestPack } from "./ingest-pack.ts";
import { buildPack } from "./write-pack.ts";

const LIMITS = { maxObjects: 100, maxObjectBytes: 1_000_000, maxPackBytes: 1_000_000 };

function make(type: ObjectType, content: string | Uint8Array): GitObject {
  const data = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { oid: hashObject(type, data), type, data };
}

function makeTree(mode: string, oid: Oid): GitObject {
  return make("tree", encodeTree([{ mode, name: "x" as ByteString, oid }])); // ASCII
}

function makeCommit(tree: Oid, parent?: Oid): GitObject {
  const who = "A <a@example.com> 1700000000 +0000";
  return make(
    "commit",
    `tree ${tree}\n${parent ? `parent ${parent}\n` : ""}author ${who}\ncommitter ${who}\n\n.\n`,
  );
}

async function agrees(objects: readonly GitObject[]): Promise<boolean> {
  const input = (async function* () {
    yield buildPack(objects).pack;
  })();
  return (await ingestPack(input, { limits: LIMITS })).typesAgree;
}

const blob = make("blob", "content\n");
const tree = makeTree("100644", blob.oid);
const commit = makeCommit(tree.oid);

it("objects of a pack agree when each is what the others take it for, in whichever order they come", async () => {
  const child = makeCommit(makeTree("40000", tree.oid).oid, commit.oid);
  const objects = [child, commit, makeTree("40000", tree.oid), tree, blob];
  expect(await agrees(objects)).toBe(true);
  expect(await agrees(objects.reverse())).toBe(true);
});

it.each([
  ["a blob as a directory", [makeTree("40000", blob.oid), blob]],
  ["a tree as a file", [makeTree("100644", tree.oid), tree, blob]],
  ["a tree as a link", [makeTree("120000", tree.oid), tree, blob]],
  ["a commit as a tree", [makeCommit(commit.oid), commit, tree, blob]],
  ["a tree as a parent", [makeCommit(tree.oid, tree.oid), tree, blob]],
])("they do not when one takes %s", async (_, objects) => {
  expect(await agrees(objects)).toBe(false);
  expect(await agrees([...objects].reverse())).toBe(false);
});

it("a gitlink names nothing of this pack", async () => {
  expect(await agrees([makeTree("160000", blob.oid), blob])).toBe(true);
});
