import type { FsStat, IFileSystem } from "just-bash/browser";
import { type ExecNode, newDirectory, newFile } from "./exec-node.ts";
import { ExecTree, type ExecTreeParts } from "./exec-tree.ts";
import { fsError } from "./fs-error.ts";
import type { ExecPlace } from "./resolve-exec-path.ts";
import { decodeShellText, encodeShellText, type ShellEncoding } from "./shell-text.ts";

const DISCARDING = "/dev/null";

type EncodingOption = ShellEncoding | { readonly encoding?: ShellEncoding | null } | undefined;

function encodingOf(options: EncodingOption): ShellEncoding {
  return (typeof options === "string" ? options : options?.encoding) ?? "utf8";
}

/**
 * The filesystem of one command: repositories below `/<name>/`, read lazily and never written to, with all changes in
 * memory; around them what a shell expects of a system (`/dev`, `/bin`, `/tmp`), in memory alone. With a single
 * repository `/x` means its `x` where the system has none.
 */
export class ExecFs implements IFileSystem {
  readonly tree: ExecTree;

  constructor(parts: ExecTreeParts) {
    this.tree = new ExecTree(parts);
  }

  async readFile(path: string, options?: EncodingOption): Promise<string> {
    return decodeShellText(await this.readFileBuffer(path), encodingOf(options));
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    const place = await this.tree.find(path, "open");
    if (place.node.kind === "dir") throw fsError("EISDIR", "read", path);
    return await this.tree.read(place.node, place);
  }

  async writeFile(path: string, content: string | Uint8Array, options?: EncodingOption): Promise<void> {
    const bytes =
      typeof content === "string" ? encodeShellText(content, encodingOf(options)) : content.slice();
    const place = await this.#makingParents(path, () => this.tree.findTarget(path, "open"));
    if (place.path !== DISCARDING) this.tree.putFile(place, bytes);
  }

  async appendFile(path: string, content: string | Uint8Array, options?: EncodingOption): Promise<void> {
    const bytes = typeof content === "string" ? encodeShellText(content, encodingOf(options)) : content;
    const place = await this.#makingParents(path, () => this.tree.findTarget(path, "open"));
    if (place.path === DISCARDING) return;
    const before = place.node ? await this.tree.read(place.node, place) : new Uint8Array(0);
    const whole = new Uint8Array(before.length + bytes.length);
    whole.set(before);
    whole.set(bytes, before.length);
    this.tree.putFile(place, whole);
  }

  async exists(path: string): Promise<boolean> {
    try {
      return (await this.tree.resolve(path, "access", true)).node !== null;
    } catch (error) {
      this.tree.meter.checkUsable();
      if (error instanceof Error && "code" in error) return false;
      throw error;
    }
  }

  async stat(path: string): Promise<FsStat> {
    return await this.tree.describe(await this.tree.find(path, "stat"));
  }

  async lstat(path: string): Promise<FsStat> {
    return await this.tree.describe(await this.tree.find(path, "lstat", false));
  }

  async mkdir(path: string, options?: { readonly recursive?: boolean }): Promise<void> {
    if (options?.recursive) await this.#makeAll(path);
    else await this.#makeDirectory(path);
  }

  async readdir(path: string): Promise<string[]> {
    return [...(await this.tree.list(path)).keys()].sort();
  }

  async readdirWithFileTypes(path: string) {
    const entries = [...(await this.tree.list(path))].map(([name, node]) => ({
      name,
      isFile: node.kind === "file",
      isDirectory: node.kind === "dir",
      isSymbolicLink: node.kind === "link",
    }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async rm(
    path: string,
    options?: { readonly recursive?: boolean; readonly force?: boolean },
  ): Promise<void> {
    let place: ExecPlace;
    try {
      place = await this.tree.resolve(path, "rm", false);
    } catch (error) {
      this.tree.meter.checkUsable();
      if (options?.force && error instanceof Error && "code" in error && error.code === "ENOENT") return;
      throw error;
    }
    if (place.node === null) {
      if (options?.force) return;
      throw fsError("ENOENT", "rm", path);
    }
    if (place.node.kind === "dir" && !options?.recursive && (await this.tree.children(place.node)).size > 0) {
      throw fsError("ENOTEMPTY", "rm", path);
    }
    this.tree.detach(place, "rm");
  }

  async cp(source: string, destination: string, options?: { readonly recursive?: boolean }): Promise<void> {
    const from = await this.tree.find(source, "cp", false);
    if (from.node.kind === "dir" && !options?.recursive) throw fsError("EISDIR", "cp", source);
    const to = await this.#makingParents(destination, () => this.tree.resolve(destination, "cp", false));
    if (`${to.path}/`.startsWith(`${from.path}/`)) {
      if (to.path === from.path && from.node.kind !== "dir") return;
      throw fsError("EINVAL", "cp", source);
    }
    await this.tree.copyInto(from.node, from, to);
  }

  async mv(source: string, destination: string): Promise<void> {
    const from = await this.tree.find(source, "rename", false);
    const to = await this.#makingParents(destination, () => this.tree.resolve(destination, "rename", false));
    if (from.path === to.path) return;
    if (to.path.startsWith(`${from.path}/`)) throw fsError("EINVAL", "rename", source);
    const parent = this.tree.requireWritable(to, "rename");
    if (to.node?.kind === "dir") {
      if (from.node.kind !== "dir") throw fsError("EISDIR", "rename", destination);
      if ((await this.tree.children(to.node)).size > 0) throw fsError("ENOTEMPTY", "rename", destination);
    } else if (to.node && from.node.kind === "dir") throw fsError("ENOTDIR", "rename", destination);
    if (from.parent?.volume === parent.volume) {
      this.tree.move(from, { parent, name: to.name });
      return;
    }
    await this.tree.copyInto(from.node, from, to);
    this.tree.detach(from, "rename");
  }

  resolvePath(base: string, path: string): string {
    const parts: string[] = [];
    for (const part of `${path.startsWith("/") ? "" : base}/${path}`.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    return `/${parts.join("/")}`;
  }

  /** Unknown without reading everything; globs fall back to listing directories. */
  getAllPaths(): string[] {
    return [];
  }

  async chmod(path: string, mode: number): Promise<void> {
    const place = await this.tree.find(path, "chmod");
    if (place.node.kind !== "file") return;
    const executable = (mode & 0o100) !== 0;
    const parent = this.tree.requireWritable(place, "chmod");
    if (executable !== place.node.executable)
      this.tree.set(parent, place.name, { ...place.node, executable });
  }

  async symlink(target: string, path: string): Promise<void> {
    const place = await this.tree.resolve(path, "symlink", false);
    if (place.node) throw fsError("EEXIST", "symlink", path);
    if (target === "") throw fsError("ENOENT", "symlink", path);
    const bytes = encodeShellText(target, "utf8");
    const content = { kind: "bytes", bytes } as const;
    this.tree.putLeaf(place, { kind: "link", executable: false, content, mtimeMs: this.tree.now() });
  }

  /** Git has no hard links: a copy, as a clone would make it. */
  async link(existing: string, path: string): Promise<void> {
    const from = await this.tree.find(existing, "link", false);
    if (from.node.kind === "dir") throw fsError("EPERM", "link", existing);
    const place = await this.tree.resolve(path, "link", false);
    if (place.node) throw fsError("EEXIST", "link", path);
    await this.tree.copyInto(from.node, from, place);
  }

  async readlink(path: string): Promise<string> {
    const place = await this.tree.find(path, "readlink", false);
    if (place.node.kind !== "link") throw fsError("EINVAL", "readlink", path);
    return decodeShellText(await this.tree.read(place.node, place), "utf8");
  }

  async realpath(path: string): Promise<string> {
    return (await this.tree.find(path, "realpath")).path;
  }

  /** Kept while the command runs; git has no file times. */
  async utimes(path: string, _atime: Date, mtime: Date): Promise<void> {
    const place = await this.tree.find(path, "utime");
    const parent = this.tree.requireWritable(place, "utime");
    if (place.node.kind === "dir") place.node.mtimeMs = mtime.getTime();
    else parent.children?.set(place.name, { ...place.node, mtimeMs: mtime.getTime() });
  }

  /** With `writeFileSync` what the shell sets up its `/bin` and `/dev` with. */
  mkdirSync(path: string): void {
    let directory = this.tree.root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      const present = directory.children?.get(name);
      const next = present?.kind === "dir" ? present : newDirectory(null, this.tree.now());
      if (next !== present) directory.children?.set(name, next);
      directory = next;
      if (directory.volume) return;
    }
  }

  writeFileSync(path: string, content: string | Uint8Array): void {
    const slash = path.lastIndexOf("/");
    this.mkdirSync(path.slice(0, slash));
    let directory: ExecNode | undefined = this.tree.root;
    for (const name of path
      .slice(0, slash)
      .split("/")
      .filter((part) => part !== "")) {
      directory = directory?.kind === "dir" ? directory.children?.get(name) : undefined;
    }
    if (directory?.kind !== "dir" || directory.volume) return;
    const bytes = typeof content === "string" ? encodeShellText(content, "utf8") : content;
    directory.children?.set(path.slice(slash + 1), newFile(bytes, path.includes("bin/"), this.tree.now()));
  }

  /**
   * Where something is to be put, with the directories on the way. All of just-bash's own filesystems make them, and its
   * redirections count on it: one that cannot be opened would end the whole script.
   */
  async #makingParents<T>(path: string, find: () => Promise<T>): Promise<T> {
    try {
      return await find();
    } catch (error) {
      const parent = path.slice(0, path.replace(/\/+$/, "").lastIndexOf("/"));
      const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!missing || parent === "" || (await this.exists(parent))) throw error;
      await this.#makeAll(parent);
      return await find();
    }
  }

  async #makeDirectory(path: string): Promise<void> {
    const place = await this.tree.resolve(path, "mkdir", false);
    if (place.node) throw fsError("EEXIST", "mkdir", path);
    this.tree.makeDirectory(place);
  }

  async #makeAll(path: string): Promise<void> {
    const parts = path.split("/");
    for (let end = 1; end <= parts.length; end++) {
      const prefix = parts.slice(0, end).join("/");
      if (prefix === "" || parts[end - 1] === "") continue;
      const place = await this.tree.resolve(prefix, "mkdir", true);
      if (place.node?.kind === "dir") continue;
      if (place.node) throw fsError(end === parts.length ? "EEXIST" : "ENOTDIR", "mkdir", path);
      await this.#makeDirectory(prefix);
    }
  }
}
