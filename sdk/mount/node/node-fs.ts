import type { WriteMode } from "../calls/write-calls.ts";
import { type CallSite, errnoError } from "../kernel/errno.ts";
import { decodeText } from "../kernel/text.ts";
import { childNames, isDirectory } from "../tree/nodes.ts";
import { readData } from "./arguments/file-data.ts";
import { copyBytes } from "./shapes/bytes.ts";
import type { Calls } from "./shapes/calls.ts";
import { constants } from "./shapes/constants.ts";
import type { Bytes, NodeFsPromises, StatOptions } from "./shapes/node-types.ts";
import { MountDirent, type MountStats } from "./shapes/stats.ts";
import { statsAt } from "./shapes/stats-at.ts";

export type { Calls } from "./shapes/calls.ts";
export type { NodeFsPromises } from "./shapes/node-types.ts";

/** Loaded when first needed: what is rarely called, and every argument that is not of the plainest form. */
const rare = () => import("./rare-calls.ts");

/** Calls that live there whole. */
const RARE = [
  "mkdir",
  "rm",
  "rmdir",
  "readlink",
  "symlink",
  "chmod",
  "copyFile",
  "realpath",
  "truncate",
  "utimes",
  "lutimes",
  "chown",
  "lchown",
  "lchmod",
  "link",
  "mkdtemp",
  "statfs",
] as const;

/** How a file is to be read when nothing but an encoding is asked for; null: by the rare way. */
function plainEncoding(options: unknown): "bytes" | "utf8" | null {
  let encoding = options;
  if (typeof options === "object" && options !== null) {
    if ("signal" in options || "flag" in options) return null;
    encoding = "encoding" in options ? options.encoding : null;
  }
  if (encoding === undefined || encoding === null) return "bytes";
  return encoding === "utf8" || encoding === "utf-8" ? "utf8" : null;
}

const PLAIN_FLAGS: Readonly<Record<string, WriteMode>> = {
  w: {},
  a: { append: true },
  wx: { exclusive: true },
  ax: { append: true, exclusive: true },
};

/** How a file is to be written when no more is asked for than a common flag and a mode; null: by the rare way. */
function plainWrite(options: unknown, flag: "w" | "a"): WriteMode | null {
  if (typeof options !== "object" || options === null)
    return plainEncoding(options) === null ? null : (PLAIN_FLAGS[flag] ?? null);
  if ("signal" in options || "flush" in options) return null;
  const given: { encoding?: unknown; flag?: unknown; mode?: unknown } = options;
  if (plainEncoding(given.encoding) === null || !isPlainMode(given.mode)) return null;
  const mode = PLAIN_FLAGS[String(given.flag ?? flag)] ?? null;
  return mode === null ? null : { ...mode, executable: ((given.mode ?? 0) & 0o100) !== 0 };
}

function isPlainMode(mode: unknown): mode is number | undefined {
  return (
    mode === undefined || (typeof mode === "number" && mode >= 0 && mode <= 0o7777 && Number.isInteger(mode))
  );
}

function isPlainPath(path: unknown): path is string {
  return typeof path === "string" && !path.includes("\0");
}

/** A path as text. Rejects as node does when it is none. */
async function pathOf(path: unknown, name = "path"): Promise<string> {
  if (isPlainPath(path)) return path;
  return (await import("./arguments/path-argument.ts")).parsePathArgument(path, name);
}

/** Makes the node-shaped face over a mount's calls. Every method is its own closure, so it works detached. */
export function createNodeFs(calls: Calls): NodeFsPromises {
  const { context, reads, writes } = calls;

  const statSlowly = async (path: unknown, syscall: string, options: StatOptions | undefined) => {
    if (options?.bigint || options?.throwIfNoEntry === false)
      return (await rare()).statRarely(calls, await pathOf(path), syscall, options);
    const text = await pathOf(path);
    return statsAt(context, await reads.find(text, { syscall, path: text }, syscall === "stat"));
  };
  /** At once when the path is one of the tree's: a stat is one lookup and one object. */
  const stat = (path: unknown, syscall: "stat" | "lstat", options: StatOptions | undefined) => {
    const found =
      typeof path === "string" && !options?.bigint ? context.findDirect(path, syscall === "stat") : null;
    return found === null ? statSlowly(path, syscall, options) : statsAt(context, found);
  };

  const readSlowly = async (path: unknown, encoding: "bytes" | "utf8"): Promise<Bytes | string> => {
    const text = await pathOf(path);
    const site = { syscall: "open", path: text };
    const found = await reads.find(text, site, true);
    if (found === null || isDirectory(found.node)) throw errnoError("EISDIR", { syscall: "read" });
    const blob = await context.read(found, site);
    return encoding === "bytes" ? copyBytes(blob.bytes) : decodeText(blob.bytes);
  };
  const readFile = (path: unknown, options: unknown) => {
    const encoding = plainEncoding(options);
    if (encoding === null) return rare().then((module) => module.readFile(calls, path, options));
    const found = typeof path === "string" ? context.findDirect(path, true) : null;
    const blob = found === null ? null : context.findBlob(found.node);
    if (blob !== null) return encoding === "bytes" ? copyBytes(blob.bytes) : reads.textOf(blob);
    if (typeof path === "object") return rare().then((module) => module.readFile(calls, path, options));
    return readSlowly(path, encoding);
  };

  const write = async (path: unknown, data: unknown, options: unknown, flag: "w" | "a"): Promise<void> => {
    const mode = plainWrite(options, flag);
    if (mode !== null && isPlainPath(path) && (typeof data === "string" || ArrayBuffer.isView(data))) {
      // A piece at hand is read at once.
      await writes.writeFile(path, readData(data) as Uint8Array, { syscall: "open", path }, mode);
    } else {
      await (await rare()).writeFile(calls, { path, data, options }, flag);
    }
  };

  const readdir = async (path: unknown, options: unknown) => {
    const plain = options === undefined || options === null || options === "utf8";
    const given: { encoding?: unknown; recursive?: unknown; withFileTypes?: unknown } =
      typeof options === "object" && options !== null ? options : {};
    const typed = given.withFileTypes === true;
    if (!(plain || typeof options === "object") || given.recursive || plainEncoding(given.encoding) === null)
      return (await rare()).readdir(calls, path, options);
    const direct = typed || typeof path !== "string" ? null : context.findDirect(path, true);
    if (direct !== null && isDirectory(direct.node)) return childNames(direct.node);
    const text = await pathOf(path);
    const listed = await reads.list(text, { syscall: "scandir", path: text });
    return listed.map(({ name, node }) => (typed ? new MountDirent(name, text, node) : name));
  };

  /** A call of one path. */
  const onPath =
    (syscall: string, call: (path: string, site: CallSite, value: unknown) => Promise<unknown>) =>
    async (path: unknown, value?: unknown) => {
      const text = await pathOf(path);
      return call(text, { syscall, path: text }, value);
    };

  const face: Record<string, unknown> = {
    constants,
    readFile: async (path: unknown, options: unknown): Promise<Bytes | string> => readFile(path, options),
    stat: async (path: unknown, options?: StatOptions): Promise<MountStats | unknown> =>
      stat(path, "stat", options),
    lstat: async (path: unknown, options?: StatOptions): Promise<MountStats | unknown> =>
      stat(path, "lstat", options),
    readdir: async (path: unknown, options: unknown) => readdir(path, options),
    writeFile: async (path: unknown, data: unknown, options: unknown) => write(path, data, options, "w"),
    appendFile: async (path: unknown, data: unknown, options: unknown) => write(path, data, options, "a"),
    unlink: onPath("unlink", (path, site) => writes.unlink(path, site)),
    access: async (path: unknown, mode: unknown = 0) => {
      if (typeof path !== "string" || typeof mode !== "number")
        return (await rare()).access(calls, path, mode);
      const text = await pathOf(path);
      return reads.access(text, mode, { syscall: "access", path: text });
    },
    rename: async (oldPath: unknown, newPath: unknown) => {
      const site = {
        syscall: "rename",
        path: await pathOf(oldPath, "oldPath"),
        dest: await pathOf(newPath, "newPath"),
      };
      return writes.rename(site.path, site.dest, site);
    },
    open: async (path: unknown, flags: unknown, mode: unknown) =>
      (await import("./handles/open-file.ts")).open(calls, path, { flags, mode }),
    opendir: async (path: unknown, options: unknown) =>
      (await import("./directories/opendir.ts")).opendir(calls, path, options),
    cp: async (source: unknown, destination: unknown, options: unknown) =>
      (await import("./copies/cp.ts")).cp(promises, { source, destination }, options),
    glob: (pattern: unknown, options: unknown) =>
      later(async () => (await import("./directories/glob.ts")).glob(calls, pattern, options)),
    watch: (path: unknown, options: unknown) =>
      later(async () => {
        const since = new Map(context.table.volumes.map((volume) => [volume, volume.editor.freeze()]));
        return (await import("./changes/watch.ts")).watch(calls, path, options, since);
      }),
  };
  for (const name of RARE)
    face[name] = async (...values: readonly unknown[]) => (await rare()).RARE_CALLS[name]?.(calls, ...values);
  // Which overload a call has is told by its arguments when it is made; each is checked against node in the suite.
  const promises = face as unknown as NodeFsPromises;
  return promises;
}

/** An iterator that is made at its first step, in a module that is loaded then. */
function later<T>(make: () => Promise<AsyncIterator<T>>): AsyncIterableIterator<T> {
  let made: Promise<AsyncIterator<T>> | null = null;
  const iterator = () => {
    made ??= make();
    return made;
  };
  let begun = false;
  return {
    next: async () => {
      begun = true;
      return (await iterator()).next();
    },
    async return(value?: unknown) {
      if (!begun) made = Promise.resolve(EMPTY);
      await (await iterator()).return?.(value);
      return { done: true, value };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const EMPTY: AsyncIterator<never> = {
  next: async () => ({ done: true, value: undefined }),
};
