import { MODE } from "../../tree/base-tree.ts";
import { isDirectory, modeOf, mtimeOf, sizeOf, type TreeNode } from "../../tree/nodes.ts";

const BLOCK_BYTES = 4_096;
const KIND = 0o170000;

/** Git's modes with the permission bits that a checkout gives: 0755 for directories, 0777 for links. */
export function numericMode(node: TreeNode): number {
  if (isDirectory(node)) return 0o040755;
  const mode = modeOf(node);
  return mode === MODE.symlink ? 0o120777 : mode;
}

/** What node's Stats, BigIntStats and Dirent tell alike. */
abstract class Kind {
  protected abstract get kind(): number;

  isFile(): boolean {
    return this.kind === 0o100000;
  }

  isDirectory(): boolean {
    return this.kind === 0o040000;
  }

  isSymbolicLink(): boolean {
    return this.kind === 0o120000;
  }

  isBlockDevice(): boolean {
    return false;
  }

  isCharacterDevice(): boolean {
    return false;
  }

  isFIFO(): boolean {
    return false;
  }

  isSocket(): boolean {
    return false;
  }
}

/** Which file a node is: device and inode number, and the names that it has. */
export interface Identity {
  readonly dev: number;
  readonly ino: number;
  /** 0 for an open file whose name is gone. */
  readonly nlink: number;
}

/**
 * node's Stats. `nlink` is 1 for directories too, which says "not counted"; the size of a directory is 0; all times are
 * the commit's, or those of the mount's own last write.
 */
export class MountStats extends Kind {
  readonly dev: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid = 0;
  readonly gid = 0;
  readonly rdev = 0;
  readonly blksize = BLOCK_BYTES;
  readonly ino: number;
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;

  constructor(node: TreeNode, dev: number, ino: number, nlink = 1) {
    super();
    const size = sizeOf(node);
    const mtimeMs = mtimeOf(node);
    this.dev = dev;
    this.mode = numericMode(node);
    this.nlink = nlink;
    this.ino = ino;
    this.size = size;
    this.blocks = Math.ceil(size / BLOCK_BYTES) * (BLOCK_BYTES / 512);
    this.atimeMs = mtimeMs;
    this.mtimeMs = mtimeMs;
    this.ctimeMs = mtimeMs;
    this.birthtimeMs = mtimeMs;
  }

  protected get kind(): number {
    return this.mode & KIND;
  }

  get atime(): Date {
    return new Date(this.atimeMs);
  }

  get mtime(): Date {
    return new Date(this.mtimeMs);
  }

  get ctime(): Date {
    return new Date(this.ctimeMs);
  }

  get birthtime(): Date {
    return new Date(this.birthtimeMs);
  }
}

/** node's Dirent. */
export class MountDirent<Name = string> extends Kind {
  readonly name: Name;
  /** Directory that it was read from, as it was given. */
  readonly parentPath: string;
  /** The same under its older name. */
  readonly path: string;
  readonly #kind: number;

  constructor(name: Name, parentPath: string, node: TreeNode) {
    super();
    this.name = name;
    this.parentPath = parentPath;
    this.path = parentPath;
    this.#kind = numericMode(node) & KIND;
  }

  protected get kind(): number {
    return this.#kind;
  }
}
