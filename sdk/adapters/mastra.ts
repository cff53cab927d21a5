import {
  type CopyOptions,
  DirectoryNotEmptyError,
  DirectoryNotFoundError,
  type FileContent,
  type FileEntry,
  FileExistsError,
  FileNotFoundError,
  type FileStat,
  type FilesystemGrepOptions,
  type FilesystemGrepResult,
  IsDirectoryError,
  type ListOptions,
  MastraFilesystem,
  NotDirectoryError,
  type ProviderStatus,
  type ReadOptions,
  type RemoveOptions,
  StaleFileError,
  WorkspaceReadOnlyError,
  type WriteOptions,
} from "@mastra/core/workspace";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { ChangeTimes } from "./files/change-times.ts";
import { createTurns, type Turns } from "./files/turns.ts";
import { codeOf, parentOf, parsePath, translate } from "./mastra/errors.ts";
import { listDirectory } from "./mastra/listing.ts";
import { grepMount } from "./mastra/search.ts";

/** Names of the filesystem in Mastra; a workspace with several mounts gives each its own `id`. */
export interface MountFilesystemOptions {
  readonly id?: string;
  readonly displayName?: string;
}

/** COPYFILE_EXCL of node. */
const EXCLUSIVE = 1;

/**
 * A mount as the filesystem of a Mastra workspace. Paths start at the mount's root, with or without a slash. What it
 * writes is in the mount; saving it is the mount's affair: commit mode `"auto"`, or `mount.commit()`.
 *
 * @example
 * const workspace = new Workspace({ filesystem: new MountFilesystem(mount) });
 */
export class MountFilesystem extends MastraFilesystem {
  readonly id: string;
  readonly name = "MountFilesystem";
  readonly provider = "coregit";
  readonly readOnly: boolean;
  readonly displayName: string;
  status: ProviderStatus = "pending";
  readonly #mount: MountedFS;
  readonly #times = new ChangeTimes();
  readonly #inTurn: Turns = createTurns();

  constructor(mount: MountedFS, options: MountFilesystemOptions = {}) {
    super({ name: "MountFilesystem" });
    this.#mount = mount;
    this.id = options.id ?? "coregit";
    this.displayName = options.displayName ?? "Coregit";
    this.readOnly = mount.readOnly;
  }

  getInstructions(): string {
    return 'A Git repository. "/" is its root; relative paths start there too. Empty directories are not kept.';
  }

  async readFile(path: string, options?: ReadOptions): ReturnType<MastraFilesystem["readFile"]> {
    const read = async () => {
      const content = await this.#mount.promises.readFile(parsePath(path), options?.encoding ?? null);
      return content as Awaited<ReturnType<MastraFilesystem["readFile"]>>; // A Buffer wherever Mastra runs.
    };
    return await translate(read, "readFile", {
      ENOENT: () => new FileNotFoundError(path),
      EISDIR: () => new IsDirectoryError(path),
    });
  }

  async writeFile(path: string, content: FileContent, options: WriteOptions = {}): Promise<void> {
    const inside = this.#parseForWrite(path, "writeFile");
    await this.#inTurn(inside, async () => {
      if (options.recursive === false) await this.#checkParent(path, inside);
      else await this.#makeParents(inside);
      if (options.expectedMtime !== undefined) await this.#checkTime(path, options.expectedMtime);
      const write = () =>
        this.#mount.promises.writeFile(inside, content, { flag: options.overwrite === false ? "wx" : "w" });
      const exists = () => new FileExistsError(path);
      await translate(write, "writeFile", options.overwrite === false ? { EEXIST: exists } : {});
    });
  }

  async appendFile(path: string, content: FileContent): Promise<void> {
    const inside = this.#parseForWrite(path, "appendFile");
    await this.#inTurn(inside, async () => {
      await this.#makeParents(inside);
      await this.#mount.promises.appendFile(inside, content);
    });
  }

  async deleteFile(path: string, options: RemoveOptions = {}): Promise<void> {
    const inside = this.#parseForWrite(path, "deleteFile");
    const remove = async () => {
      if ((await this.#mount.promises.stat(inside)).isDirectory()) throw new IsDirectoryError(path);
      await this.#mount.promises.unlink(inside);
    };
    await this.#unlessForced(options, () =>
      translate(remove, "deleteFile", { ENOENT: () => new FileNotFoundError(path) }),
    );
  }

  async copyFile(from: string, to: string, options: CopyOptions = {}): Promise<void> {
    const target = this.#parseForWrite(to, "copyFile");
    const copy = async () => {
      const source = parsePath(from);
      await this.#checkReachable(target);
      if ((await this.#mount.promises.stat(source)).isDirectory()) {
        if (!options.recursive) throw new IsDirectoryError(from);
        await this.#mount.cp(source, target, { recursive: true, force: options.overwrite !== false });
        return;
      }
      await this.#makeParents(target);
      await this.#mount.promises.copyFile(source, target, options.overwrite === false ? EXCLUSIVE : 0);
    };
    await translate(copy, "copyFile", {
      ENOENT: () => new FileNotFoundError(from),
      ...(options.overwrite === false ? { EEXIST: () => new FileExistsError(to) } : {}),
    });
  }

  async moveFile(from: string, to: string, options: CopyOptions = {}): Promise<void> {
    const target = this.#parseForWrite(to, "moveFile");
    const source = parsePath(from);
    await this.#makeParents(target);
    if (options.overwrite === false) {
      await this.copyFile(from, to, options);
      await this.#mount.rm(source, { recursive: true, force: true });
      return;
    }
    const move = () => this.#mount.promises.rename(source, target);
    await translate(move, "moveFile", { ENOENT: () => new FileNotFoundError(from) });
  }

  async mkdir(path: string, options: { recursive?: boolean } = {}): Promise<void> {
    const inside = this.#parseForWrite(path, "mkdir");
    const { promises } = this.#mount;
    try {
      if (inside !== "/") await promises.mkdir(inside, { recursive: options.recursive ?? true });
    } catch (error) {
      if (codeOf(error) === "ENOENT") throw new DirectoryNotFoundError(parentOf(path));
      if (codeOf(error) !== "EEXIST") throw error;
      if (!(await promises.stat(inside)).isDirectory()) throw new FileExistsError(path);
    }
  }

  async rmdir(path: string, options: RemoveOptions = {}): Promise<void> {
    const inside = this.#parseForWrite(path, "rmdir");
    const remove = async () => {
      if (!(await this.#mount.promises.stat(inside)).isDirectory()) throw new NotDirectoryError(path);
      if (options.recursive) await this.#mount.rm(inside, { recursive: true });
      else await this.#mount.promises.rmdir(inside);
    };
    await this.#unlessForced(options, () =>
      translate(remove, "rmdir", {
        ENOENT: () => new DirectoryNotFoundError(path),
        ENOTEMPTY: () => new DirectoryNotEmptyError(path),
      }),
    );
  }

  async readdir(path: string, options?: ListOptions): Promise<FileEntry[]> {
    return await listDirectory(this.#mount, path, parsePath(path), options);
  }

  async exists(path: string): Promise<boolean> {
    return await this.#mount.exists(parsePath(path));
  }

  /** `modifiedAt` changes when the content does, and only then. Git keeps no time of creation: it is the same. */
  async stat(path: string): Promise<FileStat> {
    const inside = parsePath(path);
    const found = await translate(() => this.#mount.stat(inside), "stat", {
      ENOENT: () => new FileNotFoundError(path),
    });
    const isFile = found.type !== "folder";
    const time = found.mtime.getTime();
    const modifiedAt = new Date(isFile ? this.#times.find(inside, found.sha, time) : time);
    return {
      name: inside.slice(inside.lastIndexOf("/") + 1),
      path: inside.slice(1),
      type: isFile ? "file" : "directory",
      size: found.size,
      createdAt: modifiedAt,
      modifiedAt,
    };
  }

  async realpath(path: string): Promise<string> {
    return (await this.#mount.promises.realpath(parsePath(path))).slice(1);
  }

  /** Searches in one request what would be one per file. */
  async grep(options: FilesystemGrepOptions): Promise<FilesystemGrepResult[]> {
    return await grepMount(this.#mount, options, (name) => this.isTextFile(name));
  }

  #parseForWrite(path: string, operation: string): string {
    if (this.readOnly) throw new WorkspaceReadOnlyError(operation);
    return parsePath(path);
  }

  /** Rejects with ENOTDIR when a file is on the way to a destination: told before a source that is missing, as Mastra does. */
  async #checkReachable(inside: string): Promise<void> {
    try {
      await this.#mount.promises.lstat(inside);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  async #makeParents(inside: string): Promise<void> {
    const parent = parentOf(inside);
    const make = () => this.#mount.promises.mkdir(parent, { recursive: true });
    if (parent !== "/") await translate(make, "mkdir", { EEXIST: () => new NotDirectoryError(parent) });
  }

  async #checkParent(path: string, inside: string): Promise<void> {
    const parent = parentOf(path);
    const look = () => this.#mount.promises.stat(parentOf(inside));
    const stat = await translate(look, "writeFile", { ENOENT: () => new DirectoryNotFoundError(parent) });
    if (!stat.isDirectory()) throw new NotDirectoryError(parent);
  }

  /** A file that is gone is written anew, as Mastra's own filesystem has it. */
  async #checkTime(path: string, expected: Date): Promise<void> {
    try {
      const { modifiedAt } = await this.stat(path);
      if (modifiedAt.getTime() !== expected.getTime()) throw new StaleFileError(path, expected, modifiedAt);
    } catch (error) {
      if (!(error instanceof FileNotFoundError)) throw error;
    }
  }

  async #unlessForced(options: RemoveOptions, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const missing = error instanceof FileNotFoundError || error instanceof DirectoryNotFoundError;
      if (!missing || !options.force) throw error;
    }
  }
}
