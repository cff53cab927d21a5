import { MountError } from "../errors.ts";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { walkFiles } from "./files/walk-files.ts";

/** What unstorage calls on a driver; the same as its `Driver`, of which read-only mounts leave the setters out. */
export interface UnstorageDriver {
  readonly name: string;
  readonly flags: { readonly maxDepth: boolean; readonly ttl: boolean };
  readonly options: UnstorageOptions;
  getInstance(): MountedFS;
  hasItem(key: string): Promise<boolean>;
  getItem(key: string): Promise<string | null>;
  getItems(items: { readonly key: string }[]): Promise<{ key: string; value: string | null }[]>;
  getItemRaw(key: string): Promise<Uint8Array | null>;
  getMeta(key: string): Promise<ItemMeta | null>;
  getKeys(base?: string, options?: { readonly maxDepth?: number }): Promise<string[]>;
  dispose(): void;
  setItem?(key: string, value: string): Promise<void>;
  setItems?(items: { readonly key: string; readonly value: string }[]): Promise<void>;
  setItemRaw?(key: string, value: Uint8Array): Promise<void>;
  removeItem?(key: string): Promise<void>;
  clear?(base?: string): Promise<void>;
}

/** What a storage's `getMeta` tells about an item. */
export interface ItemMeta {
  readonly mtime: Date;
  /** Bytes. */
  readonly size: number;
  /** Git's blob id of the content. */
  readonly sha: string | null;
  // unstorage lets drivers add what they know.
  readonly [name: string]: Date | number | string | null;
}

export interface UnstorageOptions {
  /** Directory that keys are below; the mount's root by default. */
  readonly base?: string;
}

/** Signs that unstorage's keys cannot carry: a file with one of them in its name has no key. */
const NOT_IN_KEYS = /[:?\\]/;

/** Names that a path resolves instead of storing. */
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/;

/** Absence in each of the forms that a filesystem tells it. */
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EISDIR"]);

/**
 * A mount as the driver of an unstorage: `a:b` is the file `a/b`. Missing items are null. A key that is both an item and
 * the beginning of another key cannot be: the second one rejects with EISDIR or ENOTDIR and nothing is replaced.
 *
 * Items are saved as the mount's commit mode says; `"auto"` makes every write a commit, `"manual"` leaves it to
 * `mount.commit()`. `dispose` ends nothing: the mount belongs to whoever made it.
 *
 * @example
 * const storage = createStorage({ driver: createUnstorageDriver(mount, { base: "/data" }) });
 * await storage.setItem("users:ada", { name: "Ada" }); // data/users/ada
 */
export function createUnstorageDriver(mount: MountedFS, options: UnstorageOptions = {}): UnstorageDriver {
  const base = `/${options.base ?? ""}`.replace(/\/{2,}/g, "/").replace(/\/$/, "");
  const pathOf = (key = "") => toPath(base, key);
  const read = async <T>(work: Promise<T>) => await orNull(work);
  const getItem = async (key: string) => await read(mount.readFile(pathOf(key)));
  return {
    name: "coregit",
    flags: { maxDepth: true, ttl: false },
    options,
    getInstance: () => mount,
    hasItem: async (key) => (await read(mount.promises.stat(pathOf(key))))?.isFile() ?? false,
    getItem,
    getItems: async (items) =>
      await Promise.all(items.map(async ({ key }) => ({ key, value: await getItem(key) }))),
    // Buffers where the platform has them, as unstorage's own drivers give.
    getItemRaw: async (key) => (await read(mount.promises.readFile(pathOf(key)))) as Uint8Array | null,
    async getMeta(key) {
      const found = await read(mount.stat(pathOf(key)));
      return found === null || found.type === "folder"
        ? null
        : { mtime: found.mtime, size: found.size, sha: found.sha };
    },
    async getKeys(within, given) {
      const prefix = (within ?? "").replaceAll(":", "/").replace(/\/+$/, "");
      // unstorage counts depth from where the driver is mounted, not from the base that is asked for.
      const above = prefix === "" ? 0 : prefix.split("/").length;
      const depth = (given?.maxDepth ?? Number.POSITIVE_INFINITY) - above;
      if (depth < 0) return [];
      const files = (await orNull(walkFiles(mount, pathOf(within), depth))) ?? [];
      return files
        .filter(({ inside }) => !NOT_IN_KEYS.test(inside))
        .map(({ inside }) => (prefix === "" ? inside : `${prefix}/${inside}`).replaceAll("/", ":"));
    },
    dispose: () => undefined,
    ...(mount.readOnly ? {} : createSetters(mount, base, pathOf)),
  };
}

type Setters = Pick<UnstorageDriver, "setItem" | "setItems" | "setItemRaw" | "removeItem" | "clear">;

function createSetters(mount: MountedFS, base: string, pathOf: (key?: string) => string): Setters {
  return {
    setItem: async (key, value) => await mount.writeFile(pathOf(key), value),
    setItems: async (items) =>
      await mount.writeFiles(items.map(({ key, value }) => ({ path: pathOf(key), content: value }))),
    setItemRaw: async (key, value) => await mount.writeFile(pathOf(key), value),
    async removeItem(key) {
      const path = pathOf(key);
      const removed = await orNull(mount.promises.unlink(path).then(() => true));
      if (removed) await removeEmptyAbove(mount, path, base);
    },
    async clear(within) {
      const path = pathOf(within);
      const entries = (await orNull(mount.promises.readdir(path))) ?? [];
      for (const name of entries as string[]) {
        if (name !== ".git") await mount.rm(`${path}/${name}`, { recursive: true, force: true });
      }
    },
  };
}

function toPath(base: string, key: string): string {
  const inside = key.replaceAll(":", "/").replace(/^\/+|\/+$/g, "");
  if (DOT_SEGMENT.test(inside)) throw new Error(`the key ${JSON.stringify(key)} has a segment of dots`);
  return `${base}/${inside}`;
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MountError && ABSENT.has(error.code)) return null;
    throw error;
  }
}

/** An empty directory would be in the way of an item of its name. */
async function removeEmptyAbove(mount: MountedFS, path: string, base: string): Promise<void> {
  for (let end = path.lastIndexOf("/"); end > base.length; end = path.lastIndexOf("/", end - 1)) {
    try {
      await mount.rmdir(path.slice(0, end));
    } catch (error) {
      // Not empty, or somebody else took it away: nothing left to do above.
      if (error instanceof MountError) return;
      throw error;
    }
  }
}
