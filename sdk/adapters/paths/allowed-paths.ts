import { MountError } from "../../errors.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";

type Mount = Pick<MountedFS, "promises">;

/** `/a/b` of `base` and a path below or beside it, `.` and `..` resolved; `..` at the top stays there. */
export function resolvePath(base: string, path: string): string {
  const segments: string[] = [];
  for (const segment of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function join(directory: string, names: readonly string[]): string {
  return resolvePath(directory, names.join("/"));
}

function isMissing(error: unknown): boolean {
  return error instanceof MountError && error.code === "ENOENT";
}

type Check = (path: string) => boolean;

const WINDOWS_PATH = /^[A-Za-z]:(?:[\\/]|$)/;

/** The directories of a mount that a server may touch, and the paths that lie in them. */
export class AllowedPaths {
  readonly directories: readonly string[];
  readonly #mount: Mount;

  constructor(mount: Mount, directories: readonly string[]) {
    this.#mount = mount;
    this.directories = directories.map((directory) => resolvePath("/", directory));
  }

  /**
   * A check whether a path lies in an allowed directory, under the name it was given by or its real one: a mount of one
   * repository has two names for each path.
   */
  async createCheck(): Promise<Check> {
    const real = await Promise.all(this.directories.map((directory) => this.#findReal(directory)));
    const bounds = [...this.directories, ...real.filter((directory) => directory !== null)];
    return (path) =>
      !path.includes("\0") &&
      bounds.some((bound) => bound === "/" || path === bound || path.startsWith(`${bound}/`));
  }

  async #findReal(directory: string): Promise<string | null> {
    try {
      return await this.#mount.promises.realpath(directory);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /**
   * The path that a call works on: absolute, symlinks resolved, inside the allowed directories. A path that does not
   * exist is fine as far as it goes; the call says what it makes of that.
   */
  async resolve(requested: string): Promise<string> {
    if (WINDOWS_PATH.test(requested)) {
      throw new Error(`Access denied - Windows-style path received on a POSIX host: ${requested}`);
    }
    const isInside = await this.createCheck();
    const absolute = this.#makeAbsolute(requested);
    if (!isInside(absolute)) {
      throw new Error(
        `Access denied - path outside allowed directories: ${absolute} not in ${this.#listed()}`,
      );
    }
    try {
      return this.#checkTarget(await this.#mount.promises.realpath(absolute), isInside);
    } catch (error) {
      if (!isMissing(error)) throw error;
      return await this.#resolveNew(absolute, isInside);
    }
  }

  /** Like `resolve`, but of a link itself: only the directory that it lies in is followed. */
  async resolveLink(requested: string): Promise<string> {
    const isInside = await this.createCheck();
    const absolute = this.#makeAbsolute(requested);
    if (!isInside(absolute) || absolute === "/") return await this.resolve(requested);
    const parent = parentOf(absolute);
    // The parent of an allowed directory is not allowed itself, and need not be followed.
    const real = isInside(parent) ? await this.resolve(parent) : parent;
    return join(real, [absolute.slice(absolute.lastIndexOf("/") + 1)]);
  }

  /** A relative path starts at the first allowed directory that it stays in. */
  #makeAbsolute(path: string): string {
    if (path.startsWith("/")) return resolvePath("/", path);
    const candidates = this.directories.map(
      (directory) => [directory, resolvePath(directory, path)] as const,
    );
    const within = candidates.find(
      ([directory, at]) => directory === "/" || `${at}/`.startsWith(`${directory}/`),
    );
    return within?.[1] ?? candidates[0]?.[1] ?? resolvePath("/", path);
  }

  async #resolveNew(absolute: string, isInside: Check): Promise<string> {
    try {
      return await this.#walk(absolute, isInside);
    } catch (error) {
      if (!isMissing(error)) throw error;
      throw new Error(`Parent directory does not exist: ${parentOf(absolute)}`, { cause: error });
    }
  }

  /** Follows what exists, taking a name in another Unicode form (é as one character or as two) for the same. */
  async #walk(absolute: string, isInside: Check): Promise<string> {
    const allowed = [...this.directories]
      .sort((a, b) => b.length - a.length)
      .find((directory) => directory === "/" || `${absolute}/`.startsWith(`${directory}/`));
    if (allowed === undefined) return absolute;
    let current = await this.#mount.promises.realpath(allowed);
    const parts = absolute.slice(allowed.length).split("/").filter(Boolean);
    for (const [index, part] of parts.entries()) {
      // Without options readdir gives names.
      const names = (await this.#mount.promises.readdir(current)) as string[];
      const same = names.includes(part)
        ? [part]
        : names.filter((name) => name.normalize() === part.normalize());
      if (same.length > 1) throw new Error(`Ambiguous Unicode path component: ${part}`);
      const [name] = same;
      if (name === undefined) return join(current, parts.slice(index));
      current = this.#checkTarget(await this.#mount.promises.realpath(join(current, [name])), isInside);
    }
    return current;
  }

  #checkTarget(real: string, isInside: Check): string {
    if (isInside(real)) return real;
    throw new Error(
      `Access denied - symlink target outside allowed directories: ${real} not in ${this.#listed()}`,
    );
  }

  #listed(): string {
    return this.directories.join(", ");
  }
}
