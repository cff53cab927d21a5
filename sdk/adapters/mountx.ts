import type { MountedFS } from "../mount/mounted-fs.ts";

/** What mountx is told that a driver can do. */
export interface MountxCapabilities {
  readonly handles: boolean;
  readonly hardlinks: boolean;
  readonly symlinks: boolean;
  readonly permissions: boolean;
  readonly times: boolean;
  readonly truncate: boolean;
  readonly atomicRename: boolean;
  readonly caseSensitive: boolean;
  readonly statfs: boolean;
  readonly readOnly: boolean;
  readonly durableWrites: boolean;
}

type Calls = Pick<
  MountedFS["promises"],
  | "stat"
  | "lstat"
  | "readdir"
  | "mkdir"
  | "rmdir"
  | "unlink"
  | "rename"
  | "symlink"
  | "readlink"
  | "chmod"
  | "truncate"
  | "utimes"
>;

/** What mountx calls on an open file. */
export interface MountxHandle {
  readonly fd: number;
  read(
    buffer: Uint8Array,
    offset?: number | null,
    length?: number | null,
    position?: number | null,
  ): Promise<{ readonly bytesRead: number }>;
  write(
    buffer: Uint8Array,
    offset?: number | null,
    length?: number | null,
    position?: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
  stat(): Promise<{ readonly size: number }>;
  truncate(length?: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file; flags as text or as Linux's bits. */
interface Opening {
  open(path: string, flags?: string | number, mode?: number): Promise<MountxHandle>;
}

/** mountx's `FsDriver`: calls of `node:fs/promises`, and what of them is to be believed. */
export type MountxDriver = Calls & Opening & { readonly capabilities: MountxCapabilities };

/**
 * A mount as a driver of mountx, which makes a kernel mount of it (FUSE, 9P, NFS), or serves it by S3 or WebDAV.
 *
 * What programs write is in the mount; it is saved by `mount.commit()` or the mount's commit mode, not by `fsync`: so
 * `durableWrites` is not claimed. Nor are hard links, permissions beyond the executable bit, and times, none of which
 * git keeps.
 *
 * @example
 * const kernel = await mountFuse(createMountxDriver(mount), "/mnt/repo");
 */
export function createMountxDriver(mount: MountedFS): MountxDriver {
  const { stat, lstat, readdir, mkdir, rmdir, unlink, rename } = mount.promises;
  // node's FileHandle has far more than mountx calls.
  const { open } = mount.promises as unknown as Opening;
  const { symlink, readlink, chmod, truncate, utimes } = mount.promises;
  return {
    capabilities: {
      handles: true,
      hardlinks: false,
      symlinks: true,
      permissions: false,
      times: false,
      truncate: true,
      atomicRename: true,
      caseSensitive: true,
      statfs: false,
      readOnly: mount.readOnly,
      durableWrites: false,
    },
    ...{ stat, lstat, readdir, open, mkdir, rmdir, unlink, rename },
    ...{ symlink, readlink, chmod, truncate, utimes },
  };
}
