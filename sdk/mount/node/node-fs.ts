import { MountPathError } from "../../errors.ts";
import type { CopyCalls } from "../calls/copy-calls.ts";
import type { ReadCalls } from "../calls/read-calls.ts";
import type { WriteCalls, WriteMode } from "../calls/write-calls.ts";
import { argumentError, type CallSite } from "../kernel/errno.ts";
import { isDirectory, type TreeNode } from "../tree/nodes.ts";
import { checkEncoding, copyBytes, formatBytes } from "./encoding.ts";
import { type FileData, readData } from "./file-data.ts";
import { MountDirent, MountStats } from "./stats.ts";

/** An encoding by name, or options that may hold one. */
type EncodingOption =
  | string
  | { readonly encoding?: string | null; readonly signal?: AbortSignal }
  | null
  | undefined;

interface WriteOptions {
  readonly encoding?: string | null;
  readonly flag?: string;
  readonly mode?: number;
  readonly signal?: AbortSignal;
}

/** The part of `node:fs/promises` that a mount has: its argument rules, results and error codes. Methods may be detached. */
export interface NodeFsPromises {
  /** Bytes, or text when an encoding is given. */
  readFile(path: string, options?: EncodingOption): Promise<Uint8Array | string>;
  writeFile(path: string, data: FileData, options?: string | WriteOptions | null): Promise<void>;
  appendFile(path: string, data: FileData, options?: string | WriteOptions | null): Promise<void>;
  readdir(
    path: string,
    options?:
      | string
      | { readonly withFileTypes?: boolean; readonly recursive?: boolean; readonly encoding?: string | null }
      | null,
  ): Promise<string[] | MountDirent[]>;
  stat(path: string): Promise<MountStats>;
  lstat(path: string): Promise<MountStats>;
  mkdir(
    path: string,
    options?: number | { readonly recursive?: boolean; readonly mode?: number } | null,
  ): Promise<string | undefined>;
  rm(path: string, options?: { readonly recursive?: boolean; readonly force?: boolean }): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  rename(oldPath: string, newPath: string): Promise<void>;
  readlink(path: string, options?: EncodingOption): Promise<string | Uint8Array>;
  symlink(target: string, path: string, type?: string | null): Promise<void>;
  chmod(path: string, mode: number | string): Promise<void>;
  access(path: string, mode?: number): Promise<void>;
  copyFile(source: string, destination: string, mode?: number): Promise<void>;
  realpath(path: string, options?: EncodingOption): Promise<string>;
  utimes(path: string, atime: unknown, mtime: unknown): Promise<void>;
  truncate(path: string, length?: number): Promise<void>;
  readonly constants: Readonly<Record<"F_OK" | "R_OK" | "W_OK" | "X_OK" | "COPYFILE_EXCL", number>>;
}

const WRITE_FLAGS: Readonly<Record<string, WriteMode>> = {
  w: {},
  "w+": {},
  wx: { exclusive: true },
  xw: { exclusive: true },
  "wx+": { exclusive: true },
  a: { append: true },
  "a+": { append: true },
  as: { append: true },
  ax: { append: true, exclusive: true },
  xa: { append: true, exclusive: true },
  "ax+": { append: true, exclusive: true },
  "r+": { update: true },
  "rs+": { update: true },
};

/** The calls below look into the text of a path before it is parsed. */
function checkPath(path: unknown): void {
  if (typeof path === "string") return;
  throw argumentError(
    "ERR_INVALID_ARG_TYPE",
    `The "path" argument must be of type string. Received ${typeof path}`,
  );
}

function encodingOf(options: EncodingOption): string | null {
  const encoding = typeof options === "string" ? options : (options?.encoding ?? null);
  if (encoding !== null && encoding !== "buffer") checkEncoding(encoding);
  return encoding;
}

function writeModeOf(flag: string, mode: number | undefined): WriteMode {
  const write = WRITE_FLAGS[flag];
  if (write === undefined)
    throw argumentError("ERR_INVALID_ARG_VALUE", `The argument 'flags' is invalid. Received '${flag}'`);
  return { ...write, executable: mode !== undefined && (mode & 0o100) !== 0 };
}

function parseMode(mode: number | string): number {
  const value = typeof mode === "string" ? Number.parseInt(mode, 8) : mode;
  if (Number.isInteger(value)) return value;
  throw argumentError("ERR_INVALID_ARG_VALUE", `The argument 'mode' is invalid. Received ${String(mode)}`);
}

/** A mount's calls by kind. */
export interface Calls {
  readonly reads: ReadCalls;
  readonly writes: WriteCalls;
  readonly copies: CopyCalls;
}

/** Makes the node-shaped face over a mount's calls. Every method is its own closure, so it works detached. */
export function createNodeFs(calls: Calls): NodeFsPromises {
  const { reads, writes, copies } = calls;
  const write = async (
    path: string,
    data: FileData,
    options: string | WriteOptions | null | undefined,
    flag: string,
  ) => {
    const site = { syscall: "open", path };
    const given = typeof options === "string" ? { encoding: options } : (options ?? {});
    given.signal?.throwIfAborted();
    const mode = writeModeOf(given.flag ?? flag, given.mode);
    const bytes = readData(data, given.encoding);
    await writes.writeFile(path, bytes instanceof Promise ? await bytes : bytes, site, mode);
  };
  const stat = async (path: string, site: CallSite, follow: boolean) => {
    const found = await reads.find(path, site, follow);
    return found === null
      ? new MountStats("/", ROOT)
      : new MountStats(`${found.volume.name}/${found.path}`, found.node);
  };
  return {
    constants: { F_OK: 0, X_OK: 1, W_OK: 2, R_OK: 4, COPYFILE_EXCL: 1 },
    async readFile(path, options) {
      const encoding = encodingOf(options);
      const signal = typeof options === "object" ? options?.signal : undefined;
      signal?.throwIfAborted();
      const site = { syscall: "open", path };
      if (encoding === "utf8" || encoding === "utf-8") return await reads.readText(path, site);
      const { bytes } = await reads.readBlob(path, site);
      signal?.throwIfAborted();
      return encoding === null || encoding === "buffer" ? copyBytes(bytes) : formatBytes(bytes, encoding);
    },
    writeFile: async (path, data, options) => await write(path, data, options, "w"),
    appendFile: async (path, data, options) => await write(path, data, options, "a"),
    async readdir(path, options) {
      const given = typeof options === "object" && options !== null ? options : {};
      return await readDirectory(reads, path, given);
    },
    stat: async (path) => await stat(path, { syscall: "stat", path }, true),
    lstat: async (path) => await stat(path, { syscall: "lstat", path }, false),
    async mkdir(path, options) {
      const recursive = typeof options === "object" && options?.recursive === true;
      checkPath(path);
      const made = await writes.mkdir(path, { syscall: "mkdir", path }, { recursive });
      return recursive ? made : undefined;
    },
    async rm(path, options = {}) {
      await removeAny(reads, writes, path, options);
    },
    unlink: async (path) => await writes.unlink(path, { syscall: "unlink", path }),
    rmdir: async (path) => await writes.rmdir(path, { syscall: "rmdir", path }),
    rename: async (oldPath, newPath) =>
      await writes.rename(oldPath, newPath, { syscall: "rename", path: oldPath, dest: newPath }),
    async readlink(path, options) {
      const encoding = encodingOf(options);
      const target = await reads.readLink(path, { syscall: "readlink", path });
      return encoding === "buffer" ? copyBytes(new TextEncoder().encode(target)) : target;
    },
    async symlink(target, path) {
      if (typeof target !== "string")
        throw argumentError("ERR_INVALID_ARG_TYPE", 'The "target" argument must be a string');
      await writes.symlink(target, path, { syscall: "symlink", path: target, dest: path });
    },
    chmod: async (path, mode) => await writes.chmod(path, parseMode(mode), { syscall: "chmod", path }),
    access: async (path, mode = 0) => await reads.access(path, mode, { syscall: "access", path }),
    async copyFile(source, destination, mode = 0) {
      const site = { syscall: "copyfile", path: source, dest: destination };
      await copies.copyFile(source, destination, site, { exclusive: (mode & 1) !== 0 });
    },
    realpath: async (path) => await reads.realPath(path, { syscall: "realpath", path }),
    async utimes(path) {
      // Times are not stored: git keeps none for files. The path must exist, as node wants.
      await reads.find(path, { syscall: "utime", path }, true);
    },
    truncate: async (path, length = 0) => await writes.truncate(path, length, { syscall: "open", path }),
  };
}

const ROOT: TreeNode = { kind: "dir", base: null, changes: new Map(), epoch: 0, mtimeMs: 0 };

async function readDirectory(
  reads: ReadCalls,
  path: string,
  options: { readonly withFileTypes?: boolean; readonly recursive?: boolean },
): Promise<string[] | MountDirent[]> {
  checkPath(path);
  const site = { syscall: "scandir", path };
  const top = path.length > 1 ? path.replace(/\/+$/, "") || "/" : path;
  const names: string[] = [];
  const entries: MountDirent[] = [];
  const pending = [""];
  for (let inside = pending.shift(); inside !== undefined; inside = pending.shift()) {
    const directory = inside === "" ? path : `${top === "/" ? "" : top}/${inside}`;
    for (const { name, node } of await reads.list(directory, site)) {
      const below = inside === "" ? name : `${inside}/${name}`;
      if (options.withFileTypes) entries.push(new MountDirent(name, directory, node));
      else names.push(below);
      if (options.recursive && isDirectory(node)) pending.push(below);
    }
  }
  return options.withFileTypes ? entries : names;
}

/** rm: a file or link, or with `recursive` a directory; with `force` a missing path is no error. */
async function removeAny(
  reads: ReadCalls,
  writes: WriteCalls,
  path: string,
  options: { readonly recursive?: boolean; readonly force?: boolean },
): Promise<void> {
  try {
    const found = await reads.find(path, { syscall: "lstat", path }, false);
    const directory = found === null || isDirectory(found.node);
    if (directory && !options.recursive) {
      throw new MountPathError(
        "ERR_FS_EISDIR",
        `Path is a directory: rm returned EISDIR (is a directory) ${path}`,
        {
          errno: 21,
          syscall: "rm",
          path,
        },
      );
    }
    await writes.removeTree(path, { syscall: "rm", path });
  } catch (error) {
    if (options.force && error instanceof MountPathError && error.code === "ENOENT") return;
    throw error;
  }
}
