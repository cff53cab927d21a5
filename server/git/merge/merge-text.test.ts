import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom, editLines, joinLines, makeLines } from "../../testing/random-texts.ts";
import { git, hasGit, makeFolder } from "../../testing/real-git.ts";
import { createDiffBudget } from "../diff/diff-budget.ts";
import { mergeText, type TextVersions } from "./merge-text.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const text = (content: Uint8Array) => Buffer.from(content).toString("latin1");

function merge(base: string, ours: string, theirs: string) {
  const merged = mergeText({ base: bytes(base), ours: bytes(ours), theirs: bytes(theirs) });
  return { text: text(merged.content), conflicts: merged.conflicts };
}

function makeVersions(seed: number): TextVersions {
  const random = createRandom(seed);
  const shape = {
    lines: Math.floor(random() * (seed % 10 === 0 ? 400 : 40)),
    words: 4 + Math.floor(random() * 60),
    crlf: random() < 0.2,
  };
  const base = makeLines(random, shape);
  const ours = editLines(random, base, { ...shape, crlf: random() < 0.1 ? !shape.crlf : shape.crlf });
  const theirs = editLines(random, base, shape);
  return { base: joinLines(random, base), ours: joinLines(random, ours), theirs: joinLines(random, theirs) };
}

describe("a merge of texts", () => {
  it("takes disjoint edits of both sides", () => {
    expect(merge("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n")).toEqual({
      text: "A\nb\nc\nD\n",
      conflicts: 0,
    });
  });

  it("takes the same edit once", () => {
    expect(merge("a\nb\n", "a\nx\n", "a\nx\n")).toEqual({ text: "a\nx\n", conflicts: 0 });
  });

  it("shows both sides of an overlapping edit", () => {
    expect(merge("a\nb\nc\n", "a\nx\nc\n", "a\ny\nc\n")).toEqual({
      text: "a\n<<<<<<< ours\nx\n=======\ny\n>>>>>>> theirs\nc\n",
      conflicts: 1,
    });
  });

  it("keeps CRLF, bytes that are not UTF-8, and a last line without an end", () => {
    expect(merge("a\r\nb\r\n\xff", "A\r\nb\r\n\xff", "a\r\nb\r\n\xff\xfe")).toEqual({
      text: "A\r\nb\r\n\xff\xfe",
      conflicts: 0,
    });
    expect(merge("a\r\n", "b\r\n", "c\r\n").text).toBe(
      "<<<<<<< ours\r\nb\r\n=======\r\nc\r\n>>>>>>> theirs\r\n",
    );
    expect(merge("a\n", "b", "c").text).toBe("<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n");
  });

  it("merges with nothing: empty versions", () => {
    expect(merge("", "", "")).toEqual({ text: "", conflicts: 0 });
    expect(merge("", "a\n", "")).toEqual({ text: "a\n", conflicts: 0 });
    expect(merge("a\n", "", "a\n")).toEqual({ text: "", conflicts: 0 });
    expect(merge("", "a\n", "b\n").conflicts).toBe(1);
  });

  it("never drops a line of one side without a conflict, also when the budget is spent", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const versions = makeVersions(seed);
      const merged = mergeText(versions, { budget: createDiffBudget(seed % 2 === 0 ? 10 : 1_000_000) });
      const result = new Set(text(merged.content).split(/\r?\n/));
      const kept = new Set([...text(versions.base).split(/\r?\n/)]);
      for (const side of [versions.ours, versions.theirs]) {
        for (const line of text(side).split(/\r?\n/)) {
          if (!kept.has(line))
            expect(result.has(line), `seed ${seed} lost ${JSON.stringify(line)}`).toBe(true);
        }
      }
    }
  });
});

/** A side whose lines are all different: some of the base's are gone, and its own stand between and instead of them. */
function changeUnique(random: () => number, base: readonly string[], side: string): string[] {
  let next = 0;
  return base.flatMap((line) => {
    const kind = random();
    const own = () => `${side} ${next++}\n`;
    if (kind < 0.08) return [];
    if (kind < 0.16) return [own()];
    if (kind < 0.24) return [line, own(), own()];
    return [line];
  });
}

describe("a merge of texts whose lines are all different", () => {
  it("has each line once that a side added or both kept, none that a side deleted, and all of them when it conflicts", () => {
    const seen = { clean: 0, conflicts: 0 };
    for (let seed = 1; seed <= 1_500; seed++) {
      const random = createRandom(seed);
      const base = Array.from({ length: 1 + Math.floor(random() * 40) }, (_, i) => `base ${i}\n`);
      // Few changes make clean merges, many make conflicts.
      const rare = seed % 2 === 0 ? () => (random() < 0.2 ? random() : 1) : random;
      const ours = changeUnique(rare, base, "ours");
      const theirs = changeUnique(rare, base, "theirs");
      const budget = createDiffBudget(seed % 5 === 0 ? 20 : 1_000_000);
      const merged = mergeText(
        { base: bytes(base.join("")), ours: bytes(ours.join("")), theirs: bytes(theirs.join("")) },
        { budget },
      );
      const result = text(merged.content).split(/(?<=\n)/);
      const count = (line: string) => result.filter((found) => found === line).length;
      const isMarker = (line: string) => /^(<<<<<<<|=======|>>>>>>>)/.test(line);
      seen[merged.conflicts === 0 ? "clean" : "conflicts"]++;
      for (const line of [...ours, ...theirs].filter((one) => !base.includes(one)))
        expect([seed, line, count(line)]).toEqual([seed, line, 1]);
      for (const line of base) {
        const kept = Number(ours.includes(line)) + Number(theirs.includes(line));
        // Between markers stands what one side kept, and twice what both kept among their changes.
        const most = merged.conflicts === 0 ? Number(kept === 2) : kept;
        expect([seed, line, count(line) <= most]).toEqual([seed, line, true]);
        if (kept === 2) expect([seed, line, count(line) > 0]).toEqual([seed, line, true]);
      }
      const known = new Set([...base, ...ours, ...theirs]);
      expect(result.filter((line) => line !== "" && !known.has(line) && !isMarker(line))).toEqual([]);
      expect(result.filter(isMarker)).toHaveLength(3 * merged.conflicts);
    }
    expect(Math.min(seen.clean, seen.conflicts)).toBeGreaterThan(200);
  });
});

describe.runIf(hasGit)("judged by git merge-file", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await makeFolder();
  });

  async function mergeWithGit(versions: TextVersions) {
    for (const name of ["base", "ours", "theirs"] as const)
      await writeFile(join(folder, name), versions[name]);
    const result = await git(
      ["merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", "ours", "base", "theirs"],
      { cwd: folder, allowFailure: true },
    );
    return { text: result.stdout.toString("latin1"), conflicts: result.status };
  }

  it("gives the same bytes and the same number of conflicts for 500 random merges", async () => {
    let clean = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const versions = makeVersions(seed);
      const expected = await mergeWithGit(versions);
      const { content, conflicts } = mergeText(versions, { like: "merge-file" });
      if (conflicts === 0) clean++;
      expect({ seed, text: text(content), conflicts: Math.min(conflicts, 127) }).toEqual({
        seed,
        ...expected,
      });
    }
    expect(clean).toBeGreaterThan(50);
    expect(clean).toBeLessThan(450);
  }, 60_000);

  it("gives the same for long texts that take the short cuts", async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = createRandom(seed);
      const shape = { lines: 6_000, words: seed % 2 ? 900 : 100_000, crlf: false };
      const base = makeLines(random, shape);
      const edit = (lines: readonly string[]) => {
        let edited = [...lines];
        for (let round = 0; round < 300; round++) edited = editLines(random, edited, shape);
        return joinLines(random, edited);
      };
      const versions = { base: joinLines(random, base), ours: edit(base), theirs: edit(base) };
      const expected = await mergeWithGit(versions);
      const { content } = mergeText(versions, { like: "merge-file" });
      expect(text(content) === expected.text, `seed ${seed}`).toBe(true);
    }
  }, 60_000);
});
