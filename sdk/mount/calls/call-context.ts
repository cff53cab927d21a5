import type { CachedBlob } from "../blobs/blob-cache.ts";
import type { ContentSource } from "../blobs/content-source.ts";
import { type CallSite, errnoError, remoteError } from "../kernel/errno.ts";
import { type MountPath, parseMountPath } from "../kernel/paths.ts";
import type { Remote } from "../kernel/remote.ts";
import { decodeText } from "../kernel/text.ts";
import { MODE } from "../tree/base-tree.ts";
import { baseNode, findNode, isSymlink, knownShaOf, type TreeNode } from "../tree/nodes.ts";
import type { MountTable, Spot } from "../volume/mount-table.ts";
import { type Entry, type Place, resolveEntry, resolvePath, TargetNeeded } from "../volume/resolve.ts";
import type { Volume } from "../volume/volume.ts";

/** A node and where it is. */
export interface Located {
  readonly volume: Volume;
  readonly path: string;
  readonly node: TreeNode;
}

/** A place where something is. */
export interface Found extends Place, Located {
  readonly volume: Volume;
  readonly node: TreeNode;
}

const NOWHERE: Spot = { volume: null, path: "" };

/** Symlinks of a listing whose targets are fetched together when the first of them is met. */
const MAX_TARGETS_AHEAD = 500;

/** What every filesystem call stands on: where paths lead and where contents come from. */
export class CallContext {
  readonly table: MountTable;
  readonly content: ContentSource;
  readonly remote: Remote;
  readonly now: () => number;
  readonly #end = new AbortController();

  constructor(parts: Pick<CallContext, "table" | "content" | "remote" | "now">) {
    this.table = parts.table;
    this.content = parts.content;
    this.remote = parts.remote;
    this.now = parts.now;
  }

  get closed(): boolean {
    return this.#end.signal.aborted;
  }

  /** Aborts when the mount is closed. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  close(): void {
    this.#end.abort();
  }

  /** @throws MountError EBADF once the mount is closed. */
  checkOpen(site: CallSite): void {
    if (this.closed) throw errnoError("EBADF", site, { detail: "the filesystem is unmounted" });
  }

  /**
   * Runs a piece of work that resolves paths and acts on them without waiting in between, so that no other call can come
   * between. When it meets a link that has not been read, that link is read and the work begins anew.
   */
  run<T>(work: () => T, site: CallSite): T | Promise<T> {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TargetNeeded)) throw error;
      return this.#runAgain(work, error, site);
    }
  }

  async #runAgain<T>(work: () => T, first: TargetNeeded, site: CallSite): Promise<T> {
    for (let needed = first; ; ) {
      await this.#loadTarget(needed, site);
      try {
        return work();
      } catch (error) {
        if (!(error instanceof TargetNeeded)) throw error;
        needed = error;
      }
    }
  }

  /**
   * What is at a path that is written as it is listed, found by lookups alone; null when only a walk can tell. A name
   * of the tree is a valid one, so a path that is found needs no check. The quick way of every stat and read.
   */
  findDirect(path: unknown, follow: boolean): Located | null {
    if (this.closed || typeof path !== "string" || path.charCodeAt(0) !== 47) return null;
    if (path.length > 1 && path.charCodeAt(path.length - 1) === 47) return null;
    const { volume, path: inside } = this.table.route(path) ?? NOWHERE;
    const node = volume === null ? null : findNode(volume.editor.root, inside);
    if (volume === null || node === null || (follow && isSymlink(node))) return null;
    return { volume, path: inside, node };
  }

  /** Where a path leads; to be called within `run`. Throws as `resolvePath` does, EBADF once the mount is closed. */
  resolve(path: unknown, site: CallSite, follow: boolean): Place {
    return resolvePath(this.table, this.#parse(path, site), { site, findTarget, follow });
  }

  /** The directory entry that a path names; to be called within `run`. Throws as `resolve` does. */
  resolveEntry(path: unknown, site: CallSite): Entry {
    return resolveEntry(this.table, this.#parse(path, site), { site, findTarget });
  }

  #parse(path: unknown, site: CallSite): MountPath {
    this.checkOpen(site);
    return parseMountPath(path, site);
  }

  /** Bytes of a file that are at hand; null for others and for directories. */
  findBlob(node: TreeNode): CachedBlob | null {
    if (node.kind === "file" && node.content.kind === "bytes")
      return { sha: null, bytes: node.content.bytes, text: null };
    const sha = node.kind === "dir" ? null : knownShaOf(node);
    return sha === null ? null : this.content.find(sha);
  }

  /** Bytes of a file or symlink. Throws or rejects with EIO, EACCES. */
  read({ volume, path, node }: Located, site: CallSite): CachedBlob | Promise<CachedBlob> {
    const atHand = this.findBlob(node);
    if (atHand !== null) return atHand;
    const address = volume.locate(path, node);
    if (address === null) throw errnoError("EIO", site);
    return this.content.read({ ...address, repo: volume.repo }).catch((error: unknown) => {
      throw remoteError(error, site);
    });
  }

  /** A symlink's target, read if need be. */
  async readTarget(link: Located, site: CallSite): Promise<string> {
    return findTarget(link.volume, link.node) ?? (await this.#loadTarget(link, site));
  }

  async #loadTarget(link: Located, site: CallSite): Promise<string> {
    const { volume } = link;
    const wanted: Located[] = [{ volume, path: link.path, node: link.node }];
    for (const row of volume.base.rowsOfMode(MODE.symlink)) {
      if (wanted.length > MAX_TARGETS_AHEAD) break;
      if (volume.findTarget(volume.base.shaAt(row)) !== null) continue;
      wanted.push({ volume, path: volume.base.pathAt(row), node: baseNode(volume.base, row) });
    }
    // All are asked for in one tick and so travel together; only the one that is needed may fail the call.
    const reads = wanted.map(async (located) => {
      const target = decodeText((await this.read(located, site)).bytes);
      volume.rememberTarget(knownShaOf(located.node) ?? "", target);
      return target;
    });
    await Promise.allSettled(reads);
    return await (reads[0] ?? Promise.reject(errnoError("EIO", site)));
  }
}

function findTarget(volume: Volume, node: TreeNode): string | null {
  if (node.kind === "file" && node.content.kind === "bytes") return decodeText(node.content.bytes);
  return volume.findTarget(knownShaOf(node) ?? "");
}

function isFound(place: Place): place is Found {
  return place.volume !== null && place.node !== null;
}

/** @throws MountPathError ENOENT when nothing is there. */
export function requireFound(place: Place, site: CallSite): Found {
  if (!isFound(place)) throw errnoError("ENOENT", site);
  return place;
}
