/**
 * Makes a fresh clone ready before npm test, npm start and npm run demo: installs when node_modules does not match
 * the lock file, builds when dist is older than its sources. Plain Node without dependencies, because it runs first.
 * Progress goes to stderr; stdout belongs to the command that follows.
 *
 *   node server/local/prepare.mjs          install and build what is missing; no .d.ts, which take most of the time
 *   node server/local/prepare.mjs --tests  the consumers of the adapters too, which are large and only tests need
 *   node server/local/prepare.mjs --build  build everything in any case
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileKernel, isKernelCompiled } from "../kernel/compile.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
/** Packages that only tests of the adapters use have a lock file of their own, so that the demo need not wait for them. */
const CONSUMERS = join(ROOT, "sdk/adapters");
const LOCK = join(ROOT, ".prepare.lock");
const PROGRESS_MS = 10_000;
const LOCK_POLL_MS = 100;
/** An install on a slow line takes minutes; longer than this, the owner of the lock was killed. */
const LOCK_STALE_MS = 15 * 60_000;

/** What a build leaves behind; the oldest one tells when it was made. */
const OUTPUTS = {
  sdk: ["index.js", "mount.js", "contract/index.js"],
  server: ["index.js", "worker/index.js", "worker/kernel.wasm", "local/start-local.js", "local/cli.js"],
};

function say(text) {
  process.stderr.write(`[prepare] ${text}\n`);
}

/** Modification time in ms, or null when there is no such file. */
function findTime(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

/** Every package of the lock file is there in its version; those for other platforms may be absent. */
export function isInstalled(root = ROOT) {
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const record = join(root, "node_modules/.package-lock.json");
  if (!existsSync(record)) return false;
  const present = JSON.parse(readFileSync(record, "utf8")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes("node_modules/")) return true;
    if (!present[path]) return entry.optional === true;
    return present[path].version === entry.version && existsSync(join(root, path));
  });
}

/** Newest time of the sources that a build reads. A folder's own time changes when a file in it goes. */
function newestSource(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (["dist", "node_modules", "testing", "bench"].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.name.endsWith(".test.ts")) continue;
    newest = Math.max(newest, findTime(path) ?? 0, entry.isDirectory() ? newestSource(path) : 0);
  }
  return newest;
}

export function isBuilt(root = ROOT) {
  const outputs = Object.entries(OUTPUTS).flatMap(([part, files]) =>
    files.map((file) => findTime(join(root, part, "dist", file))),
  );
  if (outputs.includes(null)) return false;
  const shared = ["package-lock.json", "tsconfig.json"].map((file) => findTime(join(root, file)) ?? 0);
  const newest = Math.max(newestSource(join(root, "sdk")), newestSource(join(root, "server")), ...shared);
  return Math.min(...outputs) >= newest;
}

/** Runs a command in the repository, its output on stderr; says every ten seconds that it still runs. */
function run(title, command, args, folder = ".") {
  const startedAt = Date.now();
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1);
  say(`${title} …`);
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd: join(ROOT, folder),
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32",
    });
    const timer = setInterval(() => say(`${title}: still running, ${seconds()} s`), PROGRESS_MS);
    child.once("error", fail);
    child.once("exit", (code, signal) => {
      clearInterval(timer);
      if (code !== 0) return fail(new Error(`${title} failed (${signal ?? `exit code ${code}`})`));
      say(`${title}: done in ${seconds()} s`);
      done();
    });
  });
}

/** Two commands started together must not install or build over each other. */
async function withLock(work) {
  for (;;) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (isStaleLock()) rmSync(LOCK, { force: true });
      else await new Promise((done) => setTimeout(done, LOCK_POLL_MS));
    }
  }
  try {
    return await work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

function isStaleLock() {
  const time = findTime(LOCK);
  if (time === null) return false;
  if (Date.now() - time > LOCK_STALE_MS) return true;
  const pid = Number(readFileSync(LOCK, "utf8"));
  try {
    // Empty while its owner is between creating and writing it.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

// Nothing that runs while it installs is needed: what those scripts would compile has a form without.
const INSTALL = ["ci", "--include=dev", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"];

/** `forTests`: with the consumers of the adapters; `forceBuild`: also what is built already. */
async function prepare({ forTests, forceBuild }) {
  const isReady = () => isInstalled() && (!forTests || isInstalled(CONSUMERS));
  if (!forceBuild && isReady() && isKernelCompiled() && isBuilt()) return;
  await withLock(async () => {
    if (!isInstalled()) await run("npm ci", "npm", INSTALL);
    if (!isReady())
      await run("npm ci of sdk/adapters", "npm", [...INSTALL, "--omit=optional"], "sdk/adapters");
    compileKernel();
    if (!forceBuild && isBuilt()) return;
    const args = [join(ROOT, "node_modules/tsup/dist/cli-default.js"), "--silent"];
    // Files of an older build are left where they are unless all are made anew: a running server may still load one.
    if (!forceBuild) args.push("--no-dts");
    // Not by tsup's --clean: of the two builds of the SDK each would remove what the other has just written.
    else
      for (const part of Object.keys(OUTPUTS))
        rmSync(join(ROOT, part, "dist"), { recursive: true, force: true });
    await Promise.all(Object.keys(OUTPUTS).map((part) => run(`build ${part}`, process.execPath, args, part)));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const forceBuild = process.argv.includes("--build");
    await prepare({ forTests: forceBuild || process.argv.includes("--tests"), forceBuild });
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}
