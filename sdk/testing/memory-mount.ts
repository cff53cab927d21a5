import { createSharedBlobs } from "../mount/blobs/content-source.ts";
import type { MountOptions } from "../mount/mount-options.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { openMount } from "../mount/open-mount.ts";
import { MemoryRemote, type SeedFile } from "./memory-remote.ts";

/** A mount of a repository in memory, at the root; `open` makes another one, cold, of the same repository. */
export async function makeMemoryMount(
  files?: Readonly<Record<string, SeedFile>>,
  options: Partial<MountOptions> = {},
): Promise<{
  readonly fs: MountedFS;
  readonly remote: MemoryRemote;
  readonly open: (more?: Partial<MountOptions>) => Promise<MountedFS>;
}> {
  const remote = new MemoryRemote();
  await remote.create("app", files);
  const open = (more: Partial<MountOptions> = {}) =>
    openMount(
      { repos: [{ slug: "app", as: "/" }], ...options, ...more },
      {
        remote,
        blobs: createSharedBlobs(remote, 1e7),
        now: () => Date.now(),
        createKey: () => crypto.randomUUID(),
      },
    );
  return { fs: await open(), remote, open };
}
