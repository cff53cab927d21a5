import { describe, expect, it } from "vitest";
import { createMemoryApi } from "../testing/memory-api.ts";
import { createRandom, type Model, makeRandomChanges, type RandomChange } from "../testing/random-commits.ts";
import { hasGit, makeRepo } from "../testing/real-git.ts";

const SEQUENCES = 500;
const SEED = 20_261_121;

/** One commit of one sequence. */
interface Case {
  readonly mark: number;
  readonly sequence: number;
  readonly changes: readonly RandomChange[];
  readonly files: Model;
  readonly tree: string;
}

async function runSequences(): Promise<Case[]> {
  const api = await createMemoryApi();
  const random = createRandom(SEED);
  const cases: Case[] = [];
  for (let sequence = 0; sequence < SEQUENCES; sequence++) {
    const slug = `s${sequence}`;
    await api.makeRepo(slug);
    const model: Model = new Map();
    const commits = 2 + Math.floor(random() * 3);
    for (let commit = 0; commit < commits; commit++) {
      const changes = makeRandomChanges(random, model, 1 + Math.floor(random() * 12));
      if (changes.length === 0) continue;
      const made = await api.commit(slug, changes);
      if (made.status !== 201) throw new Error(`${made.text}\n${JSON.stringify(changes, null, 1)}`);
      cases.push({
        mark: cases.length + 1,
        sequence,
        changes,
        files: new Map(model),
        tree: String(made.json.tree_sha),
      });
    }
  }
  return cases;
}

/** As `git fast-import` reads it: each commit's whole set of files, so that git makes the trees from nothing. */
function writeFastImport(cases: readonly Case[]): Buffer {
  const parts: Buffer[] = [];
  const text = (line: string) => parts.push(Buffer.from(line, "utf8"));
  for (const { mark, sequence, files } of cases) {
    text(
      `commit refs/heads/s${sequence}\nmark :${mark}\ncommitter C <c@d> 1700000000 +0000\ndata 0\ndeleteall\n`,
    );
    for (const [path, { mode, content }] of files) {
      const bytes = Buffer.from(content, "latin1");
      text(`M ${mode} inline ${quote(path)}\ndata ${bytes.length}\n`);
      parts.push(bytes);
      text("\n");
    }
  }
  return Buffer.concat(parts);
}

function quote(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

describe.runIf(hasGit)("commits, judged by git (skipped where git is not installed)", () => {
  it(`makes the trees that git makes of the same files, in ${SEQUENCES} random sequences`, async () => {
    const cases = await runSequences();
    expect(cases.length).toBeGreaterThan(SEQUENCES);
    await using repo = await makeRepo({ bare: true });
    await repo.git(["fast-import", "--quiet", "--force", "--export-marks=marks"], {
      input: writeFastImport(cases),
    });
    const marks = await repo.git(["cat-file", "--batch-check=%(objectname) %(rest)"], {
      input: await listMarks(repo),
    });
    const trees = new Map(
      marks.text.split("\n").map((line) => {
        const [tree = "", mark = ""] = line.split(" ");
        return [Number(mark), tree];
      }),
    );
    const wrong = cases.filter((one) => trees.get(one.mark) !== one.tree);
    expect(wrong.slice(0, 1)).toEqual([]);
    const actions = new Set(cases.flatMap((one) => one.changes.map((change) => change.action)));
    expect(actions).toEqual(new Set(["create", "edit", "append", "delete", "rename", "copy", "chmod"]));
  });
});

/** `<commit>^{tree} <mark>` a line. */
async function listMarks(repo: {
  git: Awaited<ReturnType<typeof makeRepo>>["git"];
  dir: string;
}): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  const marks = await readFile(`${repo.dir}/marks`, "utf8");
  return marks
    .trim()
    .split("\n")
    .map((line) => {
      const [mark = "", oid = ""] = line.split(" ");
      return `${oid}^{tree} ${mark.slice(1)}\n`;
    })
    .join("");
}
