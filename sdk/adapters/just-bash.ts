import type { IFileSystem } from "just-bash";
import { createShellFs } from "../mount/bash/just-bash-fs.ts";
import { findRunOutside } from "../mount/bash/run-outside.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";

/**
 * A mount as the filesystem of just-bash: as the root of a `Bash`, or at a place in its `MountableFs`. Reads of what is
 * in the cache cost no request, and a command that reads file after file is read ahead for. What commands write is in
 * the mount and committed as its mode says: with "auto" every single write waits for its commit, so prefer another mode.
 *
 * Make it outside of any running script: it remembers the async context that it was made in, and works in that one.
 *
 * @example
 * const bash = new Bash({
 *   fs: new MountableFs({
 *     base: new InMemoryFs(),
 *     mounts: [{ mountPoint: "/work", filesystem: createJustBashFs(mount) }],
 *   }),
 * });
 */
export function createJustBashFs(mount: MountedFS): IFileSystem {
  const source = {
    promises: mount.promises,
    cacheStats: () => mount.cacheStats(),
    copyTree: (from: string, to: string) => mount.cp(from, to, { recursive: true }),
  };
  return createShellFs(source, findRunOutside());
}
