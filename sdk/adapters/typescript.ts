import { MountError } from "../errors.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { readInBatches, warmFiles } from "./files/read-in-batches.ts";

export { createSnapshotFileSystem, type SnapshotFileSystem } from "./typescript/snapshot-file-system.ts";

/** What a snapshot may hold. */
export interface SnapshotOptions {
  /** Sum of all files, bytes; 64 MiB by default. More is refused with E2BIG: a compiler must not see half a project. */
  readonly maxBytes?: number;
  /** Path that the mount's root gets in the snapshot, such as `/project`; none by default. */
  readonly root?: string;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** Linux's number of "argument list too long". */
const E2BIG = -7;

/**
 * The files that match, with their texts, as they are at this moment: for tools that cannot wait for a read, such as
 * compilers. One request for any number of files that are not cached yet, up to the server's 32 MiB of a prefetch; the
 * rest comes 100 files a request. Links are read through; one that leads nowhere is left out.
 *
 * @param patterns globs of the mount, `["**" + "/*.ts", "**" + "/*.json"]`
 * @throws MountError E2BIG when the files are more than `maxBytes`
 * @example
 * const files = await toMap(mount, ["src/**" + "/*.ts"]);
 * const env = createVirtualTypeScriptEnvironment(createSystem(files), [...files.keys()], ts, {});
 */
export async function toMap(
  mount: MountedFS,
  patterns: string | readonly string[],
  options: SnapshotOptions = {},
): Promise<Map<string, string>> {
  const { maxBytes = DEFAULT_MAX_BYTES, root = "" } = options;
  const files = await findFiles(mount, patterns);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (bytes > maxBytes) {
    throw new MountError("E2BIG", `E2BIG: ${bytes} bytes match, a snapshot takes ${maxBytes}, snapshot`, {
      errno: E2BIG,
      syscall: "snapshot",
    });
  }
  await warmFiles(mount, patterns, files);
  const snapshot = new Map<string, string>();
  for await (const { file, text } of readInBatches(mount, files)) snapshot.set(`${root}${file.path}`, text);
  return snapshot;
}

/** The same as `toMap`, as an object: the shape of TypeScript 7's `createVirtualFileSystem`. */
export async function toRecord(
  mount: MountedFS,
  patterns: string | readonly string[],
  options: SnapshotOptions = {},
): Promise<Record<string, string>> {
  return Object.fromEntries(await toMap(mount, patterns, options));
}

async function findFiles(mount: MountedFS, patterns: string | readonly string[]) {
  const paths = await mount.glob(patterns);
  const found = await Promise.all(
    paths.map(async (path) => {
      try {
        const stat = await mount.promises.stat(path);
        return stat.isFile() ? { path, size: stat.size } : null;
      } catch (error) {
        if (error instanceof MountError && ["ENOENT", "ENOTDIR", "ELOOP"].includes(error.code)) return null;
        throw error;
      }
    }),
  );
  return found.filter((file) => file !== null);
}
