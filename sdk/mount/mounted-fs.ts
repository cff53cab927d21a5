import { MountError } from "../errors.ts";
import type { CacheStats } from "./blobs/content-source.ts";
import type { CallContext } from "./calls/call-context.ts";
import { CopyCalls } from "./calls/copy-calls.ts";
import { matchFiles, parsePatterns, routeGlobs } from "./calls/glob-calls.ts";
import { type PrefetchOptions, type PrefetchResult, prefetchFiles } from "./calls/prefetch-calls.ts";
import { ReadCalls } from "./calls/read-calls.ts";
import { type AfterWrite, WriteCalls, type WriteMode } from "./calls/write-calls.ts";
import type { Saver, UnsavedChange } from "./commit/saver.ts";
import { type CallSite, errnoError } from "./kernel/errno.ts";
import type { RemoteIdentity } from "./kernel/remote.ts";
import { formatBytes } from "./node/encoding.ts";
import { type FileData, readData } from "./node/file-data.ts";
import { createNodeFs, type NodeFsPromises } from "./node/node-fs.ts";
import {
  addTypeChecks,
  type DirectoryItem,
  type FileStat,
  formatItem,
  formatStat,
  readSha,
  type TypedDirectoryItem,
} from "./shapes.ts";

/** `"binary"` gives bytes; any other encoding of node's gives text, UTF-8 when none is named. */
export type ReadEncoding = "binary" | "utf8" | "utf-8" | "latin1" | "hex" | "base64";

/** One file for `writeFiles`. */
export interface FileToWrite {
  readonly path: string;
  readonly content: FileData;
  /** New files are made executable. */
  readonly executable?: boolean;
}

/**
 * Repositories as a filesystem. Reads see one commit and, on top of it, everything that this mount has written; the
 * listing is in memory, so stat, readdir, glob and missing paths cost no request, and contents are fetched in batches
 * and kept by their ids.
 *
 * Paths are `/<slug>/…`; a mount of one repository takes `/…` too. Directories on the way to a written path are made as
 * needed. `promises` is the same mount in the exact shape of `node:fs/promises`.
 *
 * @example
 * const fs = await cg.fs.mount({ repos: [{ slug: "my-app" }], branch: "main" });
 * await fs.writeFile("/my-app/notes.md", "# Notes\n");
 * console.log(await fs.readFile("/my-app/notes.md"));
 * await fs.commit({ message: "Add notes" });
 * await fs.unmount();
 */
export class MountedFS {
  readonly promises: NodeFsPromises;
  readonly #context: CallContext;
  readonly #saver: Saver;
  readonly #reads: ReadCalls;
  readonly #writes: WriteCalls;
  readonly #copies: CopyCalls;

  constructor(context: CallContext, saver: Saver) {
    this.#context = context;
    this.#saver = saver;
    this.#reads = new ReadCalls(context);
    const afterWrite: AfterWrite = (volume, paths) => saver.save(volume, paths);
    this.#writes = new WriteCalls(context, afterWrite);
    this.#copies = new CopyCalls(context, afterWrite);
    this.promises = createNodeFs({ reads: this.#reads, writes: this.#writes, copies: this.#copies });
  }

  /** A file's text; bytes with `{ encoding: "binary" }`. */
  readFile(
    path: string,
    options: "binary" | { readonly encoding: "binary"; readonly signal?: AbortSignal },
  ): Promise<Uint8Array>;
  readFile(
    path: string,
    options?: ReadEncoding | { readonly encoding?: ReadEncoding; readonly signal?: AbortSignal },
  ): Promise<string>;
  async readFile(
    path: string,
    options?: ReadEncoding | { readonly encoding?: ReadEncoding; readonly signal?: AbortSignal },
  ): Promise<string | Uint8Array> {
    const encoding = typeof options === "string" ? options : (options?.encoding ?? "utf8");
    const signal = typeof options === "object" ? options.signal : undefined;
    const site = { syscall: "open", path };
    if (encoding === "utf8" || encoding === "utf-8")
      return await abortable(this.#reads.readText(path, site), signal);
    const { bytes } = await abortable(this.#reads.readBlob(path, site), signal);
    return encoding === "binary" ? bytes.slice() : formatBytes(bytes, encoding);
  }

  /** Several files in as few requests as can be: up to 100 in one. Missing paths are not in the map. */
  async readFiles(paths: readonly string[]): Promise<Map<string, string>> {
    const found = await Promise.all(
      paths.map(async (path) => {
        try {
          return [path, await this.readFile(path)] as const;
        } catch (error) {
          if (error instanceof MountError && (error.code === "ENOENT" || error.code === "ENOTDIR"))
            return null;
          throw error;
        }
      }),
    );
    return new Map(found.filter((entry) => entry !== null));
  }

  /** Bytes `start` to `end`, both included and cut to the file. A part of a large file is fetched alone, past the cache. */
  async readFileRange(path: string, start: number, end: number): Promise<Uint8Array> {
    return await this.#reads.readSpan(path, { start, end }, { syscall: "read", path });
  }

  /** A file, or its bytes `start` to `end` (both included), at the reader's pace; a large file passes the cache by. */
  createReadStream(
    path: string,
    options: { readonly start?: number; readonly end?: number; readonly signal?: AbortSignal } = {},
  ): ReadableStream<Uint8Array> {
    return this.#reads.stream(path, options, { syscall: "open", path });
  }

  /** What a directory holds; with `recursive` everything below it, depth first, links not followed. */
  readdir(
    path: string,
    options: { readonly recursive?: boolean; readonly withFileTypes: true },
  ): Promise<TypedDirectoryItem[]>;
  readdir(
    path: string,
    options?: { readonly recursive?: boolean; readonly withFileTypes?: false },
  ): Promise<DirectoryItem[]>;
  async readdir(
    path: string,
    options: { readonly recursive?: boolean; readonly withFileTypes?: boolean } = {},
  ): Promise<DirectoryItem[]> {
    const site = { syscall: "scandir", path };
    const items: DirectoryItem[] = [];
    this.#freeze();
    const children = options.recursive ? this.#reads.walk(path, site) : await this.#reads.list(path, site);
    for await (const { name, volume, path: inside, node } of children) {
      const sha = readSha(node);
      const place = { name, path: this.#context.table.format(volume, inside) };
      items.push(formatItem(place, node, sha instanceof Promise ? await sha : sha));
    }
    return options.withFileTypes ? items.map(addTypeChecks) : items;
  }

  async stat(path: string): Promise<FileStat> {
    return await this.#stat(path, { syscall: "stat", path }, true);
  }

  /** Like `stat`, but of a link itself. */
  async lstat(path: string): Promise<FileStat> {
    return await this.#stat(path, { syscall: "lstat", path }, false);
  }

  async exists(path: string): Promise<boolean> {
    return await this.#reads.exists(path, { syscall: "access", path });
  }

  /** Rejects unless the path exists and may be read (4), written (2), executed (1), as `mode` asks. */
  async access(path: string, mode = 0): Promise<void> {
    await this.#reads.access(path, mode, { syscall: "access", path });
  }

  async readlink(path: string): Promise<string> {
    return await this.#reads.readLink(path, { syscall: "readlink", path });
  }

  /** Mount paths of the files and links that match any pattern (`*`, `?`, `**`, classes, braces), sorted. */
  async glob(patterns: string | readonly string[]): Promise<string[]> {
    this.#context.checkOpen({ syscall: "glob" });
    const globs = await routeGlobs(this.#context, parsePatterns(patterns, "glob"));
    return (await matchFiles(globs))
      .map(({ volume, path }) => this.#context.table.format(volume, path))
      .sort();
  }

  /** Loads the files that match (`*`, `?`, `**`) into the cache by one stream per repository. */
  async prefetch(
    patterns: string | readonly string[],
    options: PrefetchOptions = {},
  ): Promise<PrefetchResult> {
    return await prefetchFiles(this.#context, parsePatterns(patterns, "prefetch"), options);
  }

  cacheStats(): CacheStats {
    return this.#context.content.stats;
  }

  async writeFile(
    path: string,
    data: FileData,
    options: { readonly executable?: boolean } = {},
  ): Promise<void> {
    await this.#write(path, data, options);
  }

  async appendFile(path: string, data: FileData): Promise<void> {
    await this.#write(path, data, { append: true });
  }

  /** Writes several files; in mode "auto" they are one commit. */
  async writeFiles(files: readonly FileToWrite[] | Readonly<Record<string, FileData>>): Promise<void> {
    const list: readonly FileToWrite[] = isFileList(files)
      ? files
      : Object.entries(files).map(([path, content]) => ({ path, content }));
    await Promise.all(
      list.map(({ path, content, executable }) =>
        this.#write(path, content, { executable: executable ?? false }),
      ),
    );
  }

  /**
   * Makes a directory and those above it; one that exists is no error unless `recursive` is false. The mount remembers
   * it, git cannot: with `keep` it gets a `.gitkeep` file and so becomes part of the next commit.
   */
  async mkdir(
    path: string,
    options: { readonly recursive?: boolean; readonly keep?: boolean } = {},
  ): Promise<void> {
    await this.#writes.mkdir(path, { syscall: "mkdir", path }, { recursive: options.recursive ?? true });
    if (options.keep) await this.#write(`${path}/.gitkeep`, "", {});
  }

  /** Removes a file or link; a directory only with `recursive`. With `force` a missing path is no error. */
  async rm(
    path: string,
    options: { readonly recursive?: boolean; readonly force?: boolean } = {},
  ): Promise<void> {
    await this.promises.rm(path, options);
  }

  async rmdir(path: string): Promise<void> {
    await this.#writes.rmdir(path, { syscall: "rmdir", path });
  }

  async unlink(path: string): Promise<void> {
    await this.#writes.unlink(path, { syscall: "unlink", path });
  }

  /** Moves a file, link or directory, replacing a file or an empty directory. A directory costs one change in a commit. */
  async rename(from: string, to: string): Promise<void> {
    const site = { syscall: "rename", path: from, dest: to };
    await this.#withParents(to, () => this.#writes.rename(from, to, site));
  }

  /** The same as `rename`. */
  async mv(from: string, to: string): Promise<void> {
    await this.rename(from, to);
  }

  /** Copies a file or link, or with `recursive` a directory into `to`; contents are not read when they stay in one repository. */
  async cp(
    from: string,
    to: string,
    options: { readonly recursive?: boolean; readonly force?: boolean } = {},
  ): Promise<void> {
    const site = { syscall: "cp", path: from, dest: to };
    const source = await this.#reads.find(from, site, false);
    if (
      !options.recursive &&
      (source === null || source.node.kind === "dir" || (await this.stat(from)).type === "folder")
    ) {
      throw errnoError("EISDIR", site);
    }
    const keepExisting = options.force === false;
    await this.#withParents(to, () => this.#copies.copyTree(from, to, site, { keepExisting }));
  }

  /** Copies one file, following links. */
  async copyFile(from: string, to: string): Promise<void> {
    const site = { syscall: "copyfile", path: from, dest: to };
    await this.#withParents(to, () => this.#copies.copyFile(from, to, site));
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.#withParents(path, () => this.promises.symlink(target, path));
  }

  /** Sets or clears the executable bit, which is all of a mode that git keeps. */
  async chmod(path: string, mode: number | string): Promise<void> {
    await this.promises.chmod(path, mode);
  }

  async truncate(path: string, length = 0): Promise<void> {
    await this.#writes.truncate(path, length, { syscall: "open", path });
  }

  /** Accepted and not stored: git keeps no file times. */
  async utimes(path: string, atime: unknown, mtime: unknown): Promise<void> {
    await this.promises.utimes(path, atime, mtime);
  }

  /**
   * Commits what is unsaved: per repository one commit of what changed, whose sha is in the answer under the name that
   * it is mounted by. Others' commits to other files are kept; a file that somebody else changed too rejects with
   * MountConflictError, and everything stays unsaved.
   */
  async commit(
    options: {
      readonly message?: string;
      readonly repos?: readonly string[];
      readonly author?: RemoteIdentity;
    } = {},
  ): Promise<Record<string, string>> {
    this.#context.checkOpen({ syscall: "commit" });
    return await this.#saver.commit(options);
  }

  /** What is unsaved, by path, without a request. */
  async status(): Promise<UnsavedChange[]> {
    this.#context.checkOpen({ syscall: "status" });
    return await this.#saver.status();
  }

  /** Drops what is unsaved at these paths and below them; without paths everything. */
  async discard(paths?: readonly string[]): Promise<void> {
    this.#context.checkOpen({ syscall: "discard" });
    if (paths === undefined) this.#saver.discardAll();
    for (const path of paths ?? []) this.#saver.discard(path);
  }

  /** Moves to the newest commit; what is unsaved stays. A path that both sides changed is a conflict of the next commit. */
  async refresh(): Promise<void> {
    this.#context.checkOpen({ syscall: "refresh" });
    await this.#saver.refresh();
  }

  /**
   * Ends the mount. When something is unsaved, `onUnsaved` decides: "reject" (the default) with EBUSY, leaving the mount
   * as it is; "commit" it; or "discard" it.
   */
  async unmount(options: { readonly onUnsaved?: "reject" | "commit" | "discard" } = {}): Promise<void> {
    if (this.#context.closed) return;
    await this.#saver.finish(options.onUnsaved ?? "reject");
    this.#context.close();
  }

  async #stat(path: string, site: CallSite, follow: boolean): Promise<FileStat> {
    const found = await this.#reads.find(path, site, follow);
    if (found === null) return { type: "folder", size: 0, sha: null, mode: "040000", mtime: new Date(0) };
    if (found.node.kind === "dir") this.#freeze();
    const sha = readSha(found.node);
    return formatStat(found.node, sha instanceof Promise ? await sha : sha);
  }

  async #write(path: string, data: FileData, mode: WriteMode): Promise<void> {
    const site = { syscall: "open", path };
    const read = readData(data);
    const bytes = read instanceof Promise ? await read : read;
    await this.#withParents(path, () => this.#writes.writeFile(path, bytes, site, mode));
  }

  /** Runs a call again with the directories above `path` made, when it fails for want of them. */
  async #withParents(path: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      const parent = path.slice(0, path.replace(/\/+$/, "").lastIndexOf("/"));
      if (!(error instanceof MountError && error.code === "ENOENT") || parent === "") throw error;
      if (await this.exists(parent)) throw error;
      await this.#writes.mkdir(parent, { syscall: "mkdir", path: parent }, { recursive: true });
      await call();
    }
  }

  /** Ids of changed directories are worked out from trees that no write reaches any more. */
  #freeze(): void {
    for (const volume of this.#context.table.volumes) volume.editor.freeze();
  }
}

function isFileList(
  files: readonly FileToWrite[] | Readonly<Record<string, FileData>>,
): files is readonly FileToWrite[] {
  return Array.isArray(files);
}

/** Gives up waiting when the signal aborts; the read itself goes on for others that share it. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
