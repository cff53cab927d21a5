import { errnoError } from "../kernel/errno.ts";
import type { Saver } from "./saver.ts";

/** Snapshots of one mount; each costs what is changed between it and what the mount reads. */
const MAX_SNAPSHOTS = 1_000;

/** Names of the states that are kept, oldest first. */
export function listSnapshots(saver: Saver): string[] {
  return saver.table.volumes[0]?.snapshots.names() ?? [];
}

/** @throws MountPathError EEXIST for a name that is taken, EINVAL for ""; MountError E2BIG beyond 1,000 */
export function keepSnapshot(saver: Saver, name: string): void {
  const site = { syscall: "snapshot", path: name };
  if (name === "") throw errnoError("EINVAL", site, { detail: "a snapshot has a name" });
  const names = listSnapshots(saver);
  if (names.includes(name)) throw errnoError("EEXIST", site, { detail: "there is a snapshot of that name" });
  if (names.length >= MAX_SNAPSHOTS) {
    throw errnoError("E2BIG", site, { detail: `a mount keeps ${MAX_SNAPSHOTS} snapshots; drop some` });
  }
  for (const volume of saver.table.volumes) volume.keep(name);
}

/** @throws MountPathError ENOENT */
export function dropSnapshot(saver: Saver, name: string): void {
  requireSnapshot(saver, name, "dropSnapshot");
  for (const volume of saver.table.volumes) volume.snapshots.drop(name);
}

/**
 * Brings a state back as unsaved changes. What was unsaved is kept under a name of its own, which is given; null when
 * nothing was, or when it is to be dropped. In mode "auto" the changes are committed.
 */
export async function restoreSnapshot(saver: Saver, name: string, force: boolean): Promise<string | null> {
  requireSnapshot(saver, name, "restore");
  const spare = force ? null : nameSpare(saver, name);
  const unsaved = await Promise.all([...saver.buffers.values()].map((buffer) => buffer.restore(name, spare)));
  const isKept = spare !== null && unsaved.includes(true);
  if (spare !== null && !isKept) for (const volume of saver.table.volumes) volume.snapshots.drop(spare);
  await Promise.all(
    [...saver.buffers].map(async ([volume, buffer]) => {
      const status = await buffer.status();
      const paths = status.flatMap(({ path, from }) => (from === undefined ? [path] : [path, from]));
      if (paths.length > 0) await saver.save(volume, paths);
    }),
  );
  return isKept ? spare : null;
}

function nameSpare(saver: Saver, name: string): string {
  const taken = new Set(listSnapshots(saver));
  for (let number = 1; ; number += 1) {
    const spare = `before-${name}-${number}`;
    if (!taken.has(spare)) return spare;
  }
}

function requireSnapshot(saver: Saver, name: string, syscall: string): void {
  if (listSnapshots(saver).includes(name)) return;
  throw errnoError("ENOENT", { syscall, path: name }, { detail: "no such snapshot" });
}
