import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toByteString } from "../../git/bytes/text.ts";
import { isObjectType } from "../../git/hash/object-type.ts";
import { type Oid, parseOid } from "../../git/hash/oid.ts";
import { createMemoryObjects, type MemoryObjects } from "../../testing/memory-objects.ts";
import { createRandom } from "../../testing/random-commits.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { type HistoryCursor, listCommits } from "./list-commits.ts";

let repo: RealRepo;
let objects: MemoryObjects;
const tips = new Map<string, Oid>();

/** Histories with merges, several roots, equal dates and dates that run backwards. */
function writeHistories(): string {
  const random = createRandom(5);
  const parts: string[] = [];
  let mark = 0;
  for (let history = 0; history < 12; history++) {
    const made: number[] = [];
    const count = 25 + Math.floor(random() * 30);
    for (let i = 0; i < count; i++) {
      mark++;
      const isRoot = made.length === 0 || (history % 3 === 1 && random() < 0.05);
      const recent = () => made[Math.max(0, made.length - 1 - Math.floor(random() * 3))];
      const parent = isRoot ? null : i === count - 1 ? made.at(-1) : recent();
      const merged = !isRoot && random() < 0.35 ? recent() : null;
      const seconds =
        1_700_000_000 + (history % 4 === 0 ? 0 : i * 10 + Math.floor(random() * (history % 4) * 40));
      parts.push(
        `commit refs/heads/h${history}-${mark}\nmark :${mark}\ncommitter C <c@d> ${seconds} +0000\ndata 0\n`,
      );
      if (parent) parts.push(`from :${parent}\n`);
      if (merged && merged !== parent) parts.push(`merge :${merged}\n`);
      parts.push(`M 100644 inline f${Math.floor(random() * 3)}\ndata <<E\n${mark}\nE\n\n`);
      made.push(mark);
    }
    // All of a history's commits hang on one tip.
    const merges = made.slice(0, -1).filter(() => random() < 0.2);
    mark++;
    parts.push(
      `commit refs/heads/tip${history}\nmark :${mark}\ncommitter C <c@d> 1800000000 +0000\ndata 0\n`,
    );
    parts.push(`from :${made.at(-1)}\n${merges.map((other) => `merge :${other}\n`).join("")}\n`);
  }
  return parts.join("");
}

beforeAll(async () => {
  if (!hasGit) return;
  repo = await makeRepo({ bare: true });
  await repo.git(["fast-import", "--quiet", "--force"], { input: writeHistories() });
  objects = createMemoryObjects();
  const all = await repo.git(["cat-file", "--batch-all-objects", "--batch"]);
  for (let at = 0; at < all.stdout.length; ) {
    const end = all.stdout.indexOf("\n", at);
    const [, type = "", size = ""] = all.stdout.subarray(at, end).toString().split(" ");
    if (isObjectType(type))
      objects.add(type, Uint8Array.from(all.stdout.subarray(end + 1, end + 1 + Number(size))));
    at = end + 2 + Number(size);
  }
  const refs = await repo.git(["for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/tip*"]);
  for (const line of refs.text.split("\n")) {
    const [name = "", oid = ""] = line.split(" ");
    tips.set(name, parseOid(oid));
  }
});

afterAll(() => repo?.remove());

async function walkPages(tip: Oid, limit: number, path: string | null) {
  const seen: Oid[] = [];
  const skips: number[] = [];
  let cursor: HistoryCursor | null = { base: tip, skip: 0 };
  while (cursor) {
    skips.push(cursor.skip);
    const page = await listCommits(objects, cursor, {
      limit,
      path: path === null ? null : toByteString(path),
    });
    seen.push(...page.commits.map(({ oid }) => oid));
    cursor = page.next;
  }
  return { seen, skips };
}

describe.runIf(hasGit)("pages of history (skipped where git is not installed)", () => {
  it("join to what one walk gives, whatever the merges, roots and dates", async () => {
    for (const tip of tips.values()) {
      const whole = (await walkPages(tip, 10_000, null)).seen;
      expect(new Set(whole)).toEqual(new Set((await repo.git(["rev-list", tip])).text.split("\n")));
      for (const limit of [1, 3, 7]) expect((await walkPages(tip, limit, null)).seen).toEqual(whole);
    }
  });

  it("do the same for one path, as git log does", async () => {
    let shown = 0;
    for (const tip of tips.values()) {
      const whole = (await walkPages(tip, 10_000, "f1")).seen;
      shown += whole.length;
      expect(new Set(whole)).toEqual(
        new Set((await repo.git(["rev-list", tip, "--", "f1"])).text.split("\n").filter(Boolean)),
      );
      expect((await walkPages(tip, 2, "f1")).seen).toEqual(whole);
    }
    expect(shown).toBeGreaterThan(40);
  });

  it("do not count from the tip where a history is one line", async () => {
    await using line = await makeRepo({ bare: true });
    const commits = Array.from(
      { length: 50 },
      (_, i) => `commit refs/heads/main\ncommitter C <c@d> 1700000000 +0000\ndata 1\n${i % 10}\n`,
    );
    await line.git(["fast-import", "--quiet"], { input: commits.join("") });
    const tip = parseOid((await line.git(["rev-parse", "main"])).text);
    const list = (await line.git(["rev-list", "main"])).text.split("\n");
    for (const oid of list) objects.add("commit", (await line.git(["cat-file", "commit", oid])).stdout);
    const { seen, skips } = await walkPages(tip, 5, null);
    expect(seen).toEqual(list);
    expect(Math.max(...skips)).toBe(0);
  });
});
