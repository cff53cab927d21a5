import { MountError, MountPathError } from "../../errors.ts";
import { type CallSite, errnoError } from "../kernel/errno.ts";
import { decodeText } from "../kernel/text.ts";
import { isDirectory } from "../tree/nodes.ts";
import { abortError, codeError, typeError } from "./arguments/argument-errors.ts";
import {
  checkBoolean,
  checkInteger,
  checkObject,
  checkOwner,
  checkTime,
  parseMode,
} from "./arguments/check-values.ts";
import { encodeName, formatBytes, parseOptions, unknownEncoding } from "./arguments/encoding.ts";
import { parsePathArgument } from "./arguments/path-argument.ts";
import { readDirectory } from "./directories/read-directory.ts";
import { MountFileHandle, untilAborted } from "./handles/file-handle.ts";
import { open } from "./handles/open-file.ts";
import { BigStats, type StatFs } from "./shapes/big-stats.ts";
import { copyBytes } from "./shapes/bytes.ts";
import type { Calls } from "./shapes/calls.ts";
import type { Bytes, StatOptions } from "./shapes/node-types.ts";
import type { MountStats } from "./shapes/stats.ts";
import { statsAt } from "./shapes/stats-at.ts";

/** One path as text and where it is used. */
function siteOf(path: unknown, syscall: string): CallSite & { readonly path: string } {
  return { syscall, path: parsePathArgument(path, "path") };
}

/** The forms of stat that are not the common one: BigIntStats, and undefined for what is not there. */
export async function statRarely(
  { context, reads }: Calls,
  path: string,
  syscall: string,
  options: StatOptions,
): Promise<MountStats | BigStats | undefined> {
  try {
    const stats = statsAt(context, await reads.find(path, { syscall, path }, syscall === "stat"));
    return options.bigint ? new BigStats(stats) : stats;
  } catch (error) {
    const missing = error instanceof MountError && (error.code === "ENOENT" || error.code === "ENOTDIR");
    if (options.throwIfNoEntry === false && missing) return undefined;
    throw error;
  }
}

/** Reads with any encoding, signal or flag, from a path or an open handle. */
export async function readFile(calls: Calls, path: unknown, options: unknown): Promise<Bytes | string> {
  const given = parseOptions(options);
  if (path instanceof MountFileHandle) return await path.readFile(options);
  const { encoding, signal, flag } = given;
  if (signal?.aborted) throw abortError(signal);
  if (flag !== undefined && flag !== null && flag !== "r" && flag !== "") {
    const handle = await open(calls, path, { flags: flag, mode: 0o666 });
    return await closeAfter(handle, () => handle.readFile(given as object) as Promise<Bytes | string>); // Checked above.
  }
  const site = siteOf(path, "open");
  const found = await calls.reads.find(site.path, site, true);
  if (found === null || isDirectory(found.node)) throw errnoError("EISDIR", { syscall: "read" });
  if (encoding === "buffer") throw unknownEncoding(encoding);
  const { bytes } = await untilAborted(Promise.resolve(calls.context.read(found, site)), signal);
  if (encoding === null) return copyBytes(bytes);
  return encoding === "utf8" ? decodeText(bytes) : formatBytes(bytes, encoding);
}

/** Writes with any encoding, signal, flag or kind of data, to a path or an open handle. */
export async function writeFile(
  calls: Calls,
  { path, data, options }: { readonly path: unknown; readonly data: unknown; readonly options: unknown },
  defaultFlag: "w" | "a",
): Promise<void> {
  const given = parseOptions(options);
  const { encoding, signal, flush = false } = given;
  checkBoolean(flush, "options.flush");
  if (typeof data !== "string" && !ArrayBuffer.isView(data) && !isIterable(data))
    throw typeError("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
  if (typeof data === "string" && encoding === "buffer") throw unknownEncoding(encoding);
  if (path instanceof MountFileHandle) return await path.writeFile(data, options);
  if (signal?.aborted) throw abortError(signal);
  const handle = await open(calls, path, { flags: given.flag || defaultFlag, mode: given.mode ?? 0o666 });
  // A handle takes the same data and options, which have been checked.
  await closeAfter(handle, () => (handle as unknown as MountFileHandle).writeFile(data, options));
}

function isIterable(data: unknown): boolean {
  return (
    typeof data === "object" && data !== null && (Symbol.asyncIterator in data || Symbol.iterator in data)
  );
}

async function closeAfter<T>(handle: { close(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await handle.close();
  }
}

export async function readdir(calls: Calls, path: unknown, options: unknown) {
  return await readDirectory(calls, path, parseOptions(options));
}

export async function access({ reads }: Calls, path: unknown, mode: unknown): Promise<void> {
  const site = siteOf(path, "access");
  const wanted = mode ?? 0;
  checkInteger(wanted, "mode", 0, 7);
  await reads.access(site.path, wanted, site);
}

async function mkdir({ writes }: Calls, path: unknown, options: unknown): Promise<string | undefined> {
  const given: { readonly recursive?: unknown; readonly mode?: unknown } =
    typeof options === "object" && options !== null ? options : { mode: options ?? undefined };
  const site = siteOf(path, "mkdir");
  const recursive = given.recursive ?? false;
  checkBoolean(recursive, "options.recursive");
  parseMode(given.mode, "mode", 0o777);
  const made = await writes.mkdir(site.path, site, { recursive });
  return recursive ? made : undefined;
}

/** What rm and rmdir take. Nothing here is ever busy, so that a retry would find the same; the numbers are checked. */
function parseRemove(options: unknown): { readonly recursive: boolean; readonly force: boolean } {
  if (options !== undefined) checkObject(options, "options");
  const given: Readonly<Record<string, unknown>> = { ...options };
  const { recursive = false, force = false, retryDelay = 100, maxRetries = 0 } = given;
  checkBoolean(recursive, "options.recursive");
  checkInteger(retryDelay, "options.retryDelay", 0, 2 ** 31 - 1);
  checkInteger(maxRetries, "options.maxRetries", 0, 2 ** 32 - 1);
  checkBoolean(force, "options.force");
  return { recursive, force };
}

/** A file or link, or with `recursive` a directory; with `force` a missing path is no error. */
async function rm({ reads, writes }: Calls, path: unknown, options: unknown): Promise<void> {
  const site = siteOf(path, "lstat");
  const { recursive, force } = parseRemove(options);
  try {
    const found = await reads.find(site.path, site, false);
    if (!recursive && (found === null || isDirectory(found.node))) throw directoryError(site.path);
    await writes.removeTree(site.path, { ...site, syscall: "unlink" });
  } catch (error) {
    if (force && error instanceof MountPathError && error.code === "ENOENT") return;
    throw error;
  }
}

function directoryError(path: string): MountPathError {
  const message = `Path is a directory: rm returned EISDIR (is a directory) ${path}`;
  return new MountPathError("ERR_FS_EISDIR", message, { errno: 21, syscall: "rm", path });
}

async function rmdir(calls: Calls, path: unknown, options: unknown): Promise<void> {
  const site = siteOf(path, "rmdir");
  const { recursive } = parseRemove(options);
  if (!recursive) return await calls.writes.rmdir(site.path, site);
  const found = await calls.reads.find(site.path, { ...site, syscall: "stat" }, true);
  if (found !== null && isDirectory(found.node)) return await rm(calls, site.path, { recursive });
  await calls.writes.rmdir(site.path, site);
}

async function readlink({ reads }: Calls, path: unknown, options: unknown): Promise<string | Bytes> {
  const { encoding } = parseOptions(options);
  const text = parsePathArgument(path, "oldPath");
  return encodeName(await reads.readLink(text, { syscall: "readlink", path: text }), encoding);
}

async function symlink(
  { writes }: Calls,
  givenTarget: unknown,
  givenPath: unknown,
  type: unknown,
): Promise<void> {
  const target = parsePathArgument(givenTarget, "target");
  const path = parsePathArgument(givenPath, "path");
  if (typeof type === "string" && !["dir", "file", "junction"].includes(type)) {
    throw codeError(
      "ERR_FS_INVALID_SYMLINK_TYPE",
      `Symlink type must be one of "dir", "file", or "junction". Received "${type}"`,
    );
  }
  await writes.symlink(target, path, { syscall: "symlink", path: target, dest: path });
}

async function chmod({ writes }: Calls, path: unknown, mode: unknown): Promise<void> {
  const site = siteOf(path, "chmod");
  await writes.chmod(site.path, parseMode(mode, "mode"), site);
}

async function copyFile(
  { copies }: Calls,
  source: unknown,
  destination: unknown,
  mode: unknown,
): Promise<void> {
  const path = parsePathArgument(source, "src");
  const dest = parsePathArgument(destination, "dest");
  const wanted = mode ?? 0;
  checkInteger(wanted, "mode", 0, 7);
  const site = { syscall: "copyfile", path, dest };
  await (await copies()).copyFile(path, dest, site, { exclusive: (wanted & 1) !== 0 });
}

async function realpath({ reads }: Calls, path: unknown, options: unknown): Promise<string | Bytes> {
  const { encoding } = parseOptions(options);
  const site = siteOf(path, "realpath");
  return encodeName(await reads.realPath(site.path, site), encoding);
}

async function truncate({ reads, writes }: Calls, path: unknown, length: unknown): Promise<void> {
  const site = siteOf(path, "open");
  const size = length ?? 0;
  // A path that cannot be opened is told before a length that is none.
  if (!Number.isInteger(size)) {
    const found = await reads.find(site.path, site, true);
    if (found === null || isDirectory(found.node)) throw errnoError("EISDIR", site);
  }
  checkInteger(size, "len");
  await writes.truncate(site.path, Math.max(0, size), site);
}

/** The file must be there and the times must be times; git keeps none of files. */
async function utimes(calls: Calls, path: unknown, ...times: readonly unknown[]): Promise<void> {
  await checkTimes(calls, siteOf(path, "utime"), times);
}

async function lutimes(calls: Calls, path: unknown, ...times: readonly unknown[]): Promise<void> {
  await checkTimes(calls, siteOf(path, "lutime"), times);
}

async function checkTimes({ reads }: Calls, site: CallSite, times: readonly unknown[]): Promise<void> {
  for (const time of times) checkTime(time);
  await reads.find(site.path, site, site.syscall === "utime");
}

async function chown(calls: Calls, path: unknown, uid: unknown, gid: unknown): Promise<void> {
  await checkOwned(calls, siteOf(path, "chown"), [uid, gid]);
}

async function lchown(calls: Calls, path: unknown, uid: unknown, gid: unknown): Promise<void> {
  await checkOwned(calls, siteOf(path, "lchown"), [uid, gid]);
}

/** The file must be there and the ids must be ids; git keeps no owners. */
async function checkOwned({ reads }: Calls, site: CallSite, [uid, gid]: readonly unknown[]): Promise<void> {
  checkOwner(uid, gid);
  await reads.find(site.path, site, site.syscall === "chown");
}

async function lchmod(): Promise<never> {
  throw codeError("ERR_METHOD_NOT_IMPLEMENTED", "The lchmod() method is not implemented");
}

/** What link(2) answers on a filesystem that has no hard links. */
async function link({ reads }: Calls, existingPath: unknown, newPath: unknown): Promise<void> {
  const path = parsePathArgument(existingPath, "existingPath");
  const dest = parsePathArgument(newPath, "newPath");
  const site = { syscall: "link", path, dest };
  await reads.find(path, site, false);
  if (await reads.exists(dest, site)) throw errnoError("EEXIST", site);
  throw errnoError("EPERM", site);
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const MAX_TRIES = 100;

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join("");
}

async function mkdtemp({ writes }: Calls, prefix: unknown, options: unknown): Promise<string | Bytes> {
  const { encoding } = parseOptions(options);
  const text = parsePathArgument(prefix, "prefix");
  const site = { syscall: "mkdtemp", path: `${text}XXXXXX` };
  for (let tries = 1; ; tries += 1) {
    const path = text + randomName();
    try {
      await writes.mkdir(path, site, { recursive: false });
      return encodeName(path, encoding);
    } catch (error) {
      const taken = error instanceof MountError && error.code === "EEXIST";
      if (!taken || tries === MAX_TRIES) throw error;
    }
  }
}

const BLOCK_BYTES = 4_096;
/** As much as anybody may write: a mount's room is the server's. */
const FREE_BLOCKS = 2 ** 30;

async function statfs(
  { context, reads }: Calls,
  path: unknown,
  options: unknown,
): Promise<StatFs<number> | StatFs<bigint>> {
  const site = siteOf(path, "statfs");
  await reads.find(site.path, site, true);
  const files = context.table.volumes.reduce((sum, { base }) => sum + base.size, 0);
  let bytes = 0;
  for (const { base } of context.table.volumes) {
    for (let row = 1; row <= base.size; row += 1) bytes += base.sizeAt(row);
  }
  const used = Math.ceil(bytes / BLOCK_BYTES);
  const stats: StatFs<number> = {
    type: 0x6769_7466, // "gitf"
    bsize: BLOCK_BYTES,
    blocks: used + FREE_BLOCKS,
    bfree: FREE_BLOCKS,
    bavail: FREE_BLOCKS,
    files,
    ffree: FREE_BLOCKS,
  };
  const { bigint = false } = typeof options === "object" && options !== null ? (options as StatOptions) : {};
  if (!bigint) return stats;
  const big = Object.fromEntries(Object.entries(stats).map(([name, value]) => [name, BigInt(value)]));
  return big as unknown as StatFs<bigint>; // Name for name what it was made from.
}

/** The calls whose whole work is here, by node's names. Each checks what it is given, so all are given anything. */
export const RARE_CALLS = {
  mkdir,
  rm,
  rmdir,
  readlink,
  symlink,
  chmod,
  copyFile,
  realpath,
  truncate,
  utimes,
  lutimes,
  chown,
  lchown,
  lchmod,
  link,
  mkdtemp,
  statfs,
} satisfies Record<string, (calls: Calls, ...values: never[]) => Promise<unknown>> as unknown as Record<
  string,
  (calls: Calls, ...values: readonly unknown[]) => Promise<unknown>
>;
