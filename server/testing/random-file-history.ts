import type { Oid } from "../git/hash/oid.ts";
import {
  createRandom,
  editLines,
  joinLines,
  makeLines,
  type Random,
  type TextShape,
} from "./random-texts.ts";
import type { RealRepo } from "./real-git.ts";

export interface FileHistoryShape extends TextShape {
  readonly seed: number;
  readonly commits: number;
  /** Dates sometimes go backwards. */
  readonly skewed?: boolean;
}

type Tree = Map<string, { readonly lines: readonly string[]; readonly mode: string }>;

const NAMES = ["a.txt", "lib/b.txt", "lib/deep/c.txt", "d"];

/**
 * Writes a history of a few text files: edits at random places, merges of both sides, files that are renamed (and edited
 * on the way), deleted, made anew, made executable or a link. Commit `i` is `refs/heads/c<i>`; gives their ids.
 */
export async function makeFileHistory(repo: RealRepo, shape: FileHistoryShape): Promise<Oid[]> {
  const random = createRandom(shape.seed);
  const below = (n: number) => Math.floor(random() * n);
  const trees: Tree[] = [];
  const stream: Buffer[] = [];
  const write = (text: string) => stream.push(Buffer.from(text, "latin1"));
  let seconds = 1_700_000_000;
  for (let i = 0; i < shape.commits; i++) {
    seconds += shape.skewed ? below(20) - 7 : 1 + below(3);
    const recent = () => Math.max(0, i - 1 - below(Math.min(i, 5)));
    const first = i === 0 ? null : recent();
    const second = first !== null && random() < 0.3 ? recent() : null;
    const merged = second !== null && second !== first ? second : null;
    const before = first === null ? null : (trees[first] ?? null);
    const tree = before
      ? mergeFiles(random, before, merged === null ? null : (trees[merged] ?? null))
      : startFiles(random, shape);
    if (merged === null || random() < 0.3) changeFiles(random, tree, shape);
    trees.push(tree);
    write(`commit refs/heads/c${i}\nmark :${i + 1}\ncommitter C <c@example.com> ${seconds} +0000\ndata 0\n`);
    if (first !== null) write(`from :${first + 1}\n`);
    if (merged !== null) write(`merge :${merged + 1}\n`);
    write("deleteall\n");
    for (const [name, { lines, mode }] of tree) {
      const bytes = joinLines(random, lines);
      write(`M ${mode} inline ${name}\ndata ${bytes.length}\n`);
      stream.push(Buffer.from(bytes));
      write("\n");
    }
  }
  await repo.git(["fast-import", "--quiet", "--force"], { input: Buffer.concat(stream) });
  const names = Array.from({ length: shape.commits }, (_, i) => `refs/heads/c${i}`);
  return (await repo.git(["rev-parse", ...names])).text.split("\n") as Oid[];
}

function startFiles(random: Random, shape: TextShape): Tree {
  return new Map(
    NAMES.slice(0, 3).map((name) => [name, { lines: makeLines(random, shape), mode: "100644" }]),
  );
}

/** Each file from one side, or its beginning from one and its end from the other. */
function mergeFiles(random: Random, ours: Tree, theirs: Tree | null): Tree {
  const tree: Tree = new Map(ours);
  for (const [name, file] of theirs ?? []) {
    const own = tree.get(name);
    const chance = random();
    if (!own || chance < 0.3) tree.set(name, file);
    else if (chance < 0.8) {
      const half = own.lines.length / 2;
      tree.set(name, { ...own, lines: [...own.lines.slice(0, half), ...file.lines.slice(half)] });
    }
  }
  return tree;
}

function changeFiles(random: Random, tree: Tree, shape: TextShape): void {
  for (let changes = Math.floor(random() * 3); changes >= 0; changes--) {
    const names = [...tree.keys()];
    const name = names[Math.floor(random() * names.length)];
    const file = name === undefined ? undefined : tree.get(name);
    const target = NAMES[Math.floor(random() * NAMES.length)] ?? "d";
    const chance = random();
    if (!name || !file || chance < 0.05)
      tree.set(target, { lines: makeLines(random, shape), mode: "100644" });
    else if (chance < 0.7) tree.set(name, { ...file, lines: editLines(random, file.lines, shape) });
    else if (chance < 0.88 && !tree.has(target)) {
      tree.delete(name);
      tree.set(target, {
        ...file,
        lines: random() < 0.5 ? file.lines : editLines(random, file.lines, shape),
      });
    } else if (chance < 0.93) tree.delete(name);
    else if (chance < 0.97) tree.set(name, { ...file, mode: file.mode === "100644" ? "100755" : "100644" });
    else tree.set(name, { ...file, mode: file.mode === "120000" ? "100644" : "120000" });
  }
}
