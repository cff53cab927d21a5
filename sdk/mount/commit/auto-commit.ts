import { ApiError, MountConflictError } from "../../errors.ts";
import type { Volume } from "../volume/volume.ts";
import type { CommitBuffer, CommitOptions } from "./commit-buffer.ts";

interface PendingWrite {
  /** Paths in the repository. */
  readonly paths: readonly string[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits every write: a call is done when its commit has landed. Writes of one tick, and those that come while a commit
 * is under way, share the next one.
 *
 * A write that the server refuses is taken back, so that it does not stand in the way of later ones, and after a
 * conflict the mount moves to the newest commit, so that the caller can read what is there and write again. A write
 * whose outcome is unknown rejects too, but stays unsaved; the next commit settles it. When that turns out to be a
 * conflict, the writes of that commit get it, with what was not saved in it.
 */
export class AutoCommit {
  readonly #buffer: CommitBuffer;
  readonly #options: CommitOptions;
  #pending: PendingWrite[] = [];
  #running: Promise<void> | null = null;

  constructor(buffer: CommitBuffer, options: CommitOptions) {
    this.#buffer = buffer;
    this.#options = options;
  }

  get volume(): Volume {
    return this.#buffer.volume;
  }

  /** Resolves when a commit has the changes just made at these paths. */
  save(paths: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ paths, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when no write waits any more, however they ended. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Lets the other writes of this tick join.
    for (let turn = 0; turn < 4; turn += 1) await null;
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      await this.#commitBatch(batch);
    }
    this.#running = null;
  }

  async #commitBatch(batch: readonly PendingWrite[]): Promise<void> {
    try {
      await this.#buffer.commit(this.#options);
      for (const write of batch) write.resolve();
    } catch (error) {
      const refused = findRefusedPaths(error, batch, this.#buffer);
      if (refused === null) {
        for (const write of batch) write.reject(error);
        return;
      }
      const isRefused = (write: PendingWrite) => write.paths.some((path) => touches(path, refused));
      const all = [...batch, ...this.#pending];
      this.#pending = all.filter((write) => !isRefused(write));
      const rejected = all.filter(isRefused);
      this.#buffer.takeBack([...refused, ...rejected.flatMap((write) => write.paths)]);
      if (error instanceof MountConflictError) await this.#buffer.refresh().catch(() => undefined); // Read again later.
      for (const write of rejected) write.reject(error);
    }
  }
}

/** Paths whose writes cannot be saved as they are; null when it is unknown whether they have been. */
function findRefusedPaths(
  error: unknown,
  batch: readonly PendingWrite[],
  buffer: CommitBuffer,
): readonly string[] | null {
  const all = batch.flatMap((write) => write.paths);
  if (error instanceof MountConflictError) {
    const prefix = `/${buffer.volume.name}/`.replace("//", "/");
    const named = error.conflicts.map((conflict) => conflict.path.slice(prefix.length));
    // A conflict of earlier work whose outcome was unknown: it goes back too, or nothing would ever land again.
    return all.some((path) => touches(path, named)) ? named : [...named, ...all];
  }
  const cause = error instanceof Error ? error.cause : undefined;
  const unknown = cause instanceof ApiError && (cause.retryable || cause.status >= 500 || cause.status === 0);
  return unknown ? null : all;
}

/** Whether a path is one of the others, above or below one. */
function touches(path: string, others: readonly string[]): boolean {
  return others.some(
    (other) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`),
  );
}
