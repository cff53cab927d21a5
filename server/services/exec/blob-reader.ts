import { LIMITS } from "../../../sdk/contract/limits.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ExecMeter } from "./exec-meter.ts";

/** Contents kept for the next read, whatever their number. */
const HELD_BYTES = 24 * 1024 * 1024;
/** Larger files are read when they are asked for, never ahead. */
const AHEAD_FILE_BYTES = 1024 * 1024;
const AHEAD_BYTES = 8 * 1024 * 1024;
const AHEAD_FILES_MAX = 512;
/** Single reads before reading ahead begins; the window doubles from there. */
const SINGLE_READS = 2;
const FIRST_WINDOW = 8;
/** Turns of the microtask queue that a read waits for others to join it. */
const JOIN_TURNS = 4;

interface Waiting {
  readonly oid: Oid;
  readonly path: string;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** Blobs of the files after a path, in the order in which a walk meets them. */
export type ListAhead = (path: string, count: number) => Promise<readonly Oid[]>;

/**
 * A repository's contents for one command. Reads of one tick are one round to the store; a command that reads file after
 * file is soon ahead of itself: after a few single reads each further round brings twice as many of the files that
 * follow, so that a `grep -r` over thousands of files costs a dozen rounds.
 */
export class BlobReader {
  readonly #repo: RepoHandle;
  readonly #meter: ExecMeter;
  readonly #listAhead: ListAhead;
  readonly #held = new Map<Oid, Uint8Array>();
  readonly #sizes = new Map<Oid, number>();
  #heldBytes = 0;
  #rounds = 0;
  #queue: Waiting[] = [];

  constructor(repo: RepoHandle, meter: ExecMeter, listAhead: ListAhead) {
    this.#repo = repo;
    this.#meter = meter;
    this.#listAhead = listAhead;
  }

  /** Rounds to the store so far. */
  get rounds(): number {
    return this.#rounds;
  }

  async read(oid: Oid, path: string): Promise<Uint8Array> {
    const held = this.#held.get(oid);
    if (held) return held;
    return await new Promise((resolve, reject) => {
      if (this.#queue.length === 0) void this.#flushSoon();
      this.#queue.push({ oid, path, resolve, reject });
    });
  }

  /** Bytes of blobs without reading them. @throws GitError missing-object */
  async readSizes(oids: readonly Oid[]): Promise<ReadonlyMap<Oid, number>> {
    const unknown = [...new Set(oids)].filter((oid) => !this.#sizes.has(oid));
    if (unknown.length > 0) {
      const { found } = await this.#repo.objects.readHeaders(unknown);
      for (const [oid, { size }] of found) this.#sizes.set(oid, size);
    }
    return this.#sizes;
  }

  async #flushSoon(): Promise<void> {
    for (let turn = 0; turn < JOIN_TURNS; turn++) await null;
    const queue = this.#queue;
    this.#queue = [];
    try {
      await this.#load(queue);
    } catch (error) {
      for (const read of queue) read.reject(error);
    }
  }

  async #load(queue: readonly Waiting[]): Promise<void> {
    const wanted = [...new Set(queue.map((read) => read.oid))];
    const sizes = await this.readSizes(wanted);
    this.#meter.chargeRead(
      wanted.length,
      wanted.reduce((sum, oid) => sum + (sizes.get(oid) ?? 0), 0),
    );
    const large = wanted.find((oid) => (sizes.get(oid) ?? 0) > LIMITS.fileBytes);
    if (large) this.#meter.checkFile(sizes.get(large) ?? 0);
    const ahead = await this.#findAhead(queue, new Set(wanted));
    this.#rounds++;
    const { found } = await this.#repo.objects.readObjects([...wanted, ...ahead]);
    for (const oid of ahead) this.#hold(oid, found.get(oid)?.data);
    for (const { oid, resolve, reject } of queue) {
      const bytes = found.get(oid)?.data;
      if (bytes) resolve(bytes);
      else reject(new GitError("missing-object", `blob ${oid} is missing`, { oid }));
    }
    for (const oid of wanted) this.#hold(oid, found.get(oid)?.data);
  }

  async #findAhead(queue: readonly Waiting[], wanted: ReadonlySet<Oid>): Promise<readonly Oid[]> {
    const last = queue.at(-1);
    const doublings = this.#rounds - SINGLE_READS;
    if (doublings < 0 || !last) return [];
    const count = Math.min(FIRST_WINDOW * 2 ** Math.min(doublings, 16), AHEAD_FILES_MAX);
    const next = (await this.#listAhead(last.path, count)).filter(
      (oid) => !this.#held.has(oid) && !wanted.has(oid),
    );
    const sizes = await this.readSizes(next);
    const chosen = new Set<Oid>();
    let bytes = 0;
    for (const oid of next) {
      const size = sizes.get(oid) ?? AHEAD_FILE_BYTES + 1;
      if (size > AHEAD_FILE_BYTES) continue;
      if (bytes + size > AHEAD_BYTES) break;
      bytes += size;
      chosen.add(oid);
    }
    this.#meter.chargeRead(chosen.size, bytes);
    return [...chosen];
  }

  #hold(oid: Oid, bytes: Uint8Array | undefined): void {
    if (!bytes || bytes.length > HELD_BYTES / 4 || this.#held.has(oid)) return;
    this.#held.set(oid, bytes);
    this.#heldBytes += bytes.length;
    for (const [oldest, { length }] of this.#held) {
      if (this.#heldBytes <= HELD_BYTES) break;
      this.#held.delete(oldest);
      this.#heldBytes -= length;
    }
  }
}
