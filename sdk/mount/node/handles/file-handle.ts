import { type CallSite, errnoError } from "../../kernel/errno.ts";
import { abortError, codeError, typeError } from "../arguments/argument-errors.ts";
import { checkBoolean, checkInteger, checkOwner, checkTime, parseMode } from "../arguments/check-values.ts";
import {
  type Encoding,
  formatBytes,
  parseBytes,
  parseOptions,
  unknownEncoding,
} from "../arguments/encoding.ts";
import { BigStats } from "../shapes/big-stats.ts";
import { copyBytes } from "../shapes/bytes.ts";
import type { Calls } from "../shapes/calls.ts";
import type { Bytes, NodeStream, StatOptions, StreamOptions } from "../shapes/node-types.ts";
import type { MountStats } from "../shapes/stats.ts";
import { answer, bytesOfView, checkViews, parseRead, parseWrite } from "./buffer-arguments.ts";
import type { FileContent } from "./file-content.ts";
import { openReadStream, openWriteStream, streamFile } from "./file-streams.ts";
import { Listeners } from "./listeners.ts";
import { readLines } from "./read-lines.ts";

/** What a handle was opened for. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
  readonly append: boolean;
}

/** Numbers of the open handles of every mount; the lowest free one is given, as a kernel does. */
const numbers = new Set<number>([0, 1, 2]);

function takeNumber(): number {
  let number = 3;
  while (numbers.has(number)) number += 1;
  numbers.add(number);
  return number;
}

/** node's FileHandle over an open file of a mount. */
export class MountFileHandle extends Listeners {
  readonly #content: FileContent;
  readonly #context: Calls["context"];
  readonly #access: Access;
  #fd = takeNumber();
  #position = 0;
  #running = 0;
  #idle: (() => void) | null = null;
  #closing: Promise<void> | null = null;
  #streams = false;

  constructor(calls: Calls, content: FileContent, access: Access) {
    super();
    this.#context = calls.context;
    this.#content = content;
    this.#access = access;
  }

  get fd(): number {
    return this.#fd;
  }

  read(first?: unknown, offset?: unknown, length?: unknown, position?: unknown) {
    return this.#call("read", async (site) => {
      const { buffer, ...into } = parseRead(first, offset, length, position);
      if (into.length === 0) return answer({ bytesRead: 0, buffer });
      const bytes = await this.#read(into.length, into.position, site);
      bytesOfView(buffer).set(bytes, into.offset);
      return answer({ bytesRead: bytes.length, buffer });
    });
  }

  readv(buffers: unknown, position?: unknown) {
    return this.#call("readv", async (site) => {
      checkViews(buffers);
      const at = typeof position === "number" ? position : null;
      const total = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
      const bytes = await this.#read(total, at, { ...site, syscall: "read" });
      let done = 0;
      for (const buffer of buffers) {
        const part = bytes.subarray(done, done + buffer.byteLength);
        bytesOfView(buffer).set(part);
        done += part.length;
      }
      return answer({ bytesRead: bytes.length, buffers });
    });
  }

  write(data: unknown, offset?: unknown, length?: unknown, position?: unknown) {
    return this.#call("write", async (site) => {
      if (ArrayBuffer.isView(data)) {
        if (data.byteLength === 0) return answer({ bytesWritten: 0, buffer: data });
        const from = parseWrite(data, offset, length, position);
        const bytes = bytesOfView(data).slice(from.offset, from.offset + from.length);
        await this.#write(bytes, from.position, site);
        return answer({ bytesWritten: bytes.length, buffer: data });
      }
      if (typeof data !== "string")
        throw typeError("buffer", "of type string or an instance of Buffer, TypedArray, or DataView", data);
      const bytes = parseBytes(data, length);
      await this.#write(bytes, typeof offset === "number" ? offset : null, site);
      return answer({ bytesWritten: bytes.length, buffer: data });
    });
  }

  writev(buffers: unknown, position?: unknown) {
    return this.#call("writev", async (site) => {
      checkViews(buffers);
      let at = typeof position === "number" ? position : null;
      let bytesWritten = 0;
      for (const buffer of buffers) {
        const bytes = bytesOfView(buffer).slice();
        await this.#write(bytes, at, { ...site, syscall: "write" });
        bytesWritten += bytes.length;
        if (at !== null) at += bytes.length;
      }
      return answer({ bytesWritten, buffers });
    });
  }

  /** From where the last read ended to the end of the file. */
  readFile(options?: unknown): Promise<Bytes | string> {
    return this.#call("readFile", async () => {
      const { encoding, signal } = parseOptions(options);
      if (encoding === "buffer") throw unknownEncoding(encoding);
      if (signal?.aborted) throw abortError(signal);
      const read = this.#read(Number.MAX_SAFE_INTEGER - this.#position, null, { syscall: "read" });
      const bytes = await untilAborted(read, signal);
      return encoding === null ? copyBytes(bytes) : formatBytes(bytes, encoding);
    });
  }

  /** Where the last write ended; the file is not emptied first. */
  writeFile(data: unknown, options?: unknown): Promise<void> {
    return this.#call("writeFile", async () => {
      const { encoding, signal, flush = false } = parseOptions(options);
      checkBoolean(flush, "options.flush");
      if (signal?.aborted) throw abortError(signal);
      for await (const bytes of piecesOf(data, encoding)) {
        if (signal?.aborted) throw abortError(signal);
        await this.#write(bytes, null, { syscall: "write" });
      }
      if (signal?.aborted) throw abortError(signal);
      if (flush) await this.#content.save();
    });
  }

  appendFile(data: unknown, options?: unknown): Promise<void> {
    return this.writeFile(data, options);
  }

  stat(options?: StatOptions): Promise<MountStats | BigStats> {
    return this.#call("fstat", async () => {
      const stats = this.#content.stats();
      return options?.bigint ? new BigStats(stats) : stats;
    });
  }

  truncate(length: unknown = 0): Promise<void> {
    return this.#call("ftruncate", async (site) => {
      const size = length ?? 0;
      checkInteger(size, "len");
      if (!this.#access.write || this.#content.isDirectory) throw errnoError("EINVAL", site);
      await this.#content.truncate(Math.max(0, size), site);
    });
  }

  chmod(mode: unknown): Promise<void> {
    return this.#call("fchmod", async (site) => await this.#content.chmod(parseMode(mode, "mode"), site));
  }

  chown(uid: unknown, gid: unknown): Promise<void> {
    return this.#call("fchown", async () => checkOwner(uid, gid));
  }

  utimes(atime: unknown, mtime: unknown): Promise<void> {
    return this.#call("futimes", async () => {
      checkTime(atime, "atime");
      checkTime(mtime, "mtime");
    });
  }

  sync(): Promise<void> {
    return this.#call("fsync", async () => await this.#content.save());
  }

  datasync(): Promise<void> {
    return this.#call("fdatasync", async () => await this.#content.save());
  }

  readLines(options?: StreamOptions) {
    return readLines(this, options);
  }

  createReadStream(options?: StreamOptions): NodeStream {
    return openReadStream(this, options);
  }

  createWriteStream(options?: StreamOptions): NodeStream {
    return openWriteStream(this, options);
  }

  readableWebStream(options: { readonly autoClose?: boolean } = {}): ReadableStream {
    if (this.#fd === -1) throw codeError("ERR_INVALID_STATE", "Invalid state: The FileHandle is closed");
    if (this.#closing) throw codeError("ERR_INVALID_STATE", "Invalid state: The FileHandle is closing");
    if (this.#streams) throw codeError("ERR_INVALID_STATE", "Invalid state: The FileHandle is locked");
    this.#streams = true;
    return streamFile(this, options.autoClose ?? false);
  }

  /** Waits for the calls that are under way. Closing again is no error. */
  readonly close = async (): Promise<void> => {
    if (this.#fd === -1 && this.#closing === null) return;
    this.#closing ??= this.#close();
    await this.#closing;
  };

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    numbers.delete(this.#fd);
    this.#fd = -1;
    this.emit("close");
    if (this.#running > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    try {
      await this.#content.close();
    } finally {
      this.#closing = null;
    }
  }

  async #call<T>(name: string, work: (site: CallSite) => Promise<T>): Promise<T> {
    if (this.#fd === -1) throw Object.assign(new Error("file closed"), { code: "EBADF", syscall: name });
    this.#running += 1;
    try {
      const syscall = SYSCALLS[name] ?? name;
      this.#context.checkOpen({ syscall });
      return await work({ syscall });
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#idle?.();
    }
  }

  /** The part of the file is taken before anything waits, so that reads that run together do not overlap. */
  async #read(length: number, position: number | null, site: CallSite): Promise<Uint8Array> {
    if (!this.#access.read) throw errnoError("EBADF", site);
    if (position !== null) return await this.#content.read(position, length, site);
    const start = this.#position;
    this.#position = Math.max(start, Math.min(start + length, this.#content.size));
    return await this.#content.read(start, this.#position - start || 1, site);
  }

  async #write(bytes: Uint8Array, position: number | null, site: CallSite): Promise<void> {
    if (!this.#access.write) throw errnoError("EBADF", site);
    if (this.#access.append) {
      // It goes to the end whatever the position is; only a write without one moves on.
      const end = await this.#content.write(null, bytes, site);
      if (position === null) this.#position = end;
      return;
    }
    const start = position ?? this.#position;
    if (position === null) this.#position += bytes.length;
    await this.#content.write(start, bytes, site);
  }
}

/** Where the name of a call is not that of its system call. */
const SYSCALLS: Readonly<Record<string, string>> = { futimes: "futime" };

async function* piecesOf(data: unknown, encoding: Encoding | "buffer" | null): AsyncGenerator<Uint8Array> {
  if (typeof data === "string") yield parseBytes(data, encoding);
  else if (ArrayBuffer.isView(data)) yield bytesOfView(data).slice();
  else if (isIterable(data)) {
    for await (const piece of data) {
      if (ArrayBuffer.isView(piece)) yield bytesOfView(piece).slice();
      else if (typeof piece === "string") yield parseBytes(piece, encoding);
      else
        throw typeError(
          "first argument",
          "of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object",
          piece,
        );
    }
  } else throw typeError("data", "of type string or an instance of Buffer, TypedArray, or DataView", data);
}

function isIterable(data: unknown): data is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof data === "object" && data !== null && (Symbol.asyncIterator in data || Symbol.iterator in data)
  );
}

/** Gives up waiting when the signal aborts; the work itself goes on for others that share it. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
