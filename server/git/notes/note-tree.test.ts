import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryObjects, type MemoryObjects } from "../../testing/memory-objects.ts";
import { readAllObjects } from "../../testing/random-history.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { EMPTY_TREE_OID, type Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { decodeTree } from "../object/tree.ts";
import { buildPack } from "../pack/write-pack.ts";
import { diffNotes } from "./diff-notes.ts";
import { addNotes, mergeNotes, readNotesRoot } from "./note-commit.ts";
import { editNotes, findNotes, parseNotePath } from "./note-tree.ts";

const NOTES = 700;
const seconds = 1_700_000_000;

/** Ids as commits have them. */
const annotatedOf = (n: number) => hashObject("blob", Buffer.from(`annotated ${n}`));
const noteOf = (n: number) => `{"agent":"${n}"}\n`;
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** The first notes in folders of two digits, two deep: more than git itself would make of so few. */
async function writeNotesByGit(repo: RealRepo, count: number): Promise<void> {
  const lines = numbers(0, count).map((n) => {
    const hex = annotatedOf(n);
    const path = `${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}`;
    return `M 100644 inline ${path}\ndata ${noteOf(n).length}\n${noteOf(n)}`;
  });
  const stream = `commit refs/notes/agent\ncommitter C <c@example.com> ${seconds} +0000\ndata 0\n${lines.join("\n")}\n`;
  await repo.git(["fast-import", "--quiet", "--force"], { input: stream });
}

async function writeAnnotated(repo: RealRepo): Promise<void> {
  const blobs = numbers(0, NOTES).map((n) => `blob\ndata ${`annotated ${n}`.length}\nannotated ${n}\n`);
  await repo.git(["fast-import", "--quiet"], { input: blobs.join("") });
}

/** Objects of ours into a real repository, with the notes ref at `tip`. */
async function give(repo: RealRepo, memory: MemoryObjects, tip: Oid): Promise<void> {
  const { pack } = buildPack([...memory.objects.values()]);
  await repo.git(["unpack-objects", "-q"], { input: pack });
  await repo.git(["update-ref", "refs/notes/agent", tip]);
}

/** Adds notes by ones and by batches; gives the tip. */
async function addAll(memory: MemoryObjects, tip: Oid | null, from: number, to: number, batch: number) {
  let at = tip;
  for (let n = from; n < to; n += batch) {
    const notes = numbers(n, Math.min(n + batch, to)).map((i) => ({
      annotated: annotatedOf(i),
      blob: memory.add("blob", noteOf(i)),
    }));
    const next = await addNotes(memory, at, { notes, seconds });
    memory.addAll(next.objects);
    at = next.oid;
  }
  return at as Oid;
}

describe("notes", () => {
  it("finds in one read a level what was written, whatever the fan-out", async () => {
    const memory = createMemoryObjects();
    const tip = await addAll(memory, null, 0, 400, 25);
    const root = await readNotesRoot(memory, tip);
    memory.resetCounts();
    const found = await findNotes(memory, root, [...numbers(0, 420)].map(annotatedOf));
    expect(memory.counts.calls).toBeLessThanOrEqual(3);
    expect(found.size).toBe(400);
    for (const n of numbers(0, 400))
      expect(found.get(annotatedOf(n))).toBe(hashObject("blob", Buffer.from(noteOf(n))));
  });

  it("reads and writes along one path only", async () => {
    const memory = createMemoryObjects();
    const tip = await addAll(memory, null, 0, 600, 100);
    memory.resetCounts();
    const blob = memory.add("blob", "new\n");
    const next = await addNotes(memory, tip, { notes: [{ annotated: annotatedOf(9_999), blob }], seconds });
    // The commit, the root and one folder.
    expect(memory.counts.oids.length).toBeLessThanOrEqual(3);
    expect(next.objects.map(({ type }) => type).sort()).toEqual(["commit", "tree", "tree"]);
  });

  it("replaces a note, takes one away, and comes back to the empty tree", async () => {
    const memory = createMemoryObjects();
    const tip = await addAll(memory, null, 0, 300, 300);
    const root = await readNotesRoot(memory, tip);
    const other = memory.add("blob", "other\n");
    const edited = await editNotes(
      memory,
      root,
      new Map([
        [annotatedOf(3), other],
        [annotatedOf(4), null],
      ]),
    );
    memory.addAll(edited.objects);
    const found = await findNotes(memory, edited.root, [3, 4, 5].map(annotatedOf));
    expect([found.get(annotatedOf(3)), found.has(annotatedOf(4)), found.has(annotatedOf(5))]).toEqual([
      other,
      false,
      true,
    ]);
    const emptied = await editNotes(
      memory,
      edited.root,
      new Map(numbers(0, 300).map((n) => [annotatedOf(n), null])),
    );
    expect(emptied.root).toBe(EMPTY_TREE_OID);
  });

  it("tells what changed between trees of different fan-out, and merges both sides", async () => {
    const memory = createMemoryObjects();
    const base = await addAll(memory, null, 0, 20, 20);
    const theirs = await addAll(memory, base, 20, 500, 480);
    const ours = await addAll(memory, base, 500, 520, 20);
    const changes = await diffNotes(
      memory,
      await readNotesRoot(memory, base),
      await readNotesRoot(memory, theirs),
    );
    expect([...changes.keys()].sort()).toEqual(numbers(20, 500).map(annotatedOf).sort());
    const merged = await mergeNotes(memory, { base, ours, theirs }, seconds);
    memory.addAll(merged.objects);
    const root = await readNotesRoot(memory, merged.oid);
    expect((await findNotes(memory, root, numbers(0, 520).map(annotatedOf))).size).toBe(520);
    expect((await diffNotes(memory, null, root)).size).toBe(520);
  });

  it("keeps what is no note, and names no note by a path of another kind", async () => {
    const memory = createMemoryObjects();
    const readme = memory.add("blob", "hello\n");
    const tree = memory.add(
      "tree",
      Buffer.concat([Buffer.from("100644 README\0"), Buffer.from(readme, "hex")]),
    );
    const edited = await editNotes(memory, tree, new Map([[annotatedOf(1), readme]]));
    memory.addAll(edited.objects);
    expect(
      decodeTree(memory.objects.get(edited.root)?.data ?? new Uint8Array()).map(({ name }) => name),
    ).toContain("README");
    const hex = annotatedOf(1);
    expect(parseNotePath(`${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}`)).toBe(hex);
    for (const path of ["README", hex.slice(1), `${hex.slice(0, 3)}/${hex.slice(3)}`, hex.toUpperCase()]) {
      expect(parseNotePath(path)).toBeNull();
    }
  });

  it("refuses a notes ref that is at no commit", async () => {
    const memory = createMemoryObjects();
    const blob = memory.add("blob", "x");
    const adding = addNotes(memory, blob, { notes: [{ annotated: annotatedOf(1), blob }], seconds });
    await expect(adding).rejects.toMatchObject({ code: "wrong-type" });
  });
});

describe.runIf(hasGit)("notes and git", () => {
  let repo: RealRepo;

  beforeAll(async () => {
    repo = await makeRepo();
    await writeAnnotated(repo);
  });
  afterAll(() => repo.remove());

  it("writes the tree that git notes writes, at every size, added one by one or together", async () => {
    const memory = createMemoryObjects();
    let tip = await addAll(memory, null, 0, 60, 1);
    let done = 60;
    for (const size of [90, 130, 200, NOTES - 1]) {
      tip = await addAll(memory, tip, done, size, 7);
      done = size;
      await give(repo, memory, tip);
      const ours = await readNotesRoot(memory, tip);
      // One more by git, and the same one by us.
      await repo.git(["notes", "--ref", "agent", "add", "-m", "by git", annotatedOf(NOTES - 1)]);
      const blob = memory.add("blob", "by git\n");
      const edited = await editNotes(memory, ours, new Map([[annotatedOf(NOTES - 1), blob]]));
      expect((await repo.git(["rev-parse", "refs/notes/agent^{tree}"])).text, `${size} notes`).toBe(
        edited.root,
      );
    }
    const last = annotatedOf(done - 1);
    expect((await repo.git(["notes", "--ref", "agent", "show", last])).text).toBe(noteOf(done - 1).trim());
    expect((await repo.git(["notes", "--ref", "agent", "list"])).text.split("\n")).toHaveLength(NOTES);
    expect((await repo.git(["fsck", "--strict", "--no-dangling"])).text).toBe("");
  });

  it("reads what git wrote, and git appends to and merges what it gets back", async () => {
    await writeNotesByGit(repo, 650);
    const memory = createMemoryObjects(await readAllObjects(repo));
    const byGit = (await repo.git(["rev-parse", "refs/notes/agent"])).text as Oid;
    const root = await readNotesRoot(memory, byGit);
    expect((await findNotes(memory, root, numbers(0, NOTES).map(annotatedOf))).size).toBe(650);
    const tip = await addAll(memory, byGit, 650, 660, 10);
    await give(repo, memory, tip);
    await repo.git(["notes", "--ref", "agent", "append", "-m", "more", annotatedOf(655)]);
    expect((await repo.git(["notes", "--ref", "agent", "show", annotatedOf(655)])).text).toBe(
      `${noteOf(655)}\nmore`,
    );
    await repo.git(["update-ref", "refs/notes/other", byGit]);
    await repo.git(["notes", "--ref", "other", "add", "-m", "elsewhere", annotatedOf(690)]);
    await repo.git(["notes", "--ref", "agent", "merge", "other"]);
    expect((await repo.git(["notes", "--ref", "agent", "list"])).text.split("\n")).toHaveLength(661);
  });
});
