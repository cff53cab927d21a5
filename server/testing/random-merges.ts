/** Random merges for `git fast-import`: a base, and two sides that edit, rename, delete, chmod and replace its files. */
import { editLines, makeLines, type Random } from "./random-texts.ts";

export interface MergeFile {
  readonly mode: string;
  /** Each char one byte; of a submodule, its commit. */
  readonly content: string;
}

export type MergeFiles = ReadonlyMap<string, MergeFile>;

export interface MergeCase {
  readonly base: MergeFiles;
  readonly ours: MergeFiles;
  readonly theirs: MergeFiles;
}

const SHAPE = { lines: 24, words: 400, crlf: false };
const FOLDERS = ["", "src/", "src/deep/", "docs/", "lib/"];

export function makeMergeCase(random: Random): MergeCase {
  const base = new Map<string, MergeFile>();
  const count = 3 + Math.floor(random() * 8);
  for (let n = 0; n < count; n++) {
    const folder = FOLDERS[Math.floor(random() * FOLDERS.length)];
    base.set(`${folder}file${n}.txt`, makeFile(random));
  }
  return { base, ours: changeFiles(random, base), theirs: changeFiles(random, base) };
}

function makeFile(random: Random): MergeFile {
  const kind = random();
  if (kind < 0.06) return { mode: "100644", content: `\0binary ${random()}` };
  if (kind < 0.1) return { mode: "120000", content: `target${Math.floor(random() * 9)}` };
  if (kind < 0.13) return { mode: "160000", content: makeOid(random) };
  const mode = kind < 0.25 ? "100755" : "100644";
  return { mode, content: makeLines(random, { ...SHAPE, lines: 6 + Math.floor(random() * 30) }).join("") };
}

function makeOid(random: Random): string {
  return Array.from({ length: 40 }, () => Math.floor(random() * 16).toString(16)).join("");
}

/** A side of a merge: some of the files changed, by a few of the ways there are. */
export function changeFiles(random: Random, base: MergeFiles): MergeFiles {
  const files = new Map(base);
  for (let changes = Math.floor(random() * 4); changes >= 0; changes--) {
    const paths = [...files.keys()];
    const path = paths[Math.floor(random() * paths.length)];
    if (path === undefined) break;
    changeFile(random, files, path);
  }
  return files;
}

function changeFile(random: Random, files: Map<string, MergeFile>, path: string): void {
  const file = files.get(path);
  if (!file) return;
  const kind = random();
  if (kind < 0.45) files.set(path, editFile(random, file));
  else if (kind < 0.57) files.delete(path);
  else if (kind < 0.72) {
    const folder = FOLDERS[Math.floor(random() * FOLDERS.length)];
    const target =
      random() < 0.5 ? `${folder}${path.split("/").at(-1)}` : `${folder}renamed${Math.floor(random() * 20)}`;
    if (files.has(target)) return;
    files.delete(path);
    files.set(target, random() < 0.5 ? file : editFile(random, file));
  } else if (kind < 0.84) {
    const added = `src/new${Math.floor(random() * 3)}.txt`;
    if (!files.has(added)) files.set(added, makeFile(random));
  } else if (kind < 0.9) {
    if (file.mode.startsWith("100"))
      files.set(path, { ...file, mode: file.mode === "100644" ? "100755" : "100644" });
  } else if (kind < 0.95) {
    files.set(path, makeFile(random));
  } else {
    files.delete(path);
    files.set(`${path}/inside`, makeFile(random));
  }
}

function editFile(random: Random, file: MergeFile): MergeFile {
  if (file.mode === "120000") return { ...file, content: `target${Math.floor(random() * 9)}` };
  if (file.mode === "160000") return { ...file, content: makeOid(random) };
  if (file.content.includes("\0")) return { ...file, content: `${file.content}${Math.floor(random() * 3)}` };
  const lines = file.content.split(/(?<=\n)/);
  return { ...file, content: editLines(random, lines, SHAPE).join("") };
}

/** A commit as `git fast-import` reads it. */
export function formatImport(
  ref: string,
  files: MergeFiles,
  {
    parents,
    mark,
    seconds,
  }: { readonly parents: readonly number[]; readonly mark: number; readonly seconds: number },
): Buffer {
  const parts: Buffer[] = [];
  const write = (text: string, encoding: "utf8" | "latin1" = "utf8") =>
    parts.push(Buffer.from(text, encoding));
  write(`commit refs/heads/${ref}\nmark :${mark}\ncommitter C <c@d> ${seconds} +0000\ndata 0\n`);
  for (const [index, parent] of parents.entries()) write(`${index === 0 ? "from" : "merge"} :${parent}\n`);
  write("deleteall\n");
  for (const [path, { mode, content }] of files) {
    if (mode === "160000") {
      write(`M 160000 ${content} ${path}\n`);
      continue;
    }
    write(`M ${mode} inline ${path}\ndata ${content.length}\n`);
    write(content, "latin1");
    write("\n");
  }
  return Buffer.concat(parts);
}
