import type { TreeObserver } from "../../tree/editor.ts";
import { type DirNode, findNode, isDirectory, isSymlink, type TreeNode } from "../../tree/nodes.ts";
import type { Volume } from "../../volume/volume.ts";

/** Where an open file is now; shared by all handles that are open on it. */
export interface OpenPlace {
  readonly volume: Volume;
  /** null once the name is gone: what is written then lives as long as a handle is open. */
  path: string | null;
  /** Path that the content was last seen at, and the node itself while it has no name. */
  lastPath: string;
  lost: TreeNode | null;
  lostInode: number;
  handles: number;
  /** Something was written that has not been handed to the commit mode yet. */
  dirty: boolean;
}

const registries = new WeakMap<Volume, OpenFiles>();

/** The open files of a repository. Watches its tree only while there are any. */
export function openFilesOf(volume: Volume): OpenFiles {
  const known = registries.get(volume);
  if (known !== undefined) return known;
  const made = new OpenFiles(volume);
  registries.set(volume, made);
  return made;
}

/**
 * Keeps open files what they were opened as, as POSIX has it: a rename takes them along, and one whose name is removed
 * or given to another file goes on without a name.
 */
export class OpenFiles implements TreeObserver {
  readonly #volume: Volume;
  readonly #byPath = new Map<string, OpenPlace>();

  constructor(volume: Volume) {
    this.#volume = volume;
  }

  acquire(path: string): OpenPlace {
    let place = this.#byPath.get(path);
    if (place === undefined) {
      if (this.#byPath.size === 0) this.#volume.editor.observe(this);
      const volume = this.#volume;
      place = { volume, path, lastPath: path, lost: null, lostInode: 0, handles: 0, dirty: false };
      this.#byPath.set(path, place);
    }
    place.handles += 1;
    return place;
  }

  release(place: OpenPlace): void {
    place.handles -= 1;
    if (place.handles === 0 && place.path !== null) this.#forget(place.path);
  }

  beforeSet(path: string, node: TreeNode | null): void {
    // A file written over is the same file with another content; anything else in its place is not.
    const stays = node !== null && this.#isSameKind(path, node);
    for (const place of this.#at(path)) {
      if (!stays || (place.path !== path && node !== null && !isDirectory(node))) this.#lose(place);
    }
  }

  beforeMove(from: string, to: string): void {
    for (const place of this.#at(to)) this.#lose(place);
    for (const place of this.#at(from)) {
      const path = place.path ?? "";
      this.#byPath.delete(path);
      place.path = to + path.slice(from.length);
      place.lastPath = place.path;
      this.#byPath.set(place.path, place);
    }
  }

  beforeReset(root: DirNode): void {
    for (const place of [...this.#byPath.values()]) {
      const next = findNode(root, place.path ?? "");
      if (next === null || !this.#isSameKind(place.path ?? "", next)) this.#lose(place);
    }
  }

  #isSameKind(path: string, next: TreeNode): boolean {
    const node = findNode(this.#volume.editor.root, path);
    return node === null || (isDirectory(node) === isDirectory(next) && isSymlink(node) === isSymlink(next));
  }

  #at(path: string): OpenPlace[] {
    return [...this.#byPath.values()].filter(
      (place) => place.path === path || path === "" || place.path?.startsWith(`${path}/`),
    );
  }

  #lose(place: OpenPlace): void {
    const path = place.path ?? "";
    place.lost = findNode(this.#volume.editor.root, path);
    place.lostInode = this.#volume.inodes.at(path);
    place.path = null;
    this.#forget(path);
  }

  #forget(path: string): void {
    this.#byPath.delete(path);
    if (this.#byPath.size === 0) this.#volume.editor.forget(this);
  }
}
