import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import type { SourceFile } from "./source-tree.ts";

const run = promisify(execFile);
const MAX_OUTPUT = 64 * 1024 * 1024;

/** Nothing of the user's own configuration, and never a prompt. */
const ENVIRONMENT = {
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
};

/** `git version 2.39.5`, or null when git is not installed. */
export async function findGitVersion(): Promise<string | null> {
  try {
    return (await run("git", ["--version"])).stdout.trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Standard output of a git command. @throws Error with git's own words when it fails */
export function git(args: readonly string[], cwd: string, input = ""): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn("git", args, { cwd, env: ENVIRONMENT, stdio: "pipe" });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) child.kill();
      out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.once("error", fail);
    child.once("close", (code) => {
      if (code === 0) done(Buffer.concat(out).toString());
      else fail(new Error(`git ${args[0]} ended with ${code}: ${Buffer.concat(err).toString().trim()}`));
    });
    // A command that ends without reading its input closes the pipe; its exit code is what counts.
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdin.end(input);
  });
}

/** Id of the tree that git itself makes of the files, as they lie on disk. `folder` must be empty. */
export async function writeTree(folder: string, files: readonly SourceFile[]): Promise<string> {
  await git(["init", "--quiet", "--bare", folder], ".");
  const paths = files.map(({ from }) => `${from}\n`).join("");
  const oids = (await git(["hash-object", "-w", "--no-filters", "--stdin-paths"], folder, paths))
    .trim()
    .split("\n");
  const index = files.map(({ mode, path }, i) => `${mode} ${oids[i]}\t${path}\0`).join("");
  await git(["update-index", "-z", "--index-info"], folder, index);
  return (await git(["write-tree"], folder)).trim();
}

/** A URL that carries the key as password. */
export function addKey(url: string, apiKey: string): string {
  const address = new URL(url);
  address.username = "x";
  address.password = apiKey;
  return address.href;
}
