import { MountError } from "../../errors.ts";
import { errnoError } from "../kernel/errno.ts";
import { parseMountPath } from "../kernel/paths.ts";
import type { RemoteIdentity } from "../kernel/remote.ts";
import type { MountTable } from "../volume/mount-table.ts";
import type { Volume } from "../volume/volume.ts";
import { AutoCommit } from "./auto-commit.ts";
import type { StatusEntry } from "./changes.ts";
import type { CommitBuffer, CommitOptions } from "./commit-buffer.ts";

/** When writes become commits: at once, when `commit` is called, or after a shell command. */
export type CommitMode = "auto" | "manual" | "on-exec";

/** One unsaved change, with mount paths. */
export interface UnsavedChange extends StatusEntry {
  /** Name that the repository is mounted by. */
  readonly repo: string;
}

/** What becomes of a mount's writes: all its repositories, in the mode that the mount has. */
export class Saver {
  readonly #table: MountTable;
  readonly #buffers: ReadonlyMap<Volume, CommitBuffer>;
  readonly #autos: ReadonlyMap<Volume, AutoCommit>;
  readonly #author: RemoteIdentity | undefined;

  constructor(
    table: MountTable,
    buffers: readonly CommitBuffer[],
    options: { readonly mode: CommitMode; readonly author: RemoteIdentity | undefined },
  ) {
    this.#table = table;
    this.#author = options.author;
    this.#buffers = new Map(buffers.map((buffer) => [buffer.volume, buffer]));
    const automatic = options.mode === "auto" ? buffers : [];
    this.#autos = new Map(
      automatic.map((buffer) => [buffer.volume, new AutoCommit(buffer, { author: options.author })]),
    );
  }

  /** Tells of a write just made; in mode "auto" resolves when it is committed. */
  save(volume: Volume, paths: readonly string[]): Promise<void> | undefined {
    return this.#autos.get(volume)?.save(paths);
  }

  /** Commits every repository with changes, or those named; one that fails does not stop the others. */
  async commit(
    options: CommitOptions & { readonly repos?: readonly string[] },
  ): Promise<Record<string, string>> {
    await Promise.all([...this.#autos.values()].map((auto) => auto.idle()));
    const buffers = [...this.#buffers.values()].filter(
      ({ volume }) => options.repos === undefined || options.repos.includes(volume.key),
    );
    const commits: Record<string, string> = {};
    const outcomes = await Promise.allSettled(
      buffers.map(async (buffer) => {
        const { message } = options;
        const sha = await buffer.commit({ message, author: options.author ?? this.#author });
        if (sha !== null) commits[buffer.volume.key] = sha;
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return commits;
    // What did land must not get lost with the failure of another repository.
    if (failed.reason instanceof MountError && Object.keys(commits).length > 0) {
      Object.assign(failed.reason, { data: { ...failed.reason.data, commits } });
    }
    throw failed.reason;
  }

  async status(): Promise<UnsavedChange[]> {
    const all: UnsavedChange[] = [];
    for (const [volume, buffer] of this.#buffers) {
      for (const entry of await buffer.status()) {
        const path = this.#table.format(volume, entry.path);
        const from = entry.from === undefined ? {} : { from: this.#table.format(volume, entry.from) };
        all.push({ repo: volume.key, path, status: entry.status, ...from });
      }
    }
    return all;
  }

  async refresh(): Promise<void> {
    await Promise.all([...this.#buffers.values()].map((buffer) => buffer.refresh()));
  }

  /** Moves one repository to its newest commit, unless `sha` is what it reads by the time that commits are done. */
  async follow(volume: Volume, sha: string, signal: AbortSignal): Promise<void> {
    await this.#buffers.get(volume)?.follow(sha, signal);
  }

  /** Resolves when no commit of a repository is under way. */
  async idle(volume: Volume): Promise<void> {
    await this.#buffers.get(volume)?.idle();
  }

  /** Whether a commit is one that this mount made. */
  isOwn(volume: Volume, sha: string): boolean {
    return this.#buffers.get(volume)?.landed.has(sha) ?? false;
  }

  discard(path: string): void {
    const site = { syscall: "discard", path };
    const { text, plain } = parseMountPath(path.replace(/(.)\/+$/, "$1"), site);
    const spot = plain ? this.#table.route(text) : null;
    if (spot === null) throw errnoError(plain ? "ENOENT" : "EINVAL", site);
    if (spot.volume === null) this.discardAll();
    else this.#buffers.get(spot.volume)?.discard(spot.path);
  }

  discardAll(): void {
    for (const buffer of this.#buffers.values()) buffer.discard(null);
  }

  /** Settles what is unsaved before the mount goes. Rejects with EBUSY when it must not be dropped or committed. */
  async finish(onUnsaved: "reject" | "commit" | "discard"): Promise<void> {
    await Promise.all([...this.#autos.values()].map((auto) => auto.idle()));
    if (onUnsaved === "commit") await this.commit({});
    if (onUnsaved !== "reject") return;
    for (const [volume, buffer] of this.#buffers) {
      if (!(await buffer.isUnsaved())) continue;
      const path = this.#table.format(volume, "");
      throw errnoError("EBUSY", { syscall: "unmount", path }, { detail: "there are unsaved changes" });
    }
  }
}
