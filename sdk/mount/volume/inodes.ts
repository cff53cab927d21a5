/** More renames than this forget which file was which: numbers then follow paths again. */
const MAX_MOVED = 10_000;

/**
 * Inode numbers: a hash of the path, so that they are the same in every mount, after a commit and after a restart. A
 * rename takes the number along, as on a disk, until 10,000 names have been moved; no two paths ever share one.
 */
export class Inodes {
  readonly #name: string;
  /** What stands for a moved path and everything below it, by where it is now. */
  #keys = new Map<string, string>();
  #moves = 0;

  /** @param name of the repository in its mount. */
  constructor(name: string) {
    this.#name = `${name}/`;
  }

  at(path: string): number {
    return hash(this.#keys.size === 0 ? path : this.#keyOf(path), this.#name);
  }

  /** @param directory whether other things may have moved with it. */
  move(from: string, to: string, directory: boolean): void {
    if (this.#keys.size >= MAX_MOVED) this.#keys = new Map();
    const key = this.#keyOf(from);
    if (directory) this.#moveBelow(from, to);
    this.#moves += 1;
    // What is made there later is another file. NUL is in no path.
    this.#keys.set(from, `\0${this.#moves}`);
    this.#keys.set(to, key);
  }

  #moveBelow(from: string, to: string): void {
    for (const [path, key] of [...this.#keys]) {
      if (path.startsWith(`${to}/`)) this.#keys.delete(path);
      if (!path.startsWith(`${from}/`)) continue;
      this.#keys.delete(path);
      this.#keys.set(to + path.slice(from.length), key);
    }
  }

  #keyOf(path: string): string {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      const key = this.#keys.get(path.slice(0, end));
      if (key !== undefined) return key + path.slice(end);
    }
    return path;
  }
}

/** Two 26-bit hashes of a text in one safe integer. */
function hash(path: string, name: string): number {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (const text of name === "/" ? [path] : [name, path]) {
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b);
    }
  }
  return (low >>> 6) * 2 ** 26 + (high >>> 6) + 1;
}
