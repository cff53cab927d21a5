import { hashObject } from "../tree/git-id.ts";
import { Gate } from "./gate.ts";

/**
 * A cache behind the one in memory, keyed by blob id: a folder, the platform's cache, a database. It may lose entries,
 * fail, or hold what somebody has broken: an answer is used only when it hashes to its id, and a failure is a miss.
 */
export interface SecondLevelCache {
  /** A blob's bytes; null when it is not there. */
  get(sha: string): Promise<Uint8Array | null>;
  /** Those of the blobs that are there, where one look is cheaper than many. */
  getMany?(shas: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  put(sha: string, bytes: Uint8Array): Promise<void>;
}

/** Single look-ups at the same time: files may be open, not all of them. */
const MAX_LOOKS = 32;

/** A second-level cache made safe: nothing it does can fail a read or change one. */
export class VerifiedCache {
  readonly #cache: SecondLevelCache;
  readonly #gate = new Gate(MAX_LOOKS);
  #hits = 0;
  #failures = 0;

  constructor(cache: SecondLevelCache) {
    this.#cache = cache;
  }

  /** Blobs that were there. */
  get hits(): number {
    return this.#hits;
  }

  /** Calls that failed, and entries that were not what their id says. */
  get failures(): number {
    return this.#failures;
  }

  /** Those of the blobs that are there and whole. */
  async findMany(shas: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    const verified = new Map<string, Uint8Array>();
    const check = async (sha: string, bytes: Uint8Array) => {
      if ((await hashObject("blob", bytes)) === sha) verified.set(sha, bytes);
      else this.#failures += 1;
    };
    const found = await this.#lookUp(shas);
    await Promise.all([...found].map(([sha, bytes]) => check(sha, bytes)));
    this.#hits += verified.size;
    return verified;
  }

  /** Keeps a blob, in its own time. */
  put(sha: string, bytes: Uint8Array): void {
    void this.#attempt(() => this.#cache.put(sha, bytes));
  }

  async #lookUp(shas: readonly string[]): Promise<Iterable<readonly [string, Uint8Array]>> {
    const { getMany } = this.#cache;
    if (getMany !== undefined) return (await this.#attempt(() => getMany.call(this.#cache, shas))) ?? [];
    const found: (readonly [string, Uint8Array])[] = [];
    const look = async (sha: string) => {
      const bytes = await this.#gate.run(() => this.#attempt(() => this.#cache.get(sha)));
      if (bytes !== null) found.push([sha, bytes]);
    };
    await Promise.all(shas.map(look));
    return found;
  }

  async #attempt<T>(call: () => Promise<T>): Promise<T | null> {
    try {
      return await call();
    } catch {
      this.#failures += 1; // A cache that fails is a cache that has nothing; the server has it all.
      return null;
    }
  }
}
