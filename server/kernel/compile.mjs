/**
 * Compiles server/kernel/assembly to kernel.wasm, which the Worker's entry imports; does nothing when that is newer than
 * its sources. Run by server/local/prepare.mjs and, for a deployment, by wrangler.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(FOLDER, "assembly");
const COMPILER = join(FOLDER, "../../node_modules/assemblyscript/bin/asc.js");
export const KERNEL = join(FOLDER, "kernel.wasm");

// No runtime and no checks: nothing is allocated, and every place is a constant of memory.ts.
const OPTIONS = ["-O3", "--converge", "--noAssert", "--runtime", "stub", "--initialMemory", "4"];

export function isKernelCompiled() {
  const made = statSync(KERNEL, { throwIfNoEntry: false })?.mtimeMs;
  if (made === undefined) return false;
  return readdirSync(SOURCES).every((name) => statSync(join(SOURCES, name)).mtimeMs <= made);
}

/** @throws Error when the compiler finds a fault, which it has written to stderr then */
export function compileKernel() {
  if (isKernelCompiled()) return;
  const args = [COMPILER, join(SOURCES, "index.ts"), "--outFile", KERNEL, ...OPTIONS];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`the kernel did not compile (exit code ${status})`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) compileKernel();
