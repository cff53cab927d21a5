import { MountError } from "../../errors.ts";
import type { CacheStats } from "../blobs/content-source.ts";
import type { CallContext } from "../calls/call-context.ts";
import type { GrepMatch, GrepOptions } from "../calls/grep-calls.ts";
import type { PrefetchOptions, PrefetchResult } from "../calls/prefetch-calls.ts";
import { ReadCalls } from "../calls/read-calls.ts";
import type { CallSite } from "../kernel/errno.ts";
import { FileMap } from "./file-map.ts";
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

/** The reading methods of a mount. */
export abstract class ReadFace {
  protected readonly context: CallContext;
  protected readonly reads: ReadCalls;

  constructor(context: CallContext) {
    this.context = context;
    this.reads = new ReadCalls(context);
  }

  /** Nothing in this mount can be written. */
  get readOnly(): boolean {
    return this.context.table.volumes.every(({ writable }) => !writable);
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
    if (options === undefined) {
      // The common case, at once: a re-read of a file in the cache is a lookup.
      const direct = this.context.findDirect(path, true);
      const blob = direct && this.context.findBlob(direct.node);
      if (blob) return this.reads.textOf(blob);
    }
    const encoding = typeof options === "string" ? options : (options?.encoding ?? "utf8");
    const signal = typeof options === "object" ? options.signal : undefined;
    const site = { syscall: "open", path };
    if (encoding === "utf8" || encoding === "utf-8")
      return await abortable(this.reads.readText(path, site), signal);
    const { bytes } = await abortable(this.reads.readBlob(path, site), signal);
    if (encoding === "binary") return bytes.slice();
    const { formatBytes } = await import("../node/arguments/encoding.ts");
    return formatBytes(bytes, encoding);
  }

  /**
   * Several files in as few requests as can be: up to 100 in one. Paths where nothing is are in `missing` and not in the
   * map; any other failure rejects.
   */
  readFiles(
    paths: readonly string[],
    options: { readonly encoding: "binary"; readonly signal?: AbortSignal },
  ): Promise<FileMap<Uint8Array>>;
  readFiles(paths: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<FileMap<string>>;
  async readFiles(
    paths: readonly string[],
    options: { readonly encoding?: "binary"; readonly signal?: AbortSignal } = {},
  ): Promise<FileMap<string | Uint8Array>> {
    const missing: string[] = [];
    const read = async (path: string) => {
      const site = { syscall: "open", path };
      try {
        if (options.encoding !== "binary") return await this.reads.readText(path, site);
        return (await this.reads.readBlob(path, site)).bytes.slice();
      } catch (error) {
        if (error instanceof MountError && (error.code === "ENOENT" || error.code === "ENOTDIR")) return null;
        throw error;
      }
    };
    const contents = await abortable(Promise.all(paths.map(read)), options.signal);
    const found: [string, string | Uint8Array][] = [];
    for (const [index, path] of paths.entries()) {
      const content = contents[index] ?? null;
      if (content === null) missing.push(path);
      else found.push([path, content]);
    }
    return new FileMap(found, missing);
  }

  /** Bytes `start` to `end`, both included and cut to the file. A part of a large file is fetched alone, past the cache. */
  async readFileRange(path: string, start: number, end: number): Promise<Uint8Array> {
    return await this.reads.readSpan(path, { start, end }, { syscall: "read", path });
  }

  /** A file, or its bytes `start` to `end` (both included), at the reader's pace; a large file passes the cache by. */
  createReadStream(
    path: string,
    options: { readonly start?: number; readonly end?: number; readonly signal?: AbortSignal } = {},
  ): ReadableStream<Uint8Array> {
    return this.reads.stream(path, options, { syscall: "open", path });
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
    const children = options.recursive ? this.reads.walk(path, site) : await this.reads.list(path, site);
    for await (const { name, volume, path: inside, node } of children) {
      const sha = readSha(node);
      const place = { name, path: this.context.table.format(volume, inside) };
      items.push(formatItem(place, node, sha instanceof Promise ? await sha : sha));
    }
    return options.withFileTypes ? items.map(addTypeChecks) : items;
  }

  async stat(path: string): Promise<FileStat> {
    return await this.#statAt(path, { syscall: "stat", path }, true);
  }

  /** Like `stat`, but of a link itself. */
  async lstat(path: string): Promise<FileStat> {
    return await this.#statAt(path, { syscall: "lstat", path }, false);
  }

  async exists(path: string): Promise<boolean> {
    return await this.reads.exists(path, { syscall: "access", path });
  }

  /** Rejects unless the path exists and may be read (4), written (2), executed (1), as `mode` asks. */
  async access(path: string, mode = 0): Promise<void> {
    await this.reads.access(path, mode, { syscall: "access", path });
  }

  async readlink(path: string): Promise<string> {
    return await this.reads.readLink(path, { syscall: "readlink", path });
  }

  /** Mount paths of the files and links that match any pattern (`*`, `?`, `**`, classes, braces), sorted. */
  async glob(patterns: string | readonly string[]): Promise<string[]> {
    const { findPaths } = await import("../calls/glob-calls.ts");
    return await findPaths(this.context, patterns);
  }

  /**
   * Matching lines of every file, unsaved changes included, as `git grep -n` orders and counts them. A text is taken
   * literally, `/expression/i` or `{ regex: true }` as RE2 has it. One request per repository; none when the cache has
   * what is to be searched. Rejects with E2BIG above 100,000 lines unless `maxMatches` is given.
   */
  async grep(pattern: string | RegExp, options: GrepOptions = {}): Promise<GrepMatch[]> {
    const { grepFiles } = await import("../calls/grep-calls.ts");
    return await grepFiles(this.context, pattern, options);
  }

  /** Loads the files that match (`*`, `?`, `**`) into the cache by one stream per repository. */
  async prefetch(
    patterns: string | readonly string[],
    options: PrefetchOptions = {},
  ): Promise<PrefetchResult> {
    const { prefetchFiles } = await import("../calls/prefetch-calls.ts");
    return await prefetchFiles(this.context, patterns, options);
  }

  cacheStats(): CacheStats {
    return this.context.content.stats;
  }

  async #statAt(path: string, site: CallSite, follow: boolean): Promise<FileStat> {
    const found = this.context.findDirect(path, follow) ?? (await this.reads.find(path, site, follow));
    if (found === null) return { type: "folder", size: 0, sha: null, mode: "040000", mtime: new Date(0) };
    if (found.node.kind === "dir") this.#freeze();
    const sha = readSha(found.node);
    return formatStat(found.node, sha instanceof Promise ? await sha : sha);
  }

  /** Ids of changed directories are worked out from trees that no write reaches any more. */
  #freeze(): void {
    for (const volume of this.context.table.volumes) volume.editor.freeze();
  }
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
