/**
 * One process per data folder. `lock` in the folder names its owner; a lock whose owner is gone is taken over.
 * Two workerd processes on the same SQLite files would each believe in their own state.
 */
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { endOrphans, findStartTime } from "./processes.ts";
import { StartError } from "./start-error.ts";

interface LockOwner {
  readonly pid: number;
  /** Start time of the process where the system tells it: a reused pid is then not mistaken for the owner. */
  readonly startedAt: string | null;
}

/** Releases what {@link lockDataFolder} took; harmless when called twice. */
export type Unlock = () => Promise<void>;

/** A server that was just told to stop still holds the folder for a moment: a restart waits for it. */
const PATIENCE_MS = 1_500;
const RETRY_MS = 50;

/**
 * Takes the lock of `folder`, which must exist and be given as a real path.
 * After a crash it also ends a runtime that the dead owner left behind.
 * @throws StartError data-in-use when a living process holds it
 */
export async function lockDataFolder(folder: string): Promise<Unlock> {
  const path = join(folder, "lock");
  const own: LockOwner = { pid: process.pid, startedAt: await findStartTime(process.pid) };
  const draft = `${path}.${process.pid}.${crypto.randomUUID()}`;
  await writeFile(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    for (const deadline = Date.now() + PATIENCE_MS; ; await delay(RETRY_MS)) {
      // A hard link fails when the name exists, and the file is complete from its first moment.
      if (await succeeds(link(draft, path), "EEXIST")) return () => rm(path, { force: true });
      const text = await readFile(path, "utf8").catch(absent);
      if (text === null) continue;
      const owner = parseOwner(text);
      if (!owner || !(await isAlive(owner))) await removeStaleLock(folder, path, text);
      else if (owner.pid === process.pid || Date.now() > deadline) throw explainOwner(folder, owner);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

function explainOwner(folder: string, owner: LockOwner): StartError {
  return new StartError(
    "data-in-use",
    `${folder} is in use by process ${owner.pid}: stop it first, or choose another --data folder`,
  );
}

async function removeStaleLock(folder: string, path: string, text: string): Promise<void> {
  const aside = `${path}.${crypto.randomUUID()}.stale`;
  if (!(await succeeds(rename(path, aside), "ENOENT"))) return;
  // Between reading and renaming, another process may have taken over: then it was its lock that was moved.
  if ((await readFile(aside, "utf8")) !== text) await succeeds(link(aside, path), "EEXIST");
  else await endOrphans(folder);
  await rm(aside, { force: true });
}

function parseOwner(text: string): LockOwner | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("pid" in value)) return null;
    const startedAt = "startedAt" in value && typeof value.startedAt === "string" ? value.startedAt : null;
    return typeof value.pid === "number" ? { pid: value.pid, startedAt } : null;
  } catch (error) {
    // A lock that a full disk cut off names nobody; it is stale.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return owner.startedAt === null || owner.startedAt === (await findStartTime(owner.pid));
}

/** true when done, false when it failed with `code`; other failures are thrown. */
async function succeeds(work: Promise<unknown>, code: string): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
