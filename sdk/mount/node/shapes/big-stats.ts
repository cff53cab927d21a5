import type { MountStats } from "./stats.ts";

/** node's BigIntStats: the same facts as whole numbers of any size, and times in nanoseconds too. */
export class BigStats {
  readonly dev: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev: bigint;
  readonly blksize: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly blocks: bigint;
  readonly atimeMs: bigint;
  readonly mtimeMs: bigint;
  readonly ctimeMs: bigint;
  readonly birthtimeMs: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;
  readonly #stats: MountStats;

  constructor(stats: MountStats) {
    this.#stats = stats;
    this.dev = BigInt(stats.dev);
    this.mode = BigInt(stats.mode);
    this.nlink = BigInt(stats.nlink);
    this.uid = BigInt(stats.uid);
    this.gid = BigInt(stats.gid);
    this.rdev = BigInt(stats.rdev);
    this.blksize = BigInt(stats.blksize);
    this.ino = BigInt(stats.ino);
    this.size = BigInt(stats.size);
    this.blocks = BigInt(stats.blocks);
    const ms = BigInt(Math.trunc(stats.mtimeMs));
    this.atimeMs = ms;
    this.mtimeMs = ms;
    this.ctimeMs = ms;
    this.birthtimeMs = ms;
    const ns = BigInt(Math.round(stats.mtimeMs * 1_000)) * 1_000n;
    this.atimeNs = ns;
    this.mtimeNs = ns;
    this.ctimeNs = ns;
    this.birthtimeNs = ns;
  }

  get atime(): Date {
    return this.#stats.atime;
  }

  get mtime(): Date {
    return this.#stats.mtime;
  }

  get ctime(): Date {
    return this.#stats.ctime;
  }

  get birthtime(): Date {
    return this.#stats.birthtime;
  }

  isFile(): boolean {
    return this.#stats.isFile();
  }

  isDirectory(): boolean {
    return this.#stats.isDirectory();
  }

  isSymbolicLink(): boolean {
    return this.#stats.isSymbolicLink();
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

/** node's StatFs. */
export interface StatFs<Count> {
  readonly type: Count;
  readonly bsize: Count;
  readonly blocks: Count;
  readonly bfree: Count;
  readonly bavail: Count;
  readonly files: Count;
  readonly ffree: Count;
}
