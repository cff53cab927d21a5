import { errnoError } from "../mount/kernel/errno.ts";
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
  | "lutimes"
  | "statfs"
>;

/** The part of node's Stats that the kernel's own checks of who may write go by. */
export interface MountxStats {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

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
  stat(): Promise<MountxStats>;
  truncate(length?: number): Promise<void>;
  sync(): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file; flags as text or as Linux's bits. */
interface Opening {
  open(path: string, flags?: string | number, mode?: number): Promise<MountxHandle>;
}

/** Calls in which files have an owner: the one that the driver was made with. */
interface Owned {
  stat(path: string): Promise<MountxStats>;
  lstat(path: string): Promise<MountxStats>;
  chown(path: string, uid: number, gid: number): Promise<void>;
  lchown(path: string, uid: number, gid: number): Promise<void>;
}

/** mountx's `FsDriver`: calls of `node:fs/promises`, and what of them is to be believed. */
export type MountxDriver = Calls & Opening & Owned & { readonly capabilities: MountxCapabilities };

/** Whose every file is. */
export interface MountxOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A mount as a driver of mountx, which makes a kernel mount of it (FUSE, 9P, NFS), or serves it by S3 or WebDAV.
 *
 * What programs write is in the mount; it is saved by `mount.commit()` or the mount's commit mode, not by `fsync`: so
 * `durableWrites` is not claimed. Nor are hard links, permissions beyond the executable bit, and times, none of which
 * git keeps.
 *
 * Every file belongs to `owner`, by default the user of this process: the kernel checks modes by it, so that a mount
 * made without root can be written by who made it. Giving a file to anybody else is EPERM.
 *
 * @example
 * const kernel = await mountKernel(createMountxDriver(mount), "/mnt/repo"); // `mount` of "mountx/auto"
 */
export function createMountxDriver(mount: MountedFS, owner: MountxOwner = findProcessOwner()): MountxDriver {
  const { readdir, mkdir, rmdir, unlink, rename, statfs } = mount.promises;
  const { symlink, readlink, chmod, truncate, utimes, lutimes } = mount.promises;
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
      statfs: true,
      readOnly: mount.readOnly,
      durableWrites: false,
    },
    ...{ readdir, mkdir, rmdir, unlink, rename, statfs },
    ...{ symlink, readlink, chmod, truncate, utimes, lutimes },
    ...createOwnedCalls(mount.promises, owner),
  };
}

/** Node tells who it runs as; where there are no users, files are root's as in the mount. */
function findProcessOwner(): MountxOwner {
  const { process } = globalThis as unknown as {
    readonly process?: { getuid?(): number; getgid?(): number };
  };
  return { uid: process?.getuid?.() ?? 0, gid: process?.getgid?.() ?? 0 };
}

function createOwnedCalls(promises: MountedFS["promises"], owner: MountxOwner): Owned & Opening {
  // node's FileHandle has far more than mountx calls.
  const { open } = promises as unknown as Opening;
  // Each answer is made for its caller, so that it may be changed.
  const own = (stats: MountxStats): MountxStats => Object.assign(stats, owner);
  const checkOwner = (syscall: string, path: string, [uid, gid]: readonly number[]): void => {
    const kept = (uid === -1 || uid === owner.uid) && (gid === -1 || gid === owner.gid);
    if (!kept) throw errnoError("EPERM", { syscall, path });
  };
  return {
    stat: async (path) => own(await promises.stat(path)),
    lstat: async (path) => own(await promises.lstat(path)),
    open: async (path, flags, mode) => ownHandle(await open(path, flags, mode), own),
    async chown(path, uid, gid) {
      await promises.chown(path, uid, gid);
      checkOwner("chown", path, [uid, gid]);
    },
    async lchown(path, uid, gid) {
      await promises.lchown(path, uid, gid);
      checkOwner("lchown", path, [uid, gid]);
    },
  };
}

function ownHandle(handle: MountxHandle, own: (stats: MountxStats) => MountxStats): MountxHandle {
  return {
    fd: handle.fd,
    read: (...given) => handle.read(...given),
    write: (...given) => handle.write(...given),
    stat: async () => own(await handle.stat()),
    truncate: (length) => handle.truncate(length),
    sync: () => handle.sync(),
    datasync: () => handle.datasync(),
    close: () => handle.close(),
  };
}
