import { existsSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DiskEntry, LocalCommand, LocalOutcome, LocalShell } from "../mount/bash/local-shell.ts";
import { readDifference, writeTree } from "./disk-tree.ts";
import { runProcess } from "./run-process.ts";

const SHELLS = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/bin/sh"];

/**
 * The system's shell, bash where there is one, over a temporary directory that each command gets anew. Commands see the
 * machine with the rights of this process: for code that may be trusted with that.
 *
 * @throws Error when the system has neither bash nor sh
 */
export async function openLocalShell(): Promise<LocalShell> {
  const shell = SHELLS.find((path) => existsSync(path));
  if (shell === undefined) throw new Error("no bash and no sh found");
  return { run: (entries, command) => run(shell, entries, command) };
}

async function run(
  shell: string,
  entries: Iterable<DiskEntry>,
  command: LocalCommand,
): Promise<LocalOutcome> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "coregit-exec-")));
  try {
    const tree = await writeTree(root, entries);
    const outcome = await runProcess(shell, root, command);
    return { ...outcome, ...(await readDifference(root, tree)) };
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  }
}
