import { describe, expect, it } from "vitest";
import { createMemoryObjects } from "../../testing/memory-objects.ts";
import { readAllObjects } from "../../testing/random-history.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import type { Head } from "../ports.ts";
import { parseRevision } from "./parse-revision.ts";
import { type FindRefs, resolveRevision } from "./resolve-revision.ts";

describe("parseRevision", () => {
  it("takes steps apart", () => {
    expect(parseRevision("main")).toEqual({ base: "main", steps: [] });
    expect(parseRevision("@~3^2")).toEqual({
      base: "HEAD",
      steps: [
        { kind: "ancestor", count: 3 },
        { kind: "parent", number: 2 },
      ],
    });
    expect(parseRevision("a/b^^{}^{tree}^0~").steps).toEqual([
      { kind: "parent", number: 1 },
      { kind: "peel", to: "any" },
      { kind: "peel", to: "tree" },
      { kind: "parent", number: 0 },
      { kind: "ancestor", count: 1 },
    ]);
  });

  it.each([
    "",
    "~1",
    "^",
    "^HEAD",
    "HEAD~x",
    "HEAD~1x",
    "HEAD^{",
    "HEAD^}",
    "HEAD^{nope}",
    "HEAD^{/fix}",
    "HEAD:a",
    ":a",
    ":/x",
    "a..b",
    "a...b",
    "HEAD@{1}",
    "@{u}",
    "@{-1}",
    "a b",
    "HEAD~2147483648",
    "HEAD^99999999999999999999",
    "a\0",
    "HEAD^-",
    "HEAD^!",
    "HEAD^@",
    "a".repeat(5_000),
  ])("refuses %j", (text) => {
    expect(() => parseRevision(text)).toThrowError(expect.objectContaining({ code: "invalid-revision" }));
  });
});

async function makeHistory(repo: RealRepo): Promise<void> {
  const commit = (message: string) => repo.git(["commit", "-q", "--allow-empty", "-m", message]);
  for (const message of ["1", "2", "3"]) await commit(message);
  await repo.git(["checkout", "-q", "-b", "side", "HEAD~1"]);
  await commit("side");
  await repo.git(["checkout", "-q", "main"]);
  await repo.git(["merge", "-q", "--no-ff", "-m", "merge", "side"]);
  await repo.git(["tag", "light", "HEAD~1"]);
  await repo.git(["tag", "-a", "-m", "t", "v1", "HEAD^2"]);
  await repo.git(["tag", "-a", "-m", "t", "v2", "v1"]);
  await repo.git(["tag", "side", "HEAD~2"]);
  await repo.git(["tag", "-a", "-m", "t", "ofTree", "HEAD^{tree}"]);
  await repo.git(["branch", "feature/x", "HEAD^2"]);
  await repo.git(["branch", "HEAD2"]);
  await repo.git(["update-ref", "refs/notes/agent", "HEAD~1"]);
  await repo.git(["update-ref", "refs/heads/tags/odd", "HEAD~1"]);
  await repo.git(["update-ref", "refs/tags/odd", "HEAD"]);
  await repo.git(["update-ref", "refs/remotes/origin/HEAD", "HEAD~2"]);
  await repo.git(["update-ref", "refs/remotes/origin/dev", "HEAD~1"]);
  await repo.git(["update-ref", "refs/heads/refs/heads/main", "HEAD~1"]);
}

const BASES = [
  "HEAD",
  "@",
  "main",
  "heads/main",
  "refs/heads/main",
  "light",
  "v1",
  "v2",
  "tags/v2",
  "refs/tags/v1",
  "side",
  "heads/side",
  "feature/x",
  "notes/agent",
  "refs/notes/agent",
  "odd",
  "tags/odd",
  "heads/tags/odd",
  "origin",
  "origin/dev",
  "ofTree",
  "nope",
  "heads/nope",
  "refs/heads",
  "HEAD2",
  "refs/refs/heads/main",
  "head",
];
const STEPS = [
  "",
  "~",
  "~0",
  "~1",
  "~2",
  "~9",
  "^",
  "^0",
  "^1",
  "^2",
  "^3",
  "^^",
  "^2~1",
  "~1^2",
  "^{}",
  "^{commit}",
  "^{tree}",
  "^{tag}",
  "^{blob}",
  "^{object}",
  "^{tree}^{}",
  "^{tree}^{commit}",
  "^{commit}~1",
  "~1^{tree}",
  "^0~0^{}",
  "~01",
  "^02",
  "^{}^2",
];

describe.runIf(hasGit)("resolveRevision", () => {
  it("agrees with git rev-parse on every base with every step", async () => {
    await using repo = await makeRepo();
    await makeHistory(repo);
    const objects = createMemoryObjects(await readAllObjects(repo));
    const list = (await repo.git(["for-each-ref", "--format=%(refname) %(objectname)"])).text.split("\n");
    const refs = new Map(list.map((line) => line.split(" ") as [string, Oid]));
    const findRefs: FindRefs = async (names) => {
      const found = new Map<string, Oid>();
      for (const name of names) {
        const oid = refs.get(name);
        if (oid) found.set(name, oid);
      }
      return found;
    };
    const head: Head = { kind: "symbolic", target: "refs/heads/main" };
    const tip = refs.get("refs/heads/main") as Oid;
    const texts = [...BASES, tip, tip.toUpperCase()].flatMap((base) => STEPS.map((step) => base + step));
    const { text } = await repo.git(["cat-file", "--batch-check=%(objectname)"], {
      input: `${texts.join("\n")}\n`,
    });
    const theirs = text.split("\n").map((line) => (/^[0-9a-f]{40}$/.test(line) ? line : null));
    const ours: (Oid | null)[] = [];
    for (const revision of texts) ours.push(await resolveRevision(objects, findRefs, head, revision));
    expect(texts.map((revision, i) => [revision, ours[i]])).toEqual(
      texts.map((revision, i) => [revision, theirs[i]]),
    );
    expect(ours.filter((oid) => oid !== null).length).toBeGreaterThan(250);

    expect(await resolveRevision(objects, findRefs, { kind: "detached", oid: tip }, "HEAD^2")).toBe(
      await resolveRevision(objects, findRefs, head, "heads/side"),
    );
    expect(
      await resolveRevision(objects, findRefs, { kind: "symbolic", target: "refs/heads/unborn" }, "HEAD"),
    ).toBeNull();
    expect(await resolveRevision(objects, findRefs, head, "f".repeat(40))).toBeNull();
    expect(await resolveRevision(objects, findRefs, head, `${"f".repeat(40)}~1`)).toBeNull();
    await expect(resolveRevision(objects, findRefs, head, "a..b")).rejects.toBeInstanceOf(GitError);
  });
});
