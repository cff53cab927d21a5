import { MountPathError } from "../../errors.ts";
import { type CallSite, errnoError } from "../kernel/errno.ts";
import { isNameTooLong, nameOf } from "../kernel/paths.ts";
import { encodeText } from "../kernel/text.ts";
import { MODE } from "../tree/base-tree.ts";
import { isSame } from "../tree/compare.ts";
import { type FileContent, isDirectory, isEmptyDirectory, isSymlink, modeOf } from "../tree/nodes.ts";
import type { Entry, Place } from "../volume/resolve.ts";
import type { Volume } from "../volume/volume.ts";
import { type CallContext, type Found, requireFound } from "./call-context.ts";
import { requireChangeable, requireFileTarget, requireTarget, shareContent, type Target } from "./targets.ts";

/** Called after each change with the repository's paths that it touched; a write is done when this is. */
export type AfterWrite = (volume: Volume, paths: readonly string[]) => Promise<void> | undefined;

/** How a file is opened for writing. */
export interface WriteMode {
  /** Put the bytes behind what is there. */
  readonly append?: boolean;
  /** The file must not exist yet. */
  readonly exclusive?: boolean;
  /** The file must exist already; bytes beyond the new ones stay. */
  readonly update?: boolean;
  /** Make a new file executable. */
  readonly executable?: boolean;
}

/** One file to be written. */
export interface FileBytes {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

/**
 * The calls that change the mount, by Linux's rules: parents must exist, links are followed where Linux does. Each
 * resolves its paths and makes its change in one go, so concurrent calls act one after the other.
 */
export class WriteCalls {
  readonly #context: CallContext;
  readonly #afterWrite: AfterWrite;

  constructor(context: CallContext, afterWrite: AfterWrite) {
    this.#context = context;
    this.#afterWrite = afterWrite;
  }

  async writeFile(path: unknown, bytes: Uint8Array, site: CallSite, mode: WriteMode = {}): Promise<void> {
    const open = () => (mode.update ? this.#existingFile(path, site) : this.#fileTarget(path, site, mode));
    const newMode = mode.executable ? MODE.executable : MODE.file;
    if (mode.append || mode.update) {
      const edit = (before: Uint8Array) => (mode.append ? concat(before, bytes) : overlay(before, bytes));
      await this.#rewrite(open, edit, newMode, site);
      return;
    }
    await this.#change(site, () => {
      const target = open();
      this.#putFile(target, bytes, newMode, site);
      return target;
    });
  }

  async truncate(path: unknown, length: number, site: CallSite): Promise<void> {
    if (!Number.isSafeInteger(length) || length < 0) throw errnoError("EINVAL", site);
    this.#checkSize(length, site);
    const edit = (before: Uint8Array) => {
      const after = new Uint8Array(length);
      after.set(before.subarray(0, length));
      return after;
    };
    await this.#rewrite(() => this.#existingFile(path, site), edit, MODE.file, site);
  }

  /**
   * Writes several files, or none when one of them cannot be: directories on the way are made, and nobody sees a part.
   *
   * @throws MountPathError EINVAL for a path that is named twice, and as `writeFile`
   */
  async writeFiles(files: readonly FileBytes[]): Promise<void> {
    const site = { syscall: "open", path: files[0]?.path };
    const targets = await this.#context.run(() => this.#putAll(files), site);
    const byVolume = new Map<Volume, string[]>();
    for (const { volume, path } of targets) byVolume.set(volume, [...(byVolume.get(volume) ?? []), path]);
    await Promise.all([...byVolume].map(([volume, paths]) => this.#afterWrite(volume, paths)));
  }

  /** New content of a file that exists, made from its bytes; made again when they change meanwhile. */
  async rewrite(path: unknown, edit: (before: Uint8Array) => Uint8Array, site: CallSite): Promise<void> {
    await this.#rewrite(() => this.#existingFile(path, site), edit, MODE.file, site);
  }

  /** Makes a directory; with `recursive` those above it too. The first one made, as it was written; undefined for none. */
  async mkdir(
    path: string,
    site: CallSite,
    options: { readonly recursive: boolean },
  ): Promise<string | undefined> {
    if (options.recursive) return await this.#context.run(() => this.#makeAll(path, site), site);
    await this.#context.run(() => this.#makeDirectory(path, site), site);
    return path;
  }

  async rmdir(path: unknown, site: CallSite): Promise<void> {
    await this.#change(site, () => {
      const entry = this.#context.resolveEntry(path, site);
      if (entry.ends !== "name") throw errnoError(entry.ends === "." ? "EINVAL" : "ENOTEMPTY", site);
      const found = requireChangeable(entry, site);
      if (!isDirectory(found.node)) throw errnoError("ENOTDIR", site);
      if (found.path === "") throw errnoError("EBUSY", site);
      if (!isEmptyDirectory(found.node)) throw errnoError("ENOTEMPTY", site);
      return this.#remove(found);
    });
  }

  async unlink(path: unknown, site: CallSite): Promise<void> {
    await this.#change(site, () => {
      const entry = this.#context.resolveEntry(path, site);
      const found = requireChangeable(entry, site);
      if (isDirectory(found.node)) throw errnoError("EISDIR", site);
      if (entry.asDirectory) throw errnoError("ENOTDIR", site);
      return this.#remove(found);
    });
  }

  /**
   * Removes whatever is there, a directory with all below it. Links are removed, never followed: `link/` is refused,
   * where node would empty the directory that it leads to.
   */
  async removeTree(path: unknown, site: CallSite): Promise<void> {
    await this.#change(site, () => {
      const entry = this.#context.resolveEntry(path, site);
      const directory = { ...site, syscall: "rmdir" };
      if (entry.ends !== "name") throw errnoError("EINVAL", directory);
      const found = requireChangeable(entry, entry.node && isDirectory(entry.node) ? directory : site);
      if (found.path === "") throw errnoError("EBUSY", directory);
      if (entry.asDirectory && !isDirectory(found.node)) throw errnoError("ENOTDIR", site);
      return this.#remove(found);
    });
  }

  async rename(from: unknown, to: unknown, site: CallSite): Promise<void> {
    await this.#change(site, () => {
      const first = this.#context.resolveEntry(from, site);
      // The last name of the target is looked at after the source.
      if (first.node === null && isNameTooLong(nameOf(String(to)))) throw errnoError("ENOENT", site);
      const entries = [first, this.#context.resolveEntry(to, site)] as const;
      if (entries.some((entry) => entry.ends !== "name" || entry.path === ""))
        throw errnoError("EBUSY", site);
      const source = requireChangeable(entries[0], site);
      const target = requireTarget(entries[1], site);
      if (source.volume !== target.volume) throw errnoError("EXDEV", site);
      checkRename({ ...source, asDirectory: entries[0].asDirectory }, entries[1], site);
      if (source.path === target.path) return { volume: source.volume, paths: [] };
      source.volume.editor.move(source.path, target.path);
      source.volume.inodes.move(source.path, target.path, isDirectory(source.node));
      return { volume: source.volume, paths: [source.path, target.path] };
    });
  }

  async symlink(text: string, path: unknown, site: CallSite): Promise<void> {
    if (text === "") throw errnoError("ENOENT", site);
    await this.#change(site, () => {
      const entry = this.#context.resolveEntry(path, site);
      if (entry.node !== null) throw errnoError("EEXIST", site);
      if (entry.asDirectory) throw errnoError("ENOENT", site);
      const target = requireTarget(entry, site);
      this.#put(target, { kind: "bytes", bytes: encodeText(text), sha: null }, MODE.symlink);
      return target;
    });
  }

  /** Keeps of a mode what git keeps: whether the owner may execute the file. */
  async chmod(path: unknown, mode: number, site: CallSite): Promise<void> {
    await this.#change(site, () => {
      const found = requireChangeable(this.#context.resolve(path, site, true), site);
      const wanted = mode & 0o100 ? MODE.executable : MODE.file;
      const content = shareContent(found, found.volume);
      const { volume } = found;
      if (isDirectory(found.node) || modeOf(found.node) === wanted || content === null)
        return { volume, paths: [] };
      this.#put(found, content, wanted);
      return found;
    });
  }

  /** Makes a change in one go, and waits for what has to follow it. */
  async #change(
    site: CallSite,
    work: () =>
      | Pick<Target, "volume" | "path">
      | { readonly volume: Volume; readonly paths: readonly string[] },
  ): Promise<void> {
    const pending = this.#context.run(work, site);
    const done = pending instanceof Promise ? await pending : pending;
    const paths = "paths" in done ? done.paths : [done.path];
    if (paths.length > 0) await this.#afterWrite(done.volume, paths);
  }

  #putAll(files: readonly FileBytes[]): Target[] {
    const before = this.#context.table.volumes.map((volume) => ({ volume, root: volume.editor.freeze() }));
    const targets: Target[] = [];
    const seen = new Set<string>();
    try {
      for (const { path, bytes, executable } of files) {
        const site = { syscall: "open", path };
        const target = this.#openTarget(path, site);
        const place = this.#context.table.format(target.volume, target.path);
        if (seen.has(place)) throw errnoError("EINVAL", site, { detail: "the path is named twice" });
        seen.add(place);
        this.#putFile(target, bytes, executable ? MODE.executable : MODE.file, site);
        targets.push(target);
      }
      return targets;
    } catch (error) {
      for (const { volume, root } of before) volume.editor.reset(root);
      throw error;
    }
  }

  /** Where a file is to be written, directories above it made when they are missing. */
  #openTarget(path: string, site: CallSite): Target {
    try {
      return this.#fileTarget(path, site, {});
    } catch (error) {
      const parent = parentText(path);
      const isMissing = error instanceof MountPathError && error.code === "ENOENT" && parent !== "/";
      if (!isMissing) throw error;
      this.#makeAll(parent, site);
      return this.#fileTarget(path, site, {});
    }
  }

  #fileTarget(path: unknown, site: CallSite, mode: WriteMode): Target {
    const entry = () => this.#context.resolveEntry(path, site);
    const place = () => this.#context.resolve(path, site, true);
    return requireFileTarget({ entry, place }, mode.exclusive ?? false, site);
  }

  #existingFile(path: unknown, site: CallSite): Target {
    const found = requireFound(this.#context.resolve(path, site, true), site);
    if (isDirectory(found.node)) throw errnoError("EISDIR", site);
    return requireTarget(found, site);
  }

  #put(target: Pick<Target, "volume" | "path">, content: FileContent, mode: number): void {
    target.volume.editor.set(target.path, { kind: "file", mode, mtimeMs: this.#context.now(), content });
  }

  #putFile(target: Target, bytes: Uint8Array, newMode: number, site: CallSite): void {
    this.#checkSize(bytes.length, site);
    const mode = target.node === null || isSymlink(target.node) ? newMode : modeOf(target.node);
    this.#put(target, { kind: "bytes", bytes, sha: null }, mode);
  }

  #checkSize(bytes: number, site: CallSite): void {
    const { fileBytes } = this.#context.remote.limits;
    if (bytes <= fileBytes) return;
    throw errnoError("EFBIG", site, {
      detail: `file too large: ${bytes} bytes, a commit takes ${fileBytes} per file`,
    });
  }

  /** Content made from the content that is there. Reading may take time, so it starts over when that has changed. */
  async #rewrite(
    open: () => Target,
    edit: (before: Uint8Array) => Uint8Array,
    newMode: number,
    site: CallSite,
  ): Promise<void> {
    for (;;) {
      const { volume, path, node } = await this.#context.run(open, site);
      const before =
        node === null ? new Uint8Array(0) : (await this.#context.read({ volume, path, node }, site)).bytes;
      let done = false;
      await this.#change(site, () => {
        const target = open();
        done = target.volume === volume && target.path === path && isSame(target.node, node);
        if (!done) return { volume, paths: [] };
        this.#putFile(target, edit(before), newMode, site);
        return target;
      });
      if (done) return;
    }
  }

  #remove(found: Found): Found {
    found.volume.editor.set(found.path, null);
    return found;
  }

  #makeDirectory(path: unknown, site: CallSite): void {
    const entry = this.#context.resolveEntry(path, site);
    if (entry.node !== null) throw errnoError("EEXIST", site);
    const target = requireTarget(entry, site);
    target.volume.editor.set(target.path, target.volume.editor.emptyDirectory());
  }

  /** Makes what is missing from the deepest directory that exists downwards; undefined when all is there. */
  #makeAll(path: string, site: CallSite): string | undefined {
    const missing = [path];
    // A path that is still missing after those above it were made will stay so.
    const tried = new Set<string>();
    let first: string | undefined;
    for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
      const code = this.#tryMakeDirectory(next, site);
      if (code === null) {
        first ??= next;
      } else if (code === "ENOENT") {
        const parent = parentText(next);
        if (parent === next || tried.has(next)) throw errnoError("ENOENT", site);
        tried.add(next);
        missing.push(next, parent);
      } else if (code === "EEXIST") {
        this.#checkIsDirectory(next, missing.length > 0, site);
      } else {
        throw errnoError(code, site);
      }
    }
    return first;
  }

  #tryMakeDirectory(path: string, site: CallSite): "ENOENT" | "EEXIST" | null {
    try {
      this.#makeDirectory(path, site);
      return null;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code === "ENOENT" || code === "EEXIST") return code;
      throw error;
    }
  }

  /** What stands in the way of a directory must be one; a link that leads nowhere is none. */
  #checkIsDirectory(path: string, onTheWay: boolean, site: CallSite): void {
    let place: Place;
    try {
      place = this.#context.resolve(path, site, true);
    } catch (error) {
      if (onTheWay && error instanceof MountPathError) throw errnoError("ENOTDIR", { ...site, path });
      throw error;
    }
    const isRoot = place.volume === null && place.path === "";
    if (isRoot || (place.node !== null && isDirectory(place.node))) return;
    if (onTheWay) throw errnoError("ENOTDIR", { ...site, path });
    throw errnoError(place.node === null ? "ENOENT" : "EEXIST", site);
  }
}

/** Linux's rules for a rename; the paths are in one repository and neither is its root. */
function checkRename(source: Found, target: Entry, site: CallSite): void {
  const { node } = target;
  const directory = isDirectory(source.node);
  if (!directory && (source.asDirectory || target.asDirectory)) throw errnoError("ENOTDIR", site);
  if (target.path.startsWith(`${source.path}/`)) throw errnoError(directory ? "EINVAL" : "ENOTDIR", site);
  if (source.path.startsWith(`${target.path}/`)) throw errnoError("ENOTEMPTY", site);
  if (source.path === target.path || node === null) return;
  if (!directory && isDirectory(node)) throw errnoError("EISDIR", site);
  if (directory && !isDirectory(node)) throw errnoError("ENOTDIR", site);
  if (directory && !isEmptyDirectory(node)) throw errnoError("ENOTEMPTY", site);
}

/** The text of the directory that a path is in. */
function parentText(path: string): string {
  const text = path.replace(/\/+$/, "");
  const slash = text.lastIndexOf("/");
  return slash <= 0 ? "/" : text.slice(0, slash);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

function overlay(before: Uint8Array, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.max(before.length, bytes.length));
  whole.set(before);
  whole.set(bytes);
  return whole;
}
