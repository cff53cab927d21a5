import { MountPathError } from "../../errors.ts";
import type { CacheStats } from "../blobs/content-source.ts";
import type { NodeFsPromises } from "../node/node-fs.ts";

/** Reads that were not in the cache, one after the other, before reading ahead begins. */
const SINGLE_READS = 2;
const FIRST_WINDOW = 8;
const WINDOW_MAX = 512;
/** Larger files are read when they are asked for. */
const AHEAD_FILE_BYTES = 1024 * 1024;
const AHEAD_BYTES = 8 * 1024 * 1024;

export interface ReadAheadSource {
  readonly promises: NodeFsPromises;
  cacheStats(): CacheStats;
}

/**
 * Spares a command that reads file after file a request for each: after a few reads that had to be fetched, each
 * further one brings twice as many of the files that follow, in the same request where they fit. Reads of what is in
 * the cache are left alone.
 */
export class ReadAhead {
  readonly #source: ReadAheadSource;
  #fetched = 0;
  /** A window is on its way; commands that read many files at once would each ask for the same one. */
  #reading = false;
  #order: Promise<Order> | null = null;

  constructor(source: ReadAheadSource) {
    this.#source = source;
  }

  async read<T>(path: string, read: () => Promise<T>): Promise<T> {
    const before = this.#source.cacheStats().misses;
    // Whether it has to be fetched is known before anything is waited for.
    const pending = read();
    if (this.#source.cacheStats().misses > before && !this.#reading && ++this.#fetched > SINGLE_READS) {
      this.#reading = true;
      void this.#readNext(path, Math.min(FIRST_WINDOW * 2 ** (this.#fetched - SINGLE_READS - 1), WINDOW_MAX));
    }
    return await pending;
  }

  /** Never fails: what could not be read ahead is read when it is asked for, and fails there. */
  async #readNext(path: string, count: number): Promise<void> {
    const { promises } = this.#source;
    try {
      this.#order ??= readOrder(promises);
      const { paths, rows } = await this.#order;
      const row = rows.get(await promises.realpath(path)) ?? rows.get(path);
      if (row === undefined) return;
      let bytes = 0;
      const reads: Promise<unknown>[] = [];
      for (const next of paths.slice(row + 1, row + 1 + count)) {
        const { size } = await promises.lstat(next);
        if (size > AHEAD_FILE_BYTES) continue;
        if (bytes + size > AHEAD_BYTES) break;
        bytes += size;
        reads.push(promises.readFile(next));
      }
      await Promise.allSettled(reads);
    } catch (error) {
      // Files come and go while the listing is worked through.
      if (!(error instanceof MountPathError)) this.#order = null;
    } finally {
      this.#reading = false;
    }
  }
}

/** The mount's files as a walk meets them. */
interface Order {
  readonly paths: readonly string[];
  readonly rows: ReadonlyMap<string, number>;
}

async function readOrder(promises: NodeFsPromises): Promise<Order> {
  const entries = await promises.readdir("/", { recursive: true, withFileTypes: true });
  const top = await promises.realpath("/");
  const paths = entries.flatMap((entry) =>
    typeof entry !== "string" && entry.isFile()
      ? [`${entry.parentPath.replace(/\/$/, "")}/${entry.name}`]
      : [],
  );
  const real = top === "/" ? paths : paths.map((path) => top + path);
  const order = real.map((path) => ({ path, key: path.replaceAll("/", "\0") }));
  order.sort((a, b) => (a.key < b.key ? -1 : 1));
  const sorted = order.map(({ path }) => path);
  return { paths: sorted, rows: new Map(sorted.map((path, row) => [path, row])) };
}
