import { MountPathError } from "../../errors.ts";
import type { CachedBlob } from "../blobs/blob-cache.ts";
import { openSpan, type Span, streamBytes } from "../blobs/blob-stream.ts";
import { type CallSite, errnoError, remoteError } from "../kernel/errno.ts";
import { joinPath } from "../kernel/paths.ts";
import { decodeText } from "../kernel/text.ts";
import {
  childrenOf,
  isDirectory,
  isSymlink,
  knownShaOf,
  modeOf,
  sizeOf,
  type TreeNode,
} from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import { type CallContext, type Found, type Located, requireFound } from "./call-context.ts";

/** Files up to here are read whole and kept, even when only a part is asked for. */
const WHOLE_BYTES = 1024 * 1024;

/** One child of a directory. At the root of several repositories the children are the repositories. */
export interface Listed {
  readonly name: string;
  readonly volume: Volume;
  /** Path in the repository. */
  readonly path: string;
  readonly node: TreeNode;
}

/** The calls that change nothing, by Linux's rules. Each rejects with an error of the mount family. */
export class ReadCalls {
  readonly #context: CallContext;

  constructor(context: CallContext) {
    this.#context = context;
  }

  /** What is at a path; null for the root of several repositories. */
  async find(path: unknown, site: CallSite, follow: boolean): Promise<Found | null> {
    const resolved = this.#context.run(() => this.#context.resolve(path, site, follow), site);
    const place = resolved instanceof Promise ? await resolved : resolved;
    if (place.volume === null && place.path === "") return null;
    return requireFound(place, site);
  }

  /** Whether a path leads to something. Rejects only when that cannot be found out. */
  async exists(path: unknown, site: CallSite): Promise<boolean> {
    try {
      const resolved = this.#context.run(() => this.#context.resolve(path, site, true), site);
      const place = resolved instanceof Promise ? await resolved : resolved;
      return place.node !== null || (place.volume === null && place.path === "");
    } catch (error) {
      if (error instanceof MountPathError) return false;
      throw error;
    }
  }

  /** A file to read. */
  async findFile(path: unknown, site: CallSite): Promise<Found> {
    const found = await this.find(path, site, true);
    if (found === null || isDirectory(found.node)) throw errnoError("EISDIR", { ...site, syscall: "read" });
    return found;
  }

  /** A file's content as kept in the cache: not to be written to. */
  async readBlob(path: unknown, site: CallSite): Promise<CachedBlob> {
    const resolved = this.#context.run(() => this.#context.resolve(path, site, true), site);
    const found = requireFound(resolved instanceof Promise ? await resolved : resolved, site);
    if (isDirectory(found.node)) throw errnoError("EISDIR", { ...site, syscall: "read" });
    const blob = this.#context.read(found, site);
    return blob instanceof Promise ? await blob : blob;
  }

  /** A file's text. Decoded once per cached blob. */
  async readText(path: unknown, site: CallSite): Promise<string> {
    return this.textOf(await this.readBlob(path, site));
  }

  textOf(blob: CachedBlob): string {
    if (blob.text !== null) return blob.text;
    blob.text = decodeText(blob.bytes);
    this.#context.content.put(blob);
    return blob.text;
  }

  /** Bytes `start` to the inclusive `end`, both cut to the file. */
  async readSpan(path: unknown, span: Span, site: CallSite): Promise<Uint8Array> {
    return await this.readFound(await this.findFile(path, site), span, site);
  }

  /** As `readSpan`, of a file that has been found. */
  async readFound(found: Located, span: Span, site: CallSite): Promise<Uint8Array> {
    const { start, end } = checkSpan(span, site);
    const size = sizeOf(found.node);
    if (start >= size) return new Uint8Array(0);
    const stream = this.#streamFromServer(found, { start, end: Math.min(end, size - 1) }, site);
    if (stream !== null) return new Uint8Array(await new Response(await stream).arrayBuffer());
    const blob = await this.#context.read(found, site);
    return blob.bytes.slice(start, end + 1);
  }

  /** A stream over a span of a file; it opens at the first read. */
  stream(
    path: unknown,
    options: { readonly start?: number; readonly end?: number; readonly signal?: AbortSignal },
    site: CallSite,
  ): ReadableStream<Uint8Array> {
    const open = async () => {
      options.signal?.throwIfAborted();
      const found = await this.findFile(path, site);
      const { start, end } = checkSpan(
        { start: options.start ?? 0, end: options.end ?? Number.MAX_SAFE_INTEGER },
        site,
      );
      const last = Math.min(end, sizeOf(found.node) - 1);
      if (start > last) return streamBytes(new Uint8Array(0)).getReader();
      const remote = this.#streamFromServer(found, { start, end: last }, site, options.signal);
      if (remote !== null) return (await remote).getReader();
      const blob = await this.#context.read(found, site);
      return streamBytes(blob.bytes.subarray(start, last + 1)).getReader();
    };
    let reader: Promise<ReadableStreamDefaultReader<Uint8Array>> | null = null;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          reader ??= open();
          try {
            const { done, value } = await (await reader).read();
            if (done) controller.close();
            else controller.enqueue(value);
          } catch (error) {
            throw remoteError(error, site);
          }
        },
        cancel: async (reason) => (await reader)?.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** Children of a directory, by name in code unit order. */
  async list(path: unknown, site: CallSite): Promise<readonly Listed[]> {
    const found = await this.find(path, site, true);
    if (found === null) return this.#listVolumes();
    if (!isDirectory(found.node)) throw errnoError("ENOTDIR", site);
    return listChildren(found.volume, found.path, found.node);
  }

  /** Everything below a directory, depth first; links are listed and not followed. */
  async *walk(path: unknown, site: CallSite): AsyncGenerator<Listed> {
    const pending = [...(await this.list(path, site))].reverse();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      yield next;
      if (isDirectory(next.node)) pending.push(...listChildren(next.volume, next.path, next.node).reverse());
    }
  }

  async readLink(path: unknown, site: CallSite): Promise<string> {
    const found = await this.find(path, site, false);
    if (found === null || !isSymlink(found.node)) throw errnoError("EINVAL", site);
    return await this.#context.readTarget(found, site);
  }

  /** Checks that a path may be read (4), written (2) or executed (1); 0 only that it is there. */
  async access(path: unknown, mode: number, site: CallSite): Promise<void> {
    const found = await this.find(path, site, true);
    if (mode & 2 && (found === null || !found.volume.writable)) throw errnoError("EROFS", site);
    const executable = found === null || isDirectory(found.node) || (modeOf(found.node) & 0o100) !== 0;
    if (mode & 1 && !executable) throw errnoError("EACCES", site);
  }

  /** The path without links, `.` and `..`, in the mount's own form. */
  async realPath(path: unknown, site: CallSite): Promise<string> {
    const found = await this.find(path, site, true);
    return found === null ? "/" : this.#context.table.format(found.volume, found.path);
  }

  /** Id of a file that is too large to be read whole for a part, and neither in the cache nor unsaved; else null. */
  largeShaOf({ node }: Located): string | null {
    if (sizeOf(node) <= WHOLE_BYTES || (node.kind === "file" && node.content.kind === "bytes")) return null;
    const sha = knownShaOf(node);
    return sha === null || this.#context.content.has(sha) ? null : sha;
  }

  #listVolumes(): readonly Listed[] {
    return this.#context.table.volumes
      .map((volume) => ({ name: volume.name, volume, path: "", node: volume.editor.root }))
      .sort(byName);
  }

  /** A stream past the cache for a large file that is neither in it nor unsaved; null when reading it whole is right. */
  #streamFromServer(
    found: Located,
    span: Span,
    site: CallSite,
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> | null {
    const { volume, path, node } = found;
    const address = this.largeShaOf(found) === null ? null : volume.locate(path, node);
    if (address === null) return null;
    this.#context.content.countRequest();
    return openSpan(this.#context.remote, { ...address, repo: volume.repo }, { span, signal }).catch(
      (error) => {
        throw remoteError(error, site);
      },
    );
  }
}

function byName(a: Listed, b: Listed): number {
  return a.name < b.name ? -1 : 1;
}

function listChildren(volume: Volume, path: string, directory: TreeNode): Listed[] {
  const children: Listed[] = [];
  for (const [name, node] of childrenOf(directory))
    children.push({ name, volume, path: joinPath(path, name), node });
  return children.sort(byName);
}

function checkSpan(span: Span, site: CallSite): Span {
  const { start, end } = span;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw errnoError("EINVAL", site, { detail: `not a byte range: ${start} to ${end}` });
  }
  return span;
}
