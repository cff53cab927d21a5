/// <reference lib="esnext.disposable" />

import type { BigStats, StatFs } from "./big-stats.ts";
import type { FileData } from "./data-types.ts";
import type { MountDirent, MountStats } from "./stats.ts";

/** Node's Buffer where its types are loaded, Uint8Array elsewhere; the same goes for the values. */
export type Bytes = typeof globalThis extends { Buffer: { alloc(size: number): infer B extends Uint8Array } }
  ? B
  : Uint8Array;

/** A path: text, its bytes, or a `file:` URL. */
export type PathLike = string | Uint8Array | URL;

/** Octal text or a number. */
export type Mode = number | string;

/** Seconds since the epoch, a date, or the seconds as text. */
export type TimeLike = number | string | Date;

/** Encodings that give text. */
export type TextEncoding =
  | "ascii"
  | "utf8"
  | "utf-8"
  | "utf16le"
  | "utf-16le"
  | "ucs2"
  | "ucs-2"
  | "base64"
  | "base64url"
  | "latin1"
  | "binary"
  | "hex";

interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

interface MaybeEncoding {
  readonly encoding?: TextEncoding | null | undefined;
}

type AnyEncoding = MaybeEncoding | TextEncoding | null;
type BufferEncoding = "buffer" | { readonly encoding: "buffer" };

export interface ReadOptions extends Abortable {
  readonly encoding?: string | null | undefined;
  readonly flag?: string | number | undefined;
}

export interface WriteOptions extends Abortable {
  readonly encoding?: string | null | undefined;
  readonly flag?: string | number | undefined;
  readonly mode?: Mode | undefined;
  readonly flush?: boolean | undefined;
}

export interface ReaddirOptions {
  readonly encoding?: string | null | undefined;
  readonly withFileTypes?: boolean | undefined;
  readonly recursive?: boolean | undefined;
}

export interface StatOptions {
  readonly bigint?: boolean | undefined;
  /** false: undefined instead of ENOENT. */
  readonly throwIfNoEntry?: boolean | undefined;
}

export interface RmOptions {
  readonly recursive?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly maxRetries?: number | undefined;
  readonly retryDelay?: number | undefined;
}

export interface CpOptions {
  readonly dereference?: boolean | undefined;
  readonly errorOnExist?: boolean | undefined;
  readonly filter?: ((source: string, destination: string) => boolean | Promise<boolean>) | undefined;
  readonly force?: boolean | undefined;
  readonly mode?: number | undefined;
  readonly preserveTimestamps?: boolean | undefined;
  readonly recursive?: boolean | undefined;
  readonly verbatimSymlinks?: boolean | undefined;
}

export interface WatchOptions extends Abortable {
  readonly encoding?: string | undefined;
  readonly persistent?: boolean | undefined;
  readonly recursive?: boolean | undefined;
  /** Changes that may wait to be read; 2,048 by default. */
  readonly maxQueue?: number | undefined;
  /** Beyond that: end with ERR_FS_WATCH_QUEUE_OVERFLOW (the default), or drop what comes. */
  readonly overflow?: "throw" | "ignore" | undefined;
}

/** One change, as `watch` yields it: "change" of a content, "rename" of what a directory holds. */
export interface FileChange<Name> {
  readonly eventType: "rename" | "change";
  readonly filename: Name | null;
}

export interface GlobOptions {
  /** Where patterns start and what results are relative to; the mount's root by default. */
  readonly cwd?: string | URL | undefined;
  /** What not to enter or yield. */
  readonly exclude?: ((entry: string) => boolean) | readonly string[] | undefined;
  readonly withFileTypes?: false | undefined;
}

export interface TypedGlobOptions extends Omit<GlobOptions, "exclude" | "withFileTypes"> {
  readonly exclude?: ((entry: MountDirent) => boolean) | readonly string[] | undefined;
  readonly withFileTypes: true;
}

/** What a handle's `read` takes beside a buffer. */
export interface ReadAt {
  readonly offset?: number | null | undefined;
  readonly length?: number | null | undefined;
  /** null: where the last call ended. */
  readonly position?: number | bigint | null | undefined;
}

export interface StreamOptions {
  readonly encoding?: string | null | undefined;
  readonly autoClose?: boolean | undefined;
  readonly emitClose?: boolean | undefined;
  readonly start?: number | undefined;
  /** Inclusive. */
  readonly end?: number | undefined;
  readonly highWaterMark?: number | undefined;
  readonly signal?: AbortSignal | null | undefined;
}

/** The part of node's streams that is promised here; in Node they are node's own. */
export interface NodeStream extends AsyncIterable<unknown> {
  on(event: string, listener: (...values: never[]) => void): unknown;
  once(event: string, listener: (...values: never[]) => void): unknown;
  pipe<Target>(target: Target): Target;
  write(data: unknown): boolean;
  end(data?: unknown): unknown;
  destroy(error?: Error): unknown;
}

/** Any handle, node's own included: what is not one of this mount's is refused when it is used. */
interface AnyHandle {
  readonly fd: number;
  close(): Promise<void>;
}

/** node's FileHandle: an open file, which stays the same file when its path is renamed or removed. */
export interface FileHandle {
  readonly fd: number;
  appendFile(
    data: FileData,
    options?: (MaybeEncoding & Abortable & { readonly flush?: boolean }) | TextEncoding | null,
  ): Promise<void>;
  chmod(mode: Mode): Promise<void>;
  chown(uid: number, gid: number): Promise<void>;
  close(): Promise<void>;
  /** Needs `node:stream`: Node ≥ 20.16, Bun, Deno, Workers with nodejs_compat. Else throws ERR_METHOD_NOT_IMPLEMENTED. */
  createReadStream(options?: StreamOptions): NodeStream;
  /** As `createReadStream`. */
  createWriteStream(options?: StreamOptions & { readonly flush?: boolean }): NodeStream;
  datasync(): Promise<void>;
  read<T extends ArrayBufferView>(
    buffer: T,
    offset?: number | null,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<{ bytesRead: number; buffer: T }>;
  read<T extends ArrayBufferView>(buffer: T, options?: ReadAt): Promise<{ bytesRead: number; buffer: T }>;
  read<T extends ArrayBufferView = Bytes>(
    options?: ReadAt & { readonly buffer?: T },
  ): Promise<{ bytesRead: number; buffer: T }>;
  readFile(options?: ({ readonly encoding?: null | undefined } & Abortable) | null): Promise<Bytes>;
  readFile(options: ({ readonly encoding: TextEncoding } & Abortable) | TextEncoding): Promise<string>;
  readFile(options?: (MaybeEncoding & Abortable) | TextEncoding | null): Promise<string | Bytes>;
  /** Lines without their ends; node's readline.Interface where there is one. */
  readLines(options?: StreamOptions): AsyncIterable<string> & { close(): void };
  /** Chunks are Uint8Array. */
  readableWebStream(options?: { readonly type?: "bytes"; readonly autoClose?: boolean }): ReadableStream;
  readv<T extends readonly ArrayBufferView[]>(
    buffers: T,
    position?: number | null,
  ): Promise<{ bytesRead: number; buffers: T }>;
  stat(options?: { readonly bigint?: false | undefined }): Promise<MountStats>;
  stat(options: { readonly bigint: true }): Promise<BigStats>;
  stat(options?: StatOptions): Promise<MountStats | BigStats>;
  sync(): Promise<void>;
  truncate(length?: number | null): Promise<void>;
  /** Accepted and not stored. */
  utimes(atime: TimeLike, mtime: TimeLike): Promise<void>;
  write<T extends ArrayBufferView>(
    buffer: T,
    offset?:
      | number
      | null
      | { readonly offset?: number; readonly length?: number; readonly position?: number },
    length?: number | null,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffer: T }>;
  write(
    data: string,
    position?: number | null,
    encoding?: string | null,
  ): Promise<{ bytesWritten: number; buffer: string }>;
  writeFile(
    data: FileData,
    options?: (MaybeEncoding & Abortable & { readonly flush?: boolean }) | TextEncoding | null,
  ): Promise<void>;
  writev<T extends readonly ArrayBufferView[]>(
    buffers: T,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffers: T }>;
  on(event: "close", listener: () => void): this;
  once(event: "close", listener: () => void): this;
  off(event: "close", listener: () => void): this;
  addListener(event: "close", listener: () => void): this;
  removeListener(event: "close", listener: () => void): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/** node's Dir: a directory's entries as they were when it was opened. */
export interface Dir extends AsyncIterable<MountDirent> {
  readonly path: string;
  read(): Promise<MountDirent | null>;
  read(callback: (error: Error | null, entry: MountDirent | null) => void): void;
  readSync(): MountDirent | null;
  close(): Promise<void>;
  close(callback: (error?: Error | null) => void): void;
  closeSync(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `node:fs/promises` over a mount: its argument rules, results and error codes. Methods work detached. */
export interface NodeFsPromises {
  access(path: PathLike, mode?: number): Promise<void>;
  appendFile(
    path: PathLike | AnyHandle,
    data: FileData,
    options?: WriteOptions | TextEncoding | null,
  ): Promise<void>;
  chmod(path: PathLike, mode: Mode): Promise<void>;
  /** Accepted and not stored. */
  chown(path: PathLike, uid: number, gid: number): Promise<void>;
  copyFile(source: PathLike, destination: PathLike, mode?: number): Promise<void>;
  cp(source: string | URL, destination: string | URL, options?: CpOptions): Promise<void>;
  glob(pattern: string | readonly string[], options?: GlobOptions): AsyncIterableIterator<string>;
  glob(pattern: string | readonly string[], options: TypedGlobOptions): AsyncIterableIterator<MountDirent>;
  /** Rejects as on Linux, where only macOS has it. */
  lchmod(path: PathLike, mode: Mode): Promise<void>;
  /** Accepted and not stored. */
  lchown(path: PathLike, uid: number, gid: number): Promise<void>;
  /** Rejects with EPERM, link(2)'s answer of a filesystem without hard links: git has none. */
  link(existingPath: PathLike, newPath: PathLike): Promise<void>;
  lstat(path: PathLike, options?: StatOptions & { readonly bigint?: false | undefined }): Promise<MountStats>;
  lstat(path: PathLike, options: StatOptions & { readonly bigint: true }): Promise<BigStats>;
  lstat(path: PathLike, options?: StatOptions): Promise<MountStats | BigStats>;
  /** Accepted and not stored. */
  lutimes(path: PathLike, atime: TimeLike, mtime: TimeLike): Promise<void>;
  mkdir(
    path: PathLike,
    options: { readonly recursive: true; readonly mode?: Mode | undefined },
  ): Promise<string | undefined>;
  mkdir(
    path: PathLike,
    options?: Mode | { readonly recursive?: false | undefined; readonly mode?: Mode | undefined } | null,
  ): Promise<void>;
  mkdir(
    path: PathLike,
    options?: Mode | { readonly recursive?: boolean | undefined; readonly mode?: Mode | undefined } | null,
  ): Promise<string | undefined>;
  mkdtemp(prefix: string | Uint8Array | URL, options?: AnyEncoding): Promise<string>;
  mkdtemp(prefix: string | Uint8Array | URL, options: BufferEncoding): Promise<Bytes>;
  mkdtemp(
    prefix: string | Uint8Array | URL,
    options?: MaybeEncoding | string | null,
  ): Promise<string | Bytes>;
  open(path: PathLike, flags?: string | number, mode?: Mode): Promise<FileHandle>;
  opendir(
    path: PathLike,
    options?: { readonly encoding?: string; readonly bufferSize?: number; readonly recursive?: boolean },
  ): Promise<Dir>;
  readdir(
    path: PathLike,
    options?:
      | {
          readonly encoding?: TextEncoding | null | undefined;
          readonly withFileTypes?: false | undefined;
          readonly recursive?: boolean | undefined;
        }
      | TextEncoding
      | null,
  ): Promise<string[]>;
  readdir(
    path: PathLike,
    options:
      | {
          readonly encoding: "buffer";
          readonly withFileTypes?: false | undefined;
          readonly recursive?: boolean | undefined;
        }
      | "buffer",
  ): Promise<Bytes[]>;
  readdir(
    path: PathLike,
    options?:
      | {
          readonly encoding?: TextEncoding | null | undefined;
          readonly withFileTypes?: false | undefined;
          readonly recursive?: boolean | undefined;
        }
      | TextEncoding
      | null,
  ): Promise<string[] | Bytes[]>;
  readdir(
    path: PathLike,
    options: {
      readonly encoding?: TextEncoding | null | undefined;
      readonly withFileTypes: true;
      readonly recursive?: boolean | undefined;
    },
  ): Promise<MountDirent[]>;
  readdir(
    path: PathLike,
    options: {
      readonly encoding: "buffer";
      readonly withFileTypes: true;
      readonly recursive?: boolean | undefined;
    },
  ): Promise<MountDirent<Bytes>[]>;
  readFile(
    path: PathLike | AnyHandle,
    options?: (ReadOptions & { readonly encoding?: null | undefined }) | null,
  ): Promise<Bytes>;
  readFile(
    path: PathLike | AnyHandle,
    options: (ReadOptions & { readonly encoding: TextEncoding }) | TextEncoding,
  ): Promise<string>;
  readFile(
    path: PathLike | AnyHandle,
    options?: (ReadOptions & MaybeEncoding) | TextEncoding | null,
  ): Promise<string | Bytes>;
  readlink(path: PathLike, options?: AnyEncoding): Promise<string>;
  readlink(path: PathLike, options: BufferEncoding): Promise<Bytes>;
  readlink(path: PathLike, options?: MaybeEncoding | string | null): Promise<string | Bytes>;
  realpath(path: PathLike, options?: AnyEncoding): Promise<string>;
  realpath(path: PathLike, options: BufferEncoding): Promise<Bytes>;
  realpath(path: PathLike, options?: MaybeEncoding | string | null): Promise<string | Bytes>;
  rename(oldPath: PathLike, newPath: PathLike): Promise<void>;
  rm(path: PathLike, options?: RmOptions): Promise<void>;
  rmdir(path: PathLike, options?: RmOptions): Promise<void>;
  stat(path: PathLike, options?: StatOptions & { readonly bigint?: false | undefined }): Promise<MountStats>;
  stat(path: PathLike, options: StatOptions & { readonly bigint: true }): Promise<BigStats>;
  stat(path: PathLike, options?: StatOptions): Promise<MountStats | BigStats>;
  statfs(path: PathLike, options?: { readonly bigint?: false | undefined }): Promise<StatFs<number>>;
  statfs(path: PathLike, options: { readonly bigint: true }): Promise<StatFs<bigint>>;
  statfs(
    path: PathLike,
    options?: { readonly bigint?: boolean | undefined },
  ): Promise<StatFs<number> | StatFs<bigint>>;
  symlink(target: PathLike, path: PathLike, type?: string | null): Promise<void>;
  truncate(path: PathLike, length?: number | null): Promise<void>;
  unlink(path: PathLike): Promise<void>;
  /** Accepted and not stored: git keeps no times of files. */
  utimes(path: PathLike, atime: TimeLike, mtime: TimeLike): Promise<void>;
  watch(
    path: PathLike,
    options: (WatchOptions & { readonly encoding: "buffer" }) | "buffer",
  ): AsyncIterable<FileChange<Bytes>>;
  watch(path: PathLike, options?: WatchOptions | TextEncoding): AsyncIterable<FileChange<string>>;
  watch(
    path: PathLike,
    options: WatchOptions | string,
  ): AsyncIterable<FileChange<string>> | AsyncIterable<FileChange<Bytes>>;
  writeFile(
    path: PathLike | AnyHandle,
    data: FileData,
    options?: WriteOptions | TextEncoding | null,
  ): Promise<void>;
  readonly constants: typeof import("./constants.ts").constants;
}
