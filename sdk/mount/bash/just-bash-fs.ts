import { MountError, MountPathError } from "../../errors.ts";
import { errnoError } from "../kernel/errno.ts";
import type { NodeFsPromises } from "../node/node-fs.ts";
import type { TextEncoding } from "../node/shapes/node-types.ts";
import type { MountStats } from "../node/shapes/stats.ts";
import type {
  ShellDirent,
  ShellEncoding,
  ShellEncodingOption,
  ShellFs,
  ShellStat,
  ShellWriteOption,
} from "./just-bash-module.ts";
import { ReadAhead, type ReadAheadSource } from "./read-ahead.ts";
import type { RunOutside } from "./run-outside.ts";

/** What a mount gives to the shell's filesystem. */
export interface JustBashSource extends ReadAheadSource {
  readonly promises: NodeFsPromises;
  /** Copies a file or link, or a directory into what is there. */
  copyTree(from: string, to: string): Promise<void>;
}

function encodingOf(options: ShellEncodingOption | ShellWriteOption | undefined): TextEncoding {
  const encoding: ShellEncoding | null | undefined =
    typeof options === "string" ? options : options?.encoding;
  return encoding === "binary" ? "latin1" : (encoding ?? "utf8");
}

/**
 * A mount as just-bash's filesystem. Every method leaves the script's async context, may be detached, and fails with an
 * error whose message begins with the code, as the shell's commands want it.
 */
export function createShellFs(source: JustBashSource, outside: RunOutside): ShellFs {
  const fs = new JustBashFs(source);
  const wrap =
    <A extends unknown[], R>(method: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      outside(() => method.apply(fs, args));
  return {
    readFile: wrap(fs.readFile),
    readFileBuffer: wrap(fs.readFileBuffer),
    writeFile: wrap(fs.writeFile),
    appendFile: wrap(fs.appendFile),
    exists: wrap(fs.exists),
    stat: wrap(fs.stat),
    lstat: wrap(fs.lstat),
    mkdir: wrap(fs.mkdir),
    readdir: wrap(fs.readdir),
    readdirWithFileTypes: wrap(fs.readdirWithFileTypes),
    rm: wrap(fs.rm),
    cp: wrap(fs.cp),
    mv: wrap(fs.mv),
    chmod: wrap(fs.chmod),
    symlink: wrap(fs.symlink),
    link: wrap(fs.link),
    readlink: wrap(fs.readlink),
    realpath: wrap(fs.realpath),
    utimes: wrap(fs.utimes),
    resolvePath,
    getAllPaths: () => [],
  };
}

/** `path` seen from `base`, without `.`, `..` and doubled slashes; links are not looked at. */
export function resolvePath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : base}/${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

class JustBashFs {
  readonly #promises: NodeFsPromises;
  readonly #source: JustBashSource;
  readonly #ahead: ReadAhead;

  constructor(source: JustBashSource) {
    this.#promises = source.promises;
    this.#source = source;
    this.#ahead = new ReadAhead(source);
  }

  async readFile(path: string, options?: ShellEncodingOption): Promise<string> {
    const encoding = encodingOf(options);
    const text = await this.#ahead.read(path, () => this.#promises.readFile(path, encoding));
    // With an encoding it is text.
    return text as string;
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    const bytes = await this.#ahead.read(path, () => this.#promises.readFile(path));
    // Without an encoding it is bytes.
    return bytes as Uint8Array;
  }

  async writeFile(path: string, content: string | Uint8Array, options?: ShellWriteOption): Promise<void> {
    const encoding = encodingOf(options);
    await this.#makingParents(path, () => this.#promises.writeFile(path, content, { encoding }));
  }

  async appendFile(path: string, content: string | Uint8Array, options?: ShellWriteOption): Promise<void> {
    const encoding = encodingOf(options);
    await this.#makingParents(path, () => this.#promises.appendFile(path, content, { encoding }));
  }

  async exists(path: string): Promise<boolean> {
    try {
      await this.#promises.access(path);
      return true;
    } catch (error) {
      if (error instanceof MountPathError || error instanceof TypeError) return false;
      throw error;
    }
  }

  async stat(path: string): Promise<ShellStat> {
    return describe(await this.#promises.stat(path));
  }

  async lstat(path: string): Promise<ShellStat> {
    return describe(await this.#promises.lstat(path));
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    await this.#promises.mkdir(path, { recursive: options?.recursive ?? false });
  }

  async readdir(path: string): Promise<string[]> {
    return (await this.readdirWithFileTypes(path)).map(({ name }) => name);
  }

  async readdirWithFileTypes(path: string): Promise<ShellDirent[]> {
    const entries = await this.#promises.readdir(path, { withFileTypes: true });
    return entries.flatMap((entry) =>
      typeof entry === "string"
        ? []
        : [
            {
              name: entry.name,
              isFile: entry.isFile(),
              isDirectory: entry.isDirectory(),
              isSymbolicLink: entry.isSymbolicLink(),
            },
          ],
    );
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    const { recursive = false, force = false } = options ?? {};
    if (!recursive && (await this.#isDirectory(path))) await this.#promises.rmdir(path);
    else await this.#promises.rm(path, { recursive, force });
  }

  async cp(src: string, dest: string, options?: { recursive?: boolean }): Promise<void> {
    const stats = await this.#promises.lstat(src);
    if (stats.isDirectory() && !options?.recursive) {
      throw errnoError("EISDIR", { syscall: "cp", path: src, dest });
    }
    const before = await this.#findStats(dest);
    await this.#makingParents(dest, () => this.#source.copyTree(src, dest));
    // As cp does: a file that is copied over keeps its mode.
    if (before?.isFile() && stats.isFile()) await this.#promises.chmod(dest, before.mode & 0o777);
  }

  async mv(src: string, dest: string): Promise<void> {
    await this.#makingParents(dest, async () => {
      try {
        await this.#promises.rename(src, dest);
      } catch (error) {
        // Into another repository of the mount.
        if (!(error instanceof MountError && error.code === "EXDEV")) throw error;
        await this.#source.copyTree(src, dest);
        await this.#promises.rm(src, { recursive: true });
      }
    });
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#promises.chmod(path, mode);
  }

  async symlink(target: string, linkPath: string): Promise<void> {
    await this.#promises.symlink(target, linkPath);
  }

  /** Git has no hard links: a copy, as a clone would make it. */
  async link(existingPath: string, newPath: string): Promise<void> {
    const site = { syscall: "link", path: existingPath, dest: newPath };
    if (await this.#isDirectory(existingPath)) throw errnoError("EPERM", site);
    if (await this.exists(newPath)) throw errnoError("EEXIST", site);
    await this.#source.copyTree(existingPath, newPath);
  }

  async readlink(path: string): Promise<string> {
    // Without an encoding it is text.
    return (await this.#promises.readlink(path)) as string;
  }

  async realpath(path: string): Promise<string> {
    return await this.#promises.realpath(path);
  }

  async utimes(path: string, atime: Date, mtime: Date): Promise<void> {
    await this.#promises.utimes(path, atime, mtime);
  }

  async #isDirectory(path: string): Promise<boolean> {
    return (await this.#findStats(path))?.isDirectory() ?? false;
  }

  async #findStats(path: string): Promise<MountStats | null> {
    try {
      return await this.#promises.lstat(path);
    } catch (error) {
      if (error instanceof MountPathError) return null;
      throw error;
    }
  }

  /**
   * Makes the directories above a path when a call fails for want of them. All of just-bash's own filesystems do, and
   * its redirections count on it: one that cannot be opened would end the whole script.
   */
  async #makingParents(path: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      const parent = path.slice(0, path.replace(/\/+$/, "").lastIndexOf("/"));
      if (!(error instanceof MountError && error.code === "ENOENT") || parent === "") throw error;
      if (await this.exists(parent)) throw error;
      await this.#promises.mkdir(parent, { recursive: true });
      await call();
    }
  }
}

function describe(stats: MountStats): ShellStat {
  return {
    isFile: stats.isFile(),
    isDirectory: stats.isDirectory(),
    isSymbolicLink: stats.isSymbolicLink(),
    mode: stats.mode & 0o7777,
    size: stats.size,
    mtime: stats.mtime,
    // By which cp and mv tell whether two paths are one file: made from where the path leads.
    dev: stats.dev,
    ino: stats.ino,
  };
}
