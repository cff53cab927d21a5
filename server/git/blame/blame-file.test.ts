import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMemoryObjects } from "../../testing/memory-objects.ts";
import { type FileHistoryShape, makeFileHistory } from "../../testing/random-file-history.ts";
import { readAllObjects } from "../../testing/random-history.ts";
import { hasGit, makeRepo, type RealRepo } from "../../testing/real-git.ts";
import { toByteString } from "../bytes/text.ts";
import type { Oid } from "../hash/oid.ts";
import { decodeCommit } from "../object/commit.ts";
import { isDirectory } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { findEntry } from "../tree/find-entry.ts";
import { type BlameLimits, type BlameQuery, blameFile } from "./blame-file.ts";

const LIMITS: BlameLimits = { commits: 10_000, diffSteps: 50_000_000, bytes: 100_000_000 };

interface Place {
  readonly commit: Oid;
  readonly path: string;
}

async function blame(
  reader: ObjectReader,
  { commit, path }: Place,
  more: { readonly range?: BlameQuery["range"]; readonly limits?: Partial<BlameLimits> } = {},
) {
  const object = (await reader.readObjects([commit])).found.get(commit);
  const tree = decodeCommit(object?.data ?? new Uint8Array()).tree;
  const version = await findEntry(reader, tree, toByteString(path));
  if (!version || isDirectory(version)) throw new Error(`no file ${path}`);
  const { range, limits = {} } = more;
  const query = { commit, path: toByteString(path), version, ...(range && { range }) };
  return blameFile(reader, query, { ...LIMITS, ...limits });
}

/** `sha orig final count path` of each group of lines that git prints. */
async function blameByGit(repo: RealRepo, { commit, path }: Place, options: readonly string[] = []) {
  const { stdout } = await repo.git(["blame", "--line-porcelain", ...options, commit, "--", path]);
  const groups: string[] = [];
  let header: RegExpExecArray | null = null;
  for (const line of stdout.toString("latin1").split("\n")) {
    if (line.startsWith("\t")) continue;
    header = /^([0-9a-f]{40}) (\d+) (\d+) (\d+)$/.exec(line) ?? header;
    const file = /^filename (.*)$/.exec(line);
    if (!file || !header) continue;
    groups.push([...header.slice(1), file[1]].join(" "));
    header = null;
  }
  return groups;
}

function format({ hunks }: Awaited<ReturnType<typeof blame>>) {
  return hunks.map(
    ({ commit, orig, final, count, path }) => `${commit} ${orig + 1} ${final + 1} ${count} ${path}`,
  );
}

async function listFiles(repo: RealRepo, commit: Oid) {
  return (await repo.git(["ls-tree", "-r", "--name-only", commit])).text.split("\n").filter(Boolean);
}

const SHAPES: readonly FileHistoryShape[] = [
  { seed: 1, commits: 60, lines: 40, words: 400, crlf: false },
  { seed: 2, commits: 60, lines: 60, words: 12, crlf: false, skewed: true },
  { seed: 3, commits: 40, lines: 300, words: 30, crlf: true },
  { seed: 4, commits: 80, lines: 120, words: 60, crlf: false, skewed: true },
];

describe.runIf(hasGit).each(SHAPES)("blame of a random history, seed $seed", (shape) => {
  let repo: RealRepo;
  let reader: ObjectReader;
  let commits: readonly Oid[];

  beforeAll(async () => {
    repo = await makeRepo();
    commits = await makeFileHistory(repo, shape);
    reader = createMemoryObjects(await readAllObjects(repo));
  });
  afterAll(() => repo.remove());

  it("gives each line to the commit, line and file that git blame names", async () => {
    for (const commit of commits.slice(-8)) {
      for (const path of await listFiles(repo, commit)) {
        const place = { commit, path };
        expect(format(await blame(reader, place)), `${commit} ${path}`).toEqual(
          await blameByGit(repo, place),
        );
      }
    }
  });

  it("finds the same for a range of lines", async () => {
    const commit = commits.at(-1) as Oid;
    for (const path of await listFiles(repo, commit)) {
      const place = { commit, path };
      const { lines } = await blame(reader, place);
      if (lines < 8) continue;
      const [from, to] = [Math.floor(lines / 4), Math.floor(lines / 2)];
      expect(format(await blame(reader, place, { range: { from, to } }))).toEqual(
        await blameByGit(repo, place, ["-L", `${from + 1},${to}`]),
      );
    }
  });
});

describe.runIf(hasGit)("blame", () => {
  let repo: RealRepo;
  let reader: ObjectReader;
  let head: Oid;

  beforeAll(async () => {
    repo = await makeRepo();
    const stream: string[] = [];
    const lines = Array.from({ length: 10 }, (_, n) => `old ${n}`);
    for (let i = 0; i < 30; i++) {
      lines[i % 10] = `new in ${i}`;
      const text = `${lines.join("\n")}\n`;
      stream.push(`commit refs/heads/main\ncommitter C <c@example.com> ${1_700_000_000 + i} +0000\ndata 0\n`);
      stream.push(`M 100644 inline f\ndata ${text.length}\n${text}\n`);
      const same = "x\n".repeat(600 + 3 * i);
      if (i < 2) stream.push(`M 100644 inline same\ndata ${same.length}\n${same}\n`);
      if (i === 0)
        stream.push("M 100644 inline empty\ndata 0\n\n", "M 100644 inline bin\ndata 5\na\0\nb\0\n");
    }
    await repo.git(["fast-import", "--quiet"], { input: stream.join("") });
    head = (await repo.git(["rev-parse", "main"])).text as Oid;
    reader = createMemoryObjects(await readAllObjects(repo));
  });
  afterAll(() => repo.remove());

  it("has nothing to say of an empty file, and takes binary ones by their line feeds", async () => {
    expect(await blame(reader, { commit: head, path: "empty" })).toEqual({
      hunks: [],
      lines: 0,
      truncated: false,
    });
    const place = { commit: head, path: "bin" };
    expect(format(await blame(reader, place))).toEqual(await blameByGit(repo, place));
  });

  it("slides added lines no further down than git does in a file that ends in equal blocks", async () => {
    const place = { commit: head, path: "same" };
    expect(format(await blame(reader, place))).toEqual(await blameByGit(repo, place));
  });

  it("ends at a limit with what is true, and says so", async () => {
    const place = { commit: head, path: "f" };
    const whole = await blame(reader, place);
    for (const limits of [{ commits: 5 }, { bytes: 300 }, { diffSteps: 5 }]) {
      const cut = await blame(reader, place, { limits });
      expect(cut.truncated).toBe(true);
      const found = format({ ...cut, hunks: cut.hunks.filter(({ unfinished }) => !unfinished) });
      expect(found.length).toBeGreaterThan(0);
      expect(format(whole)).toEqual(expect.arrayContaining(found));
      expect(cut.hunks.reduce((sum, { count }) => sum + count, 0)).toBe(10);
    }
  });

  it("cuts a range at the end of the file", async () => {
    const { hunks } = await blame(reader, { commit: head, path: "f" }, { range: { from: 8, to: 1_000 } });
    expect(hunks.map(({ final, count }) => [final, count])).toEqual([
      [8, 1],
      [9, 1],
    ]);
  });

  it("says what is missing", async () => {
    const hole: ObjectReader = {
      ...reader,
      readObjects: async (oids) => {
        const { found, missing } = await reader.readObjects(oids);
        const parent = [...found.values()].find(({ oid, type }) => type === "commit" && oid !== head)?.oid;
        if (!parent) return { found, missing };
        return {
          found: new Map([...found].filter(([oid]) => oid !== parent)),
          missing: [...missing, parent],
        };
      },
    };
    await expect(blame(hole, { commit: head, path: "f" })).rejects.toMatchObject({ code: "missing-object" });
  });
});
