import { beforeEach, describe, expect, it } from "vitest";
import type { Oid } from "../git/hash/oid.ts";
import { decodeCommit } from "../git/object/commit.ts";
import { listTree } from "../git/tree/list-tree.ts";
import type { CommitRequest, TreeChange } from "../ports/commit.ts";
import { createMemoryObjects, type MemoryObjects } from "../testing/memory-objects.ts";
import { planCommit } from "./plan-commit.ts";

const TIME = { seconds: 1_700_000_000, zone: "+0100" };
const WHO = { name: "Ada", email: "ada@example.com" };

let objects: MemoryObjects;

beforeEach(() => {
  objects = createMemoryObjects();
});

const blob = (content: string) => objects.add("blob", content);

function put(path: string, content: string, more: Partial<TreeChange> = {}): TreeChange {
  // Tests give fields that a put has.
  return { kind: "put", field: `at ${path}`, path, oid: blob(content), ...more } as TreeChange;
}

function request(changes: readonly TreeChange[], requiredOids: readonly Oid[] = []): CommitRequest {
  return {
    branch: "main",
    message: "m",
    author: WHO,
    committer: WHO,
    changes,
    blobs: [],
    requiredOids,
    actor: "t",
  };
}

async function plan(head: Oid | null, ...changes: TreeChange[]) {
  return planCommit(objects, head, request(changes), TIME);
}

/** Plans, keeps what was planned, and gives the new head. */
async function commit(head: Oid | null, ...changes: TreeChange[]): Promise<Oid> {
  const planned = await plan(head, ...changes);
  if (planned.kind !== "planned") throw new Error(JSON.stringify(planned));
  objects.addAll(planned.objects);
  return planned.receipt.oid;
}

async function listPaths(head: Oid): Promise<string[]> {
  const object = objects.objects.get(head);
  const { tree } = decodeCommit(object?.data ?? new Uint8Array());
  const entries = await listTree(objects, tree, { recursive: true });
  return entries.filter(({ mode }) => mode !== "40000").map(({ path, mode }) => `${mode} ${path}`);
}

describe("planCommit", () => {
  it("makes a commit with the times, people and parent that it is told", async () => {
    const head = await commit(null, put("a", "1"));
    const planned = await plan(head, put("b", "2"));
    if (planned.kind !== "planned") throw new Error(planned.kind);
    const made = planned.objects.at(-1);
    expect(planned.receipt).toMatchObject({ oid: made?.oid, parent: head, branch: "main", filesChanged: 1 });
    expect(Buffer.from(made?.data ?? []).toString()).toBe(
      `tree ${planned.receipt.tree}\nparent ${head}\nauthor Ada <ada@example.com> 1700000000 +0100\n` +
        "committer Ada <ada@example.com> 1700000000 +0100\n\nm",
    );
    expect(planned.objects.map(({ type }) => type)).toEqual(["tree", "commit"]);
  });

  it("reads and writes along the changed paths only, whatever the size of the tree", async () => {
    const many = Array.from({ length: 400 }, (_, i) => put(`d${i}/sub/f`, `${i}`));
    const head = await commit(null, ...many);
    objects.resetCounts();
    const planned = await plan(head, put("d7/sub/new", "x"));
    expect(planned.kind === "planned" && planned.objects.length).toBe(4);
    expect(objects.counts.oids.length).toBeLessThan(12);
  });

  it("looks at the tree of head for every source, whatever the order of the list", async () => {
    const head = await commit(null, put("a", "A"), put("b", "B"));
    const swapped = await commit(
      head,
      { kind: "move", field: "0", path: "a", newPath: "b2" },
      { kind: "move", field: "1", path: "b", newPath: "a" },
      { kind: "copy", field: "2", path: "b", newPath: "c" },
    );
    expect(await listPaths(swapped)).toEqual(["100644 a", "100644 b2", "100644 c"]);
  });

  it("moves a directory as one entry, over its own removal", async () => {
    const head = await commit(null, put("d/x", "x"), put("d/y/z", "z"), put("e", "file"));
    const moved = await commit(
      head,
      { kind: "delete", field: "0", path: "e" },
      { kind: "move", field: "1", path: "d", newPath: "e" },
    );
    expect(await listPaths(moved)).toEqual(["100644 e/x", "100644 e/y/z"]);
  });

  it("tells a precondition from a content that is out of date", async () => {
    const head = await commit(null, put("a", "now"));
    const [now, old] = [blob("now"), blob("old")];
    expect(await plan(head, put("a", "x", { ifMatch: old }))).toEqual({
      kind: "path-conflict",
      field: "at a",
      path: "a",
      expected: old,
      current: now,
      head,
    });
    expect(await plan(head, put("a", "x", { derivedFrom: old }))).toMatchObject({
      kind: "stale",
      path: "a",
      head,
    });
    expect(await plan(head, put("gone", "x", { derivedFrom: old }))).toMatchObject({ kind: "stale" });
    expect(await plan(head, put("a", "x", { derivedFrom: now, ifMatch: now }))).toMatchObject({
      kind: "planned",
    });
    expect(await plan(null, put("a", "x", { ifMatch: null }))).toMatchObject({ kind: "planned" });
  });

  it("names the change that is blocked, not the one that blocks", async () => {
    const head = await commit(null, put("f", "1"), put("d/x", "1"));
    expect(await plan(head, put("ok", "1"), put("f/deep/er", "1"))).toMatchObject({
      kind: "rejected",
      reason: "file-in-the-way",
      field: "at f/deep/er",
    });
    expect(await plan(head, put("ok", "1"), put("d", "1"))).toMatchObject({
      kind: "rejected",
      reason: "directory-in-the-way",
      field: "at d",
    });
    const emptied = await commit(head, { kind: "delete", field: "0", path: "d/x" }, put("d", "a file now"));
    expect(await listPaths(emptied)).toEqual(["100644 d", "100644 f"]);
  });

  it("keeps executables executable, and a link only when its own text was derived", async () => {
    const head = await commit(
      null,
      put("run", "1", { mode: "100755" }),
      put("link", "run", { mode: "120000" }),
      put("link2", "run", { mode: "120000" }),
    );
    const next = await commit(
      head,
      put("run", "2"),
      put("link", "plain"),
      put("link2", "run2", { derivedFrom: blob("run") }),
    );
    expect(await listPaths(next)).toEqual(["100644 link", "120000 link2", "100755 run"]);
    const replaced = await commit(next, { kind: "delete", field: "0", path: "run" }, put("run", "3"));
    expect(await listPaths(replaced)).toContain("100644 run");
  });

  it("takes ids that the caller names only for blobs of the repository", async () => {
    const there = blob("there");
    const tree = objects.add("tree", "");
    const absent = "1".repeat(40) as Oid; // 40 digits are an id
    const by = (oid: Oid): TreeChange => ({ kind: "put", field: "f", path: "a", oid });
    expect((await planCommit(objects, null, request([by(there)], [there]), TIME)).kind).toBe("planned");
    for (const oid of [tree, absent]) {
      const refused = await planCommit(objects, null, request([by(oid)], [oid]), TIME);
      expect(refused).toMatchObject({ kind: "rejected", reason: "missing-object", field: "f" });
    }
  });
});
