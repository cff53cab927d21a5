/** Repositories of a wanted number of objects, made by git itself from one stream. */
import { spawn } from "node:child_process";

/** Files of one directory. */
const FILES_PER_FOLDER = 100;
/** Of all objects, the share that are files of the first commit; the others come four at a time, with later commits. */
const FIRST_COMMIT = 0.92;

/** Fills `main` of an empty repository with at least `objects` objects, the same for the same number. Gives how many. */
export async function writeManyObjects(folder: string, objects: number): Promise<number> {
  const files = Math.max(1, Math.floor(objects * FIRST_COMMIT));
  const folders = Math.ceil(files / FILES_PER_FOLDER);
  const later = Math.max(0, Math.ceil((objects - files - folders - 2) / 4));
  const parts: string[] = [];
  for (let commit = 0; commit <= later; commit++) {
    parts.push(
      "commit refs/heads/main\n",
      `committer Ann <ann@example.com> ${1_700_000_000 + commit} +0000\n`,
    );
    parts.push("data 2\nm\n");
    const from = commit === 0 ? 0 : commit % files;
    for (let file = from; file < (commit === 0 ? files : from + 1); file++) {
      const text = `file ${file}, as of ${commit}\n`;
      const path = `d${Math.floor(file / FILES_PER_FOLDER)}/f${file}.txt`;
      parts.push(`M 100644 inline ${path}\ndata ${text.length}\n${text}\n`);
    }
  }
  await runGit(["-c", "fastimport.unpackLimit=1", "fast-import", "--quiet"], folder, parts.join(""));
  const text = await runGit(["count-objects", "-v"], folder);
  return Number(/^in-pack: (\d+)$/m.exec(text)?.[1]);
}

/** What git printed. @throws Error with what it said instead */
export function runGit(args: readonly string[], cwd: string, input = ""): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn("git", args, { cwd });
    let text = "";
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once("error", fail);
    child.once("close", (code) =>
      code === 0 ? done(text) : fail(new Error(`git ${args.join(" ")}: ${said}`)),
    );
    // A command that reads no input closes the pipe; its exit status is what counts.
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdin.end(input);
  });
}
