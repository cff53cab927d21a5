import { resolvePath } from "./just-bash-fs.ts";
import type {
  ShellDirent,
  ShellEncodingOption,
  ShellFs,
  ShellStat,
  ShellWriteOption,
} from "./just-bash-module.ts";

/** What a shell expects beside the files it works on. In memory, and part of no commit. */
const SYSTEM = ["bin", "dev", "etc", "home", "proc", "tmp", "usr"];
/** Of these the shell's own always count. */
const ALWAYS_SYSTEM = ["dev", "proc"];
const DISCARDING = "/dev/null";

/**
 * A mount as the shell's root, with `/bin`, `/dev`, `/tmp` and their like around it. Where the mount has an entry of
 * such a name at its top, that entry counts, except for `/dev` and `/proc`.
 */
export class RootFs implements ShellFs {
  readonly #system: ShellFs;
  readonly #mount: ShellFs;
  readonly #hasTop: (name: string) => boolean;

  constructor(parts: {
    readonly system: ShellFs;
    readonly mount: ShellFs;
    readonly hasTop: (name: string) => boolean;
  }) {
    this.#system = parts.system;
    this.#mount = parts.mount;
    this.#hasTop = parts.hasTop;
  }

  async readFile(path: string, options?: ShellEncodingOption): Promise<string> {
    return await this.#at(path).readFile(path, options);
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    return await this.#at(path).readFileBuffer(path);
  }

  async writeFile(path: string, content: string | Uint8Array, options?: ShellWriteOption): Promise<void> {
    if (resolvePath("/", path) !== DISCARDING) await this.#at(path).writeFile(path, content, options);
  }

  async appendFile(path: string, content: string | Uint8Array, options?: ShellWriteOption): Promise<void> {
    if (resolvePath("/", path) !== DISCARDING) await this.#at(path).appendFile(path, content, options);
  }

  async exists(path: string): Promise<boolean> {
    return await this.#at(path).exists(path);
  }

  async stat(path: string): Promise<ShellStat> {
    return await this.#at(path).stat(path);
  }

  async lstat(path: string): Promise<ShellStat> {
    return await this.#at(path).lstat(path);
  }

  async mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    await this.#at(path).mkdir(path, options);
  }

  async readdir(path: string): Promise<string[]> {
    return (await this.readdirWithFileTypes(path)).map(({ name }) => name);
  }

  async readdirWithFileTypes(path: string): Promise<ShellDirent[]> {
    if (resolvePath("/", path) !== "/") return await listTyped(this.#at(path), path);
    const own = await listTyped(this.#mount, "/");
    const names = new Set(own.map(({ name }) => name));
    const system = (await listTyped(this.#system, "/")).filter(
      ({ name }) => SYSTEM.includes(name) && !names.has(name),
    );
    return [...own, ...system].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    await this.#at(path).rm(path, options);
  }

  async cp(src: string, dest: string, options?: { recursive?: boolean }): Promise<void> {
    const [from, to] = [this.#at(src), this.#at(dest)];
    if (from === to) await from.cp(src, dest, options);
    else await copyAcross({ from, to }, src, dest, options?.recursive ?? false);
  }

  async mv(src: string, dest: string): Promise<void> {
    const [from, to] = [this.#at(src), this.#at(dest)];
    if (from === to) {
      await from.mv(src, dest);
      return;
    }
    await copyAcross({ from, to }, src, dest, true);
    await from.rm(src, { recursive: true });
  }

  resolvePath(base: string, path: string): string {
    return resolvePath(base, path);
  }

  getAllPaths(): string[] {
    return [];
  }

  async chmod(path: string, mode: number): Promise<void> {
    await this.#at(path).chmod(path, mode);
  }

  async symlink(target: string, linkPath: string): Promise<void> {
    await this.#at(linkPath).symlink(target, linkPath);
  }

  async link(existingPath: string, newPath: string): Promise<void> {
    const [from, to] = [this.#at(existingPath), this.#at(newPath)];
    if (from === to) await from.link(existingPath, newPath);
    else await copyAcross({ from, to }, existingPath, newPath, false);
  }

  async readlink(path: string): Promise<string> {
    return await this.#at(path).readlink(path);
  }

  async realpath(path: string): Promise<string> {
    return await this.#at(path).realpath(path);
  }

  async utimes(path: string, atime: Date, mtime: Date): Promise<void> {
    await this.#at(path).utimes(path, atime, mtime);
  }

  #at(path: string): ShellFs {
    const top = resolvePath("/", path).split("/")[1] ?? "";
    if (!SYSTEM.includes(top)) return this.#mount;
    return ALWAYS_SYSTEM.includes(top) || !this.#hasTop(top) ? this.#system : this.#mount;
  }
}

async function listTyped(fs: ShellFs, path: string): Promise<ShellDirent[]> {
  if (fs.readdirWithFileTypes) return await fs.readdirWithFileTypes(path);
  const entries: ShellDirent[] = [];
  for (const name of await fs.readdir(path)) {
    const stat = await fs.lstat(`${path === "/" ? "" : path}/${name}`);
    entries.push({ name, ...stat });
  }
  return entries;
}

async function copyAcross(
  sides: { readonly from: ShellFs; readonly to: ShellFs },
  src: string,
  dest: string,
  recursive: boolean,
): Promise<void> {
  const { from, to } = sides;
  const stat = await from.lstat(src);
  if (stat.isSymbolicLink) {
    await to.rm(dest, { force: true });
    await to.symlink(await from.readlink(src), dest);
  } else if (stat.isDirectory) {
    if (!recursive) {
      throw Object.assign(new Error(`EISDIR: illegal operation on a directory, cp '${src}'`), {
        code: "EISDIR",
      });
    }
    await to.mkdir(dest, { recursive: true });
    for (const name of await from.readdir(src)) {
      await copyAcross(sides, `${src}/${name}`, `${dest}/${name}`, recursive);
    }
  } else if (resolvePath("/", dest) !== DISCARDING) {
    await to.writeFile(dest, await from.readFileBuffer(src));
    await to.chmod(dest, stat.mode);
  }
}
