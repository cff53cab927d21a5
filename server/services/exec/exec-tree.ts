import type { FsStat } from "just-bash/browser";
import { toByteString } from "../../git/bytes/text.ts";
import { findSegmentFault } from "../../git/object/path-rules.ts";
import type { ExecMeter } from "./exec-meter.ts";
import { type DirNode, type ExecNode, type LeafNode, newDirectory, newFile } from "./exec-node.ts";
import { fsError } from "./fs-error.ts";
import { type ExecPlace, type PathContext, resolveExecPath } from "./resolve-exec-path.ts";
import { decodeShellText } from "./shell-text.ts";
import type { VolumeReader } from "./volume-reader.ts";

/** Calls after which the event loop gets a turn: timers fire, time goes on, other requests are served. */
const CALLS_PER_TURN = 256;

export interface ExecTreeParts {
  readonly readers: readonly VolumeReader[];
  readonly meter: ExecMeter;
  readonly now: () => number;
}

export interface FoundPlace extends ExecPlace {
  readonly node: ExecNode;
}

/** Where something is: enough to know whose it is and what lies beside it. */
export type Site = Pick<ExecPlace, "parent" | "path">;

/**
 * The tree that a command works on: repositories below `/<name>/`, loaded as it looks into them, and what it has put
 * there. A node with a blob always lies in the repository that has it; leaving it means becoming bytes.
 */
export class ExecTree {
  readonly root: DirNode;
  readonly meter: ExecMeter;
  readonly now: () => number;
  readonly #readers: ReadonlyMap<DirNode["volume"], VolumeReader>;
  readonly #paths: PathContext;
  /** Written bytes that one place alone holds, and that are given back when it lets go of them. */
  readonly #owned = new WeakSet<Uint8Array>();
  #calls = 0;

  constructor({ readers, meter, now }: ExecTreeParts) {
    this.meter = meter;
    this.now = now;
    this.#readers = new Map(readers.map((reader) => [reader.volume, reader]));
    this.root = newDirectory(null, now());
    this.root.children?.set("tmp", newDirectory(null, now()));
    for (const { volume } of readers) {
      this.root.children?.set(volume.name, newDirectory(volume, volume.committedAtMs, volume.tree));
    }
    const [only] = readers;
    this.#paths = {
      root: this.root,
      fallback: readers.length === 1 && only ? this.volumeRoot(only) : null,
      children: (directory) => this.children(directory),
      readTarget: async (link, site) => decodeShellText(await this.read(link, site), "utf8"),
    };
  }

  /** Root directory of a repository as it is now. */
  volumeRoot({ volume }: Pick<VolumeReader, "volume">): DirNode {
    const node = this.root.children?.get(volume.name);
    if (node?.kind !== "dir") throw new TypeError(`no root of ${volume.name}`);
    return node;
  }

  async resolve(path: string, syscall: string, follow: boolean): Promise<ExecPlace> {
    this.meter.checkUsable();
    this.#calls++;
    if (this.#calls % CALLS_PER_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    return await resolveExecPath(this.#paths, path, { follow, syscall });
  }

  async find(path: string, syscall: string, follow = true): Promise<FoundPlace> {
    const { node, ...place } = await this.resolve(path, syscall, follow);
    if (node === null) throw fsError("ENOENT", syscall, path);
    if (place.asDirectory && node.kind !== "dir") throw fsError("ENOTDIR", syscall, path);
    return { ...place, node };
  }

  /** Where a file is to be written. */
  async findTarget(path: string, syscall: string): Promise<ExecPlace & { readonly node: LeafNode | null }> {
    const { node, ...place } = await this.resolve(path, syscall, true);
    if (place.asDirectory || node?.kind === "dir") throw fsError("EISDIR", syscall, path);
    this.requireWritable({ ...place, node }, syscall);
    return { ...place, node };
  }

  async children(directory: DirNode): Promise<Map<string, ExecNode>> {
    if (directory.children) return directory.children;
    const reader = this.#readers.get(directory.volume);
    if (!reader) throw new TypeError("a directory of no repository that is not loaded");
    return await this.meter.watch(reader.children(directory));
  }

  async list(path: string): Promise<ReadonlyMap<string, ExecNode>> {
    const { node } = await this.find(path, "scandir");
    if (node.kind !== "dir") throw fsError("ENOTDIR", "scandir", path);
    const children = await this.children(node);
    const { fallback } = this.#paths;
    return node === this.root && fallback
      ? new Map([...(await this.children(fallback)), ...children])
      : children;
  }

  async read(node: ExecNode, site: Site): Promise<Uint8Array> {
    if (node.kind === "dir") throw fsError("EISDIR", "read", site.path);
    if (node.content.kind === "bytes") return node.content.bytes;
    const reader = this.#readers.get(site.parent?.volume ?? null);
    if (!reader) throw new TypeError("a blob outside its repository");
    return await this.meter.watch(
      reader.blobs.read(node.content.oid, pathInside(reader.volume.name, site.path)),
    );
  }

  async describe({ node, ...site }: FoundPlace): Promise<FsStat> {
    return {
      isFile: node.kind === "file",
      isDirectory: node.kind === "dir",
      isSymbolicLink: node.kind === "link",
      mode: node.kind === "file" ? (node.executable ? 0o755 : 0o644) : node.kind === "dir" ? 0o755 : 0o777,
      size: node.kind === "dir" ? 0 : await this.#sizeOf(node, site),
      mtime: new Date(node.mtimeMs),
      // By which cp and mv tell whether two paths are one file.
      identity: site.path,
    };
  }

  /** @throws Error EROFS above the repositories and in submodules, EINVAL for names that git cannot keep */
  requireWritable(place: Pick<ExecPlace, "parent" | "name" | "path" | "node">, syscall: string): DirNode {
    const { parent, name, path, node } = place;
    if (!parent || (parent === this.root && (node === null || node.kind === "dir"))) {
      throw fsError(node === null ? "EROFS" : "EBUSY", syscall, path);
    }
    if (parent.submodule) throw fsError("EROFS", syscall, path);
    if (parent.volume && node === null && findSegmentFault(toByteString(name)) !== null) {
      throw fsError("EINVAL", syscall, path);
    }
    return parent;
  }

  putFile(place: ExecPlace, bytes: Uint8Array): void {
    const executable = place.node?.kind === "file" && place.node.executable;
    this.putLeaf(place, newFile(bytes, executable, this.now()));
  }

  putLeaf(place: ExecPlace, leaf: LeafNode): void {
    const parent = this.requireWritable(place, "open");
    if (leaf.content.kind === "bytes") this.#charge(place.node, leaf.content.bytes);
    this.set(parent, place.name, leaf);
  }

  set(parent: DirNode, name: string, node: ExecNode): void {
    parent.children?.set(name, node);
    parent.mtimeMs = this.now();
  }

  makeDirectory(place: ExecPlace): void {
    const parent = this.requireWritable(place, "mkdir");
    this.set(parent, place.name, newDirectory(parent.volume, this.now()));
  }

  detach(place: ExecPlace, syscall: string): void {
    const parent = this.requireWritable(place, syscall);
    parent.children?.delete(place.name);
    if (place.node && place.node.kind !== "dir") this.#release(place.node);
    parent.mtimeMs = this.now();
  }

  /** To a place in the same repository. */
  move(from: FoundPlace, to: { readonly parent: DirNode; readonly name: string }): void {
    const parent = this.requireWritable(from, "rename");
    parent.children?.delete(from.name);
    parent.mtimeMs = this.now();
    this.set(to.parent, to.name, from.node);
  }

  /** Copies into a place. Contents are shared within a repository, and become bytes on the way into another one. */
  async copyInto(node: ExecNode, from: Site, to: ExecPlace): Promise<void> {
    const parent = this.requireWritable(to, "cp");
    if (node.kind !== "dir") {
      if (to.node?.kind === "dir") throw fsError("EISDIR", "cp", to.path);
      await this.#copyLeaf(node, from, to, parent);
      return;
    }
    if (to.node && to.node.kind !== "dir") throw fsError("ENOTDIR", "cp", to.path);
    const target = to.node ?? newDirectory(parent.volume, this.now());
    if (to.node === null) this.set(parent, to.name, target);
    const present = await this.children(target);
    for (const [name, child] of [...(await this.children(node))]) {
      this.meter.checkUsable();
      const path = `${to.path}/${name}`;
      const place = { parent: target, name, path, node: present.get(name) ?? null, asDirectory: false };
      await this.copyInto(child, { parent: node, path: `${from.path}/${name}` }, place);
    }
  }

  async #copyLeaf(leaf: LeafNode, from: Site, to: ExecPlace, parent: DirNode): Promise<void> {
    // As cp does: a file that is copied over keeps its mode.
    const executable =
      to.node?.kind === "file" && leaf.kind === "file" ? to.node.executable : leaf.executable;
    const copy = { ...leaf, executable, mtimeMs: this.now() };
    if (leaf.content.kind === "bytes") this.#owned.delete(leaf.content.bytes);
    if (leaf.content.kind === "bytes" || from.parent?.volume === parent.volume) {
      this.set(parent, to.name, copy);
      return;
    }
    const bytes = await this.read(leaf, from);
    this.putLeaf(to, { ...copy, content: { kind: "bytes", bytes } });
  }

  #charge(replaced: ExecNode | null, bytes: Uint8Array): void {
    this.meter.checkFile(bytes.length);
    this.meter.chargeWrite(bytes.length);
    if (replaced && replaced.kind !== "dir") this.#release(replaced);
    this.#owned.add(bytes);
  }

  #release({ content }: LeafNode): void {
    if (content.kind === "bytes" && this.#owned.delete(content.bytes))
      this.meter.releaseWrite(content.bytes.length);
  }

  /** Asks for the sizes of a whole directory at once: who asks for one will ask for the next. */
  async #sizeOf(leaf: LeafNode, site: Site): Promise<number> {
    if (leaf.content.kind === "bytes") return leaf.content.bytes.length;
    const reader = this.#readers.get(site.parent?.volume ?? null);
    const siblings = [...(site.parent?.children?.values() ?? [])].filter((node) => node.kind !== "dir");
    const sizes = reader && (await this.meter.watch(reader.sizes([leaf, ...siblings])));
    return sizes?.get(leaf.content.oid) ?? 0;
  }
}

/** The repository's path of what lies at `/<name>/…`, or at `/…` in a shell over a single repository. */
function pathInside(name: string, path: string): string {
  return path.startsWith(`/${name}/`) ? path.slice(name.length + 2) : path.slice(1);
}
