/** Repositories of the real git to measure with: made from a seed, so that every run pushes the same objects. */
import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runGit } from "./git-client.ts";

const WORDS =
  "const let return await import export function class if else for while new this value index count state path name size read write open close find list make take send error result promise buffer string number object entry tree commit branch merge delta pack hash store".split(
    " ",
  );

/** Numbers from 0 up to (not including) `below`, the same for the same seed (Mulberry32). */
type Dice = (below: number) => number;

function createDice(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A repository with one commit of `files` files that no compressor can shrink, `bytes` in all. */
export async function makeIncompressible(folder: string, files: number, bytes: number): Promise<void> {
  await runGit(["init", "-q", "-b", "main", folder]);
  const dice = createDice(7);
  const size = Math.floor(bytes / files);
  for (let i = 0; i < files; i++) {
    const path = join(folder, `part-${Math.floor(i / 100)}/file-${i}.bin`);
    if (i % 100 === 0) await mkdir(dirname(path), { recursive: true });
    await writeFile(path, Buffer.from(Uint8Array.from({ length: size }, () => dice(256))));
  }
  await runGit(["add", "-A"], { cwd: folder });
  await runGit(["commit", "-q", "-m", "Binary files"], { cwd: folder });
}

/**
 * A history like that of a program: `commits` commits over some 400 text files in nested directories, most of which
 * change a few lines of one to four files; packed as `git gc` leaves it.
 */
export async function makeHistory(folder: string, commits: number): Promise<void> {
  await runGit(["init", "-q", "-b", "main", folder]);
  await pipeImport(folder, writeHistory(commits, createDice(42)));
  await runGit(["reset", "-q", "--hard", "main"], { cwd: folder });
  await runGit(["repack", "-q", "-a", "-d", "-f", "--window=20", "--depth=50"], { cwd: folder });
}

interface SampleFile {
  readonly path: string;
  readonly lines: string[];
}

function* writeHistory(commits: number, dice: Dice): Generator<string> {
  const files: SampleFile[] = [];
  for (let at = 0; at < commits; at++) {
    const changed = new Set<SampleFile>();
    while (files.length < Math.min(40 + at * 0.2, 600)) {
      const file = makeFile(files.length, dice);
      files.push(file);
      changed.add(file);
    }
    for (let edits = 1 + dice(4); edits > 0; edits--) {
      const file = files[dice(files.length)];
      if (!file) continue;
      editFile(file, dice);
      changed.add(file);
    }
    yield formatCommit(at, changed, dice);
  }
  yield "done\n";
}

function makeFile(number: number, dice: Dice): SampleFile {
  const path = `src/area-${number % 7}/part-${number % 31}/deep-${number % 3}/file-${number}.ts`;
  return { path, lines: Array.from({ length: 20 + dice(180) }, () => makeLine(dice)) };
}

function makeLine(dice: Dice): string {
  const words = Array.from({ length: 2 + dice(9) }, () => WORDS[dice(WORDS.length)]);
  return `${"  ".repeat(dice(4))}${words.join(" ")};${dice(3) === 0 ? ` // ${dice(100_000)}` : ""}`;
}

function editFile({ lines }: SampleFile, dice: Dice): void {
  const at = dice(lines.length);
  const fresh = Array.from({ length: 1 + dice(5) }, () => makeLine(dice));
  lines.splice(at, dice(4), ...fresh);
}

function formatCommit(at: number, changed: Iterable<SampleFile>, dice: Dice): string {
  const who = `Author ${dice(12)} <author@example.com> ${1_600_000_000 + at * 3_600} +0000`;
  const message = `Change ${at}: ${makeLine(dice)}\n\n${makeLine(dice)}\n`;
  const parts = [`commit refs/heads/main\nauthor ${who}\ncommitter ${who}\n${formatData(message)}`];
  for (const { path, lines } of changed) {
    parts.push(`M 100644 inline ${path}\n${formatData(`${lines.join("\n")}\n`)}`);
  }
  return parts.join("");
}

function formatData(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}

function pipeImport(folder: string, parts: Iterable<string>): Promise<void> {
  return new Promise((done, fail) => {
    const args = ["fast-import", "--quiet", "--done"];
    const child = spawn("git", args, { cwd: folder, stdio: ["pipe", "ignore", "inherit"] });
    child.once("error", fail);
    child.once("close", (code) => (code === 0 ? done() : fail(new Error(`git fast-import: ${code}`))));
    child.stdin.end([...parts].join(""));
  });
}

/** A one-line change on top of `main`, committed: what a small push sends. */
export async function commitSmallChange(folder: string, round: number): Promise<void> {
  const path = (await runGit(["ls-files"], { cwd: folder })).split("\n")[round % 7] ?? "README.md";
  const text = await readFile(join(folder, path));
  await writeFile(join(folder, path), Buffer.concat([text, Buffer.from(`round ${round}\n`)]));
  await runGit(["commit", "-q", "-a", "-m", `Round ${round}`], { cwd: folder });
}
