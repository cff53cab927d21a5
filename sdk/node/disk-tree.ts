import type { BigIntStats } from "node:fs";
import { lstat, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DiskEntry, LocalOutcome } from "../mount/bash/local-shell.ts";

const AT_ONCE = 32;
/** Repositories of the command's own stay on the disk. */
const GIT = ".git";
const EXECUTE_BITS = 0o100n;

/** What was put on the disk, by path. A change of a file's content, mode or place changes its mark. */
export type WrittenTree = ReadonlyMap<string, string>;

/** Makes an empty directory hold these entries; parents come before what they hold. */
export async function writeTree(root: string, entries: Iterable<DiskEntry>): Promise<WrittenTree> {
  const marks = new Map<string, string>();
  const leaves: Exclude<DiskEntry, { kind: "directory" }>[] = [];
  for (const entry of entries) {
    if (entry.kind !== "directory") {
      leaves.push(entry);
      continue;
    }
    await mkdir(join(root, entry.path), { recursive: true });
    marks.set(entry.path, "directory");
  }
  await forEach(leaves, async (entry) => {
    const place = join(root, entry.path);
    if (entry.kind === "link") await symlink(entry.target, place);
    else await writeFile(place, entry.bytes, { mode: entry.executable ? 0o755 : 0o644 });
    marks.set(entry.path, markOf(await lstat(place, { bigint: true })));
  });
  return marks;
}

/** What is on the disk and was not written so, and what was written and is gone. Sockets and the like are left out. */
export async function readDifference(
  root: string,
  before: WrittenTree,
): Promise<Pick<LocalOutcome, "written" | "removed">> {
  const seen = new Set<string>();
  const changed: { readonly path: string; readonly stats: BigIntStats }[] = [];
  const written: DiskEntry[] = [];
  const pending = [""];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const names = await readdir(join(root, directory));
    await forEach(names, async (name) => {
      if (name === GIT) return;
      const path = directory ? `${directory}/${name}` : name;
      const stats = await lstat(join(root, path), { bigint: true });
      if (stats.isDirectory()) {
        pending.push(path);
        if (before.get(path) !== "directory") written.push({ kind: "directory", path });
      } else if (!stats.isFile() && !stats.isSymbolicLink()) {
        return;
      } else if (before.get(path) !== markOf(stats)) {
        changed.push({ path, stats });
      }
      seen.add(path);
    });
  }
  await forEach(changed, async ({ path, stats }) => {
    const place = join(root, path);
    if (stats.isSymbolicLink()) written.push({ kind: "link", path, target: await readlink(place) });
    else {
      const executable = (stats.mode & EXECUTE_BITS) !== 0n;
      written.push({ kind: "file", path, executable, bytes: new Uint8Array(await readFile(place)) });
    }
  });
  return { written: written.sort(byPath), removed: listRemoved(before, seen) };
}

/** The clock of inode changes cannot be set back, so that equal marks mean an untouched file. */
function markOf(stats: BigIntStats): string {
  return `${stats.mode} ${stats.size} ${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs}`;
}

/** The topmost paths that are gone. */
function listRemoved(before: WrittenTree, seen: ReadonlySet<string>): string[] {
  return [...before.keys()].filter((path) => {
    const slash = path.lastIndexOf("/");
    return !seen.has(path) && (slash === -1 || seen.has(path.slice(0, slash)));
  });
}

function byPath(a: DiskEntry, b: DiskEntry): number {
  return a.path < b.path ? -1 : 1;
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lanes = Array.from({ length: Math.min(AT_ONCE, items.length) }, async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  });
  await Promise.all(lanes);
}
