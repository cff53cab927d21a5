/** Merges of one kind each, for `git fast-import`: what the random ones of `random-merges` come to only by chance. */
import { type MergeCase, type MergeFile, type MergeFiles, makeMergeCase } from "./random-merges.ts";
import { editLines, makeLines, type Random } from "./random-texts.ts";

const SHAPE = { lines: 24, words: 400, crlf: false };

/** Base and sides of one merge. */
type Change = (files: Map<string, MergeFile>, random: Random) => void;

const text = (random: Random): MergeFile => ({
  mode: "100644",
  content: makeLines(random, { ...SHAPE, lines: 12 + Math.floor(random() * 20) }).join(""),
});
const binary = (random: Random): MergeFile => ({
  mode: "100644",
  content: `\0${random()}\0`.repeat(20),
});
const link = (random: Random): MergeFile => ({
  mode: "120000",
  content: `target${Math.floor(random() * 3)}`,
});
const submodule = (random: Random): MergeFile => ({
  mode: "160000",
  content: Array.from({ length: 40 }, () => Math.floor(random() * 16).toString(16)).join(""),
});

const put =
  (path: string, make: (random: Random) => MergeFile): Change =>
  (files, random) =>
    void files.set(path, make(random));
const remove =
  (path: string): Change =>
  (files) =>
    void files.delete(path);
const edit =
  (path: string): Change =>
  (files, random) => {
    const file = files.get(path);
    if (file) files.set(path, { ...file, content: editText(file.content, random) });
  };
const move =
  (from: string, to: string): Change =>
  (files) => {
    const file = files.get(from);
    files.delete(from);
    if (file) files.set(to, file);
  };
const moveFolder =
  (from: string, to: string): Change =>
  (files) => {
    for (const path of [...files.keys()])
      if (path.startsWith(`${from}/`)) move(path, to + path.slice(from.length))(files, () => 0);
  };
const chmod =
  (path: string): Change =>
  (files) => {
    const file = files.get(path);
    if (file) files.set(path, { ...file, mode: file.mode === "100644" ? "100755" : "100644" });
  };
const all =
  (...changes: readonly Change[]): Change =>
  (files, random) => {
    for (const change of changes) change(files, random);
  };
const nothing: Change = () => undefined;

function editText(content: string, random: Random): string {
  return editLines(random, content.split(/(?<=\n)/), SHAPE).join("");
}

interface Category {
  readonly name: string;
  /** What one side may do, and the other. */
  readonly sides: readonly (readonly [Change, Change])[];
}

const A = "src/a.txt";
const CATEGORIES: readonly Category[] = [
  {
    name: "renames",
    sides: [
      [move(A, "lib/b.txt"), edit(A)],
      [all(edit(A), move(A, "src/deep/a.txt")), edit(A)],
      [all(move(A, "b.txt"), put("src/new.txt", text)), all(edit(A), edit("src/b.txt"))],
    ],
  },
  {
    name: "rename/rename",
    sides: [
      [move(A, "one.txt"), move(A, "two.txt")],
      [all(edit(A), move(A, "one.txt")), all(edit(A), move(A, "two.txt"))],
      [move(A, "same.txt"), move("src/b.txt", "same.txt")],
      [all(edit(A), move(A, "same.txt")), all(edit(A), move(A, "same.txt"))],
    ],
  },
  {
    name: "rename/delete",
    sides: [
      [move(A, "gone.txt"), remove(A)],
      [all(move(A, "gone.txt"), edit("gone.txt")), remove(A)],
      [all(move(A, "x.txt")), all(remove(A), put("x.txt", text))],
    ],
  },
  {
    name: "modify/delete",
    sides: [
      [edit(A), remove(A)],
      [all(edit(A), edit("src/b.txt")), all(remove(A), edit("src/b.txt"))],
      [chmod(A), remove(A)],
    ],
  },
  {
    name: "add/add",
    sides: [
      [put("new.txt", text), put("new.txt", text)],
      [put("new.txt", binary), put("new.txt", binary)],
      [put("new.txt", link), put("new.txt", text)],
      [put("new.txt", link), put("new.txt", link)],
    ],
  },
  {
    name: "mode",
    sides: [
      [chmod(A), edit(A)],
      [chmod(A), chmod(A)],
      [all(chmod(A), edit(A)), all(move(A, "moved.txt"))],
      [
        put("new.txt", () => ({ mode: "100755", content: "x\n" })),
        put("new.txt", () => ({ mode: "100644", content: "x\n" })),
      ],
    ],
  },
  {
    name: "symlink",
    sides: [
      [put("link", link), put("link", link)],
      [put("link", text), put("link", link)],
      [remove("link"), put("link", link)],
      [put(A, link), edit(A)],
    ],
  },
  {
    name: "binary",
    sides: [
      [put("image", binary), put("image", binary)],
      [put("image", binary), nothing],
      [put("image", text), put("image", binary)],
      [move("image", "picture"), put("image", binary)],
    ],
  },
  {
    name: "submodule",
    sides: [
      [put("module", submodule), put("module", submodule)],
      [put("module", submodule), remove("module")],
      [put("module", text), put("module", submodule)],
      [move("module", "modules/one"), nothing],
    ],
  },
  {
    name: "directory/file",
    sides: [
      [all(remove(A), put(`${A}/inside`, text)), edit(A)],
      [all(remove(A), put(`${A}/inside`, text)), nothing],
      [put("place", text), put("place/inside", text)],
      [all(move(A, "place")), put("place/inside", text)],
      [
        all(remove("dir/one.txt"), remove("dir/two.txt"), remove("dir/three.txt"), put("dir", text)),
        edit("dir/one.txt"),
      ],
    ],
  },
  {
    name: "directory renames",
    sides: [
      [moveFolder("dir", "renamed"), edit("dir/one.txt")],
      [moveFolder("dir", "renamed"), put("dir/added.txt", text)],
      [
        all(moveFolder("dir", "renamed"), edit("renamed/two.txt")),
        all(edit("dir/two.txt"), move(A, "dir/a.txt")),
      ],
      [moveFolder("dir", "renamed"), moveFolder("dir", "elsewhere")],
    ],
  },
];

export const CATEGORY_NAMES: readonly string[] = CATEGORIES.map(({ name }) => name);

/** A merge of the category; `turn` goes through its shapes, and puts either side first. @throws Error for an unknown name */
export function makeCategoryCase(name: string, turn: number, random: Random): MergeCase {
  const category = CATEGORIES.find((one) => one.name === name);
  if (!category) throw new Error(`no such category: ${name}`);
  const base: MergeFiles = new Map([
    // What else lies around decides what renames are found.
    ...makeMergeCase(random).base,
    [A, text(random)],
    ["src/b.txt", text(random)],
    ["dir/one.txt", text(random)],
    ["dir/two.txt", text(random)],
    ["dir/three.txt", text(random)],
    ["link", link(random)],
    ["image", binary(random)],
    ["module", submodule(random)],
  ]);
  const [first, second] = category.sides[turn % category.sides.length] ?? [nothing, nothing];
  const apply = (change: Change): MergeFiles => {
    const files = new Map(base);
    change(files, random);
    return files;
  };
  const [one, two] = [apply(first), apply(second)];
  return turn % 2 === 0 ? { base, ours: one, theirs: two } : { base, ours: two, theirs: one };
}
