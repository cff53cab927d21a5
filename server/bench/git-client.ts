import { spawn } from "node:child_process";
import { tmpdir } from "node:os";

/** Cut off from the machine's configuration; never asks for a password, never tidies up in the background. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? "",
  HOME: tmpdir(),
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Bench",
  GIT_AUTHOR_EMAIL: "bench@example.com",
  GIT_AUTHOR_DATE: "1700000000 +0000",
  GIT_COMMITTER_NAME: "Bench",
  GIT_COMMITTER_EMAIL: "bench@example.com",
  GIT_COMMITTER_DATE: "1700000000 +0000",
  LC_ALL: "C",
};

/** Runs the real git to its end and gives its output. @throws Error with what it wrote to stderr when it fails */
export function runGit(args: readonly string[], options: { readonly cwd?: string } = {}): Promise<string> {
  return new Promise((done, fail) => {
    const all = ["-c", "gc.auto=0", "-c", "maintenance.auto=false", ...args];
    const child = spawn("git", all, { ...options, env: ENVIRONMENT, stdio: ["ignore", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.once("error", fail);
    child.once("close", (code) => {
      if (code === 0) done(Buffer.concat(stdout).toString().trimEnd());
      else fail(new Error(`git ${args.join(" ")}: ${code}: ${Buffer.concat(stderr)}`));
    });
  });
}

/** Objects of a repository by how they lie there, and the bytes of its packs. */
export async function countObjects(
  folder: string,
): Promise<{ readonly loose: number; readonly packed: number; readonly packBytes: number }> {
  const text = await runGit(["count-objects", "-v"], { cwd: folder });
  const read = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return { loose: read("count"), packed: read("in-pack"), packBytes: read("size-pack") * 1024 };
}
