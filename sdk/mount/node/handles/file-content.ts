import type { Found } from "../../calls/call-context.ts";
import { type CallSite, errnoError } from "../../kernel/errno.ts";
import { MODE } from "../../tree/base-tree.ts";
import { isSame } from "../../tree/compare.ts";
import { findNode, isDirectory, modeOf, sizeOf, type TreeNode } from "../../tree/nodes.ts";
import type { Calls } from "../shapes/calls.ts";
import { MountStats } from "../shapes/stats.ts";
import { statsAt, TOP } from "../shapes/stats-at.ts";
import { compactBytes, GrowingBytes } from "./growing-bytes.ts";
import { type OpenPlace, openFilesOf } from "./open-files.ts";

/** Of a large file that is not in the cache, reads fetch this much at a time. */
const WINDOW_BYTES = 1024 * 1024;

const NOTHING = new Uint8Array(0);

/** The content of one open file, wherever the file has gone since. null stands for the root of several repositories. */
export class FileContent {
  readonly #calls: Calls;
  readonly #place: OpenPlace | null;
  readonly #growing = new GrowingBytes();
  #window: { readonly sha: string; readonly start: number; readonly bytes: Uint8Array } | null = null;

  constructor(calls: Calls, place: OpenPlace | null) {
    this.#calls = calls;
    this.#place = place;
  }

  get node(): TreeNode {
    const place = this.#place;
    if (place === null) return TOP;
    const node = place.path === null ? place.lost : findNode(place.volume.editor.root, place.path);
    return node ?? place.lost ?? TOP;
  }

  get size(): number {
    return sizeOf(this.node);
  }

  get isDirectory(): boolean {
    return isDirectory(this.node);
  }

  stats(): MountStats {
    const { node } = this;
    const place = this.#place;
    if (place === null) return statsAt(this.#calls.context, null);
    const found = { volume: place.volume, path: place.lastPath, node };
    const stats = statsAt(this.#calls.context, found);
    return place.path === null ? new MountStats(node, stats.dev, place.lostInode, 0) : stats;
  }

  /** Up to `length` bytes from `start`; not to be written to. Of a directory EISDIR. */
  async read(start: number, length: number, site: CallSite): Promise<Uint8Array> {
    const { node } = this;
    if (isDirectory(node)) throw errnoError("EISDIR", site);
    const end = Math.min(start + length, sizeOf(node));
    if (start >= end) return NOTHING;
    const atHand = this.#calls.context.findBlob(node);
    if (atHand !== null) return atHand.bytes.subarray(start, end);
    return await this.#readAhead(node, { start, end }, site);
  }

  /** Puts bytes at an offset, null being the end. Gives where they end. */
  async write(offset: number | null, bytes: Uint8Array, site: CallSite): Promise<number> {
    return await this.#edit(site, (before) => {
      const start = offset ?? before.length;
      this.#checkSize(start + bytes.length, site);
      if (bytes.length === 0) return { after: before, result: start };
      return { after: this.#growing.splice(before, start, bytes), result: start + bytes.length };
    });
  }

  async truncate(length: number, site: CallSite): Promise<void> {
    this.#checkSize(length, site);
    if (length === 0) return this.empty();
    await this.#edit(site, (before) => {
      if (length <= before.length) return { after: before.slice(0, length), result: null };
      return { after: this.#growing.splice(before, length, NOTHING), result: null };
    });
  }

  create(mode: number): void {
    this.#put(NOTHING, mode);
  }

  empty(): void {
    this.#put(NOTHING, modeOf(this.node));
  }

  /** Keeps of a mode what git keeps. */
  async chmod(mode: number, site: CallSite): Promise<void> {
    const wanted = mode & 0o100 ? MODE.executable : MODE.file;
    if (this.isDirectory || modeOf(this.node) === wanted) return;
    await this.#edit(site, (before) => ({ after: before, mode: wanted, result: null }));
  }

  /** Hands what was written to the mount's commit mode. */
  async save(): Promise<void> {
    const place = this.#place;
    if (place === null || !place.dirty) return;
    place.dirty = false;
    const { node } = this;
    if (node.kind === "file" && node.content.kind === "bytes")
      node.content.bytes = compactBytes(node.content.bytes);
    if (place.path !== null) await this.#calls.afterWrite(place.volume, [place.path]);
  }

  async close(): Promise<void> {
    const place = this.#place;
    if (place === null) return;
    try {
      await this.save();
    } finally {
      openFilesOf(place.volume).release(place);
    }
  }

  #found(node: TreeNode): Found {
    const place = this.#place;
    if (place === null) throw errnoError("EISDIR", { syscall: "read" });
    return { volume: place.volume, path: place.lastPath, node, asDirectory: false };
  }

  async #readAhead(
    node: TreeNode,
    span: { readonly start: number; readonly end: number },
    site: CallSite,
  ): Promise<Uint8Array> {
    const { reads, context } = this.#calls;
    const found = this.#found(node);
    const { start, end } = span;
    const sha = reads.largeShaOf(found);
    if (sha === null) return (await context.read(found, site)).bytes.subarray(start, end);
    const window = this.#window;
    if (window?.sha === sha && start >= window.start && end <= window.start + window.bytes.length)
      return window.bytes.subarray(start - window.start, end - window.start);
    const last = Math.min(sizeOf(node), Math.max(end, start + WINDOW_BYTES)) - 1;
    const bytes = await reads.readFound(found, { start, end: last }, site);
    this.#window = { sha, start, bytes };
    return bytes.subarray(0, end - start);
  }

  /** Content made from what is there now. Fetching that may take time, so it starts over when it has changed since. */
  async #edit<T>(
    site: CallSite,
    edit: (before: Uint8Array) => { readonly after: Uint8Array; readonly mode?: number; readonly result: T },
  ): Promise<T> {
    for (;;) {
      const { node } = this;
      const blob =
        this.#calls.context.findBlob(node) ?? (await this.#calls.context.read(this.#found(node), site));
      if (!isSame(this.node, node)) continue;
      const { after, mode, result } = edit(blob.bytes);
      if (after !== blob.bytes || mode !== undefined) this.#put(after, mode ?? modeOf(node));
      return result;
    }
  }

  #put(bytes: Uint8Array, mode: number): void {
    const place = this.#place;
    if (place === null) return;
    const mtimeMs = this.#calls.context.now();
    const node = { kind: "file", mode, mtimeMs, content: { kind: "bytes", bytes, sha: null } } as const;
    place.dirty = true;
    if (place.path === null) place.lost = node;
    else place.volume.editor.set(place.path, node);
  }

  #checkSize(bytes: number, site: CallSite): void {
    const { fileBytes } = this.#calls.context.remote.limits;
    if (bytes <= fileBytes) return;
    throw errnoError("EFBIG", site, {
      detail: `file too large: ${bytes} bytes, a commit takes ${fileBytes} per file`,
    });
  }
}
