import { MODE } from "../tree/base-tree.ts";
import { isDirectory, modeOf, mtimeOf, sizeOf, type TreeNode } from "../tree/nodes.ts";

const BLOCK_BYTES = 4_096;

/** Two 26-bit hashes of a path in one safe integer: as stable as the path, and distinct in any real tree. */
function inodeOf(path: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
  }
  return (low >>> 6) * 2 ** 26 + (high >>> 6) + 1;
}

/** node's Stats of a mount's file, link or directory. */
export class MountStats {
  readonly dev = 1;
  readonly ino: number;
  readonly mode: number;
  readonly nlink = 1;
  readonly uid = 0;
  readonly gid = 0;
  readonly rdev = 0;
  readonly size: number;
  readonly blksize = BLOCK_BYTES;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;

  /** @param path mount path, which the inode number is made of. */
  constructor(path: string, node: TreeNode) {
    this.ino = inodeOf(path);
    this.mode = numericMode(node);
    this.size = sizeOf(node);
    this.blocks = Math.ceil(this.size / BLOCK_BYTES) * (BLOCK_BYTES / 512);
    this.mtimeMs = mtimeOf(node);
    this.atimeMs = this.mtimeMs;
    this.ctimeMs = this.mtimeMs;
    this.birthtimeMs = this.mtimeMs;
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

  isFile(): boolean {
    return (this.mode & 0o170000) === 0o100000;
  }

  isDirectory(): boolean {
    return (this.mode & 0o170000) === 0o040000;
  }

  isSymbolicLink(): boolean {
    return (this.mode & 0o170000) === 0o120000;
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

/** Git's modes with the permission bits that a checkout gives: 0755 for directories, 0777 for links. */
function numericMode(node: TreeNode): number {
  if (isDirectory(node)) return 0o040755;
  const mode = modeOf(node);
  return mode === MODE.symlink ? 0o120777 : mode;
}

/** node's Dirent. */
export class MountDirent {
  readonly name: string;
  /** Directory that it was read from, as it was given. */
  readonly parentPath: string;
  /** The same under its older name. */
  readonly path: string;
  readonly #mode: number;

  constructor(name: string, parentPath: string, node: TreeNode) {
    this.name = name;
    this.parentPath = parentPath;
    this.path = parentPath;
    this.#mode = numericMode(node) & 0o170000;
  }

  isFile(): boolean {
    return this.#mode === 0o100000;
  }

  isDirectory(): boolean {
    return this.#mode === 0o040000;
  }

  isSymbolicLink(): boolean {
    return this.#mode === 0o120000;
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
