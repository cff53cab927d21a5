import { MountError } from "../../errors.ts";
import { errnoError } from "../kernel/errno.ts";
import { parseMountPath } from "../kernel/paths.ts";
import type { RemoteIdentity } from "../kernel/remote.ts";
import type { MountTable } from "../volume/mount-table.ts";
import type { Volume } from "../volume/volume.ts";
import type { AutoCommit } from "./auto-commit.ts";
import type { CommitBuffer, CommitOptions } from "./commit-buffer.ts";
import type { StatusEntry } from "./status.ts";

/** When writes become commits: at once, when `commit` is called, or after a shell command. */
export type CommitMode = "auto" | "manual" | "on-exec";

/** One unsaved change, with mount paths. */
export interface UnsavedChange extends StatusEntry {
  /** Name that the repository is mounted by. */
  readonly repo: string;
}

/** What becomes of a mount's writes: all its repositories, in the mode that the mount has. */
export class Saver {
  readonly mode: CommitMode;
  /** Author of commits that name none. */
  readonly author: RemoteIdentity | undefined;
  readonly table: MountTable;
  readonly buffers: ReadonlyMap<Volume, CommitBuffer>;
  readonly #autos: ReadonlyMap<Volume, AutoCommit>;

  constructor(
    table: MountTable,
    buffers: readonly CommitBuffer[],
    options: {
      readonly mode: CommitMode;
      readonly author: RemoteIdentity | undefined;
      /** One for each of the buffers in mode "auto"; none in the others. */
      readonly autos: readonly AutoCommit[];
    },
  ) {
    this.mode = options.mode;
    this.table = table;
    this.author = options.author;
    this.buffers = new Map(buffers.map((buffer) => [buffer.volume, buffer]));
    this.#autos = new Map(options.autos.map((auto) => [auto.volume, auto]));
  }

  /** Tells of a write just made; in mode "auto" resolves when it is committed. */
  save(volume: Volume, paths: readonly string[]): Promise<void> | undefined {
    return this.#autos.get(volume)?.save(paths);
  }

  /** Commits every repository with changes, or those named; one that fails does not stop the others. */
  async commit(
    options: CommitOptions & { readonly repos?: readonly string[] | undefined },
  ): Promise<Record<string, string>> {
    const buffers = this.select(options.repos, "commit");
    // Without anything to wait for, the commit takes its place in the queue at once: a discard after it comes after it.
    if (this.#autos.size > 0) await this.#autosIdle();
    const { author = this.author } = options;
    const commits: Record<string, string> = {};
    const outcomes = await Promise.allSettled(
      buffers.map(async (buffer) => {
        const sha = await buffer.commit({ ...options, author });
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
    for (const [volume, buffer] of this.buffers) {
      for (const entry of await buffer.status()) {
        const path = this.table.format(volume, entry.path);
        const from = entry.from === undefined ? {} : { from: this.table.format(volume, entry.from) };
        all.push({ repo: volume.key, ...entry, path, ...from });
      }
    }
    return all;
  }

  async refresh(): Promise<void> {
    await Promise.all([...this.buffers.values()].map((buffer) => buffer.refresh()));
  }

  /** Moves one repository to its newest commit, unless `sha` is what it reads by the time that commits are done. */
  async follow(volume: Volume, sha: string, signal: AbortSignal): Promise<void> {
    await this.buffers.get(volume)?.follow(sha, signal);
  }

  /** Resolves when no commit of a repository is under way. */
  async idle(volume: Volume): Promise<void> {
    await this.buffers.get(volume)?.idle();
  }

  /** Whether a commit is one that this mount made. */
  isOwn(volume: Volume, sha: string): boolean {
    return this.buffers.get(volume)?.landed.has(sha) ?? false;
  }

  /** Takes paths back to what is committed; without paths everything. Nothing is dropped when one of them is no path. */
  async discard(paths?: readonly string[]): Promise<void> {
    const byVolume = new Map<Volume, string[]>();
    for (const { volume, path } of this.route(paths, "discard")) {
      const list = byVolume.get(volume);
      if (list === undefined) byVolume.set(volume, [path]);
      else list.push(path);
    }
    await Promise.all([...byVolume].map(([volume, list]) => this.buffers.get(volume)?.discard(list)));
  }

  /**
   * Settles what is unsaved and calls `close`, with nothing in between: a write that comes while this waits is settled
   * too. Rejects with EBUSY when unsaved work must be neither dropped nor committed.
   */
  async finish(onUnsaved: "reject" | "commit" | "discard", close: () => void): Promise<void> {
    for (;;) {
      await this.#autosIdle();
      const roots = [...this.buffers.keys()].map((volume) => volume.editor.freeze());
      if (onUnsaved === "commit") await this.commit({});
      if (onUnsaved === "discard") break;
      const unsaved = await this.#findUnsaved();
      if (unsaved !== null && onUnsaved === "reject") {
        const site = { syscall: "unmount", path: this.table.format(unsaved, "") };
        throw errnoError("EBUSY", site, { detail: "there are unsaved changes" });
      }
      const isQuiet = [...this.buffers.keys()].every((volume, index) => volume.editor.root === roots[index]);
      if (unsaved === null && isQuiet) break;
    }
    close();
  }

  /** The repositories named by what they are mounted as; all without names. @throws MountPathError ENOENT */
  select(names: readonly string[] | undefined, syscall: string): readonly CommitBuffer[] {
    const all = [...this.buffers.values()];
    if (names === undefined) return all;
    return names.map((name) => {
      const found = all.find(({ volume }) => volume.key === name);
      if (found !== undefined) return found;
      throw errnoError(
        "ENOENT",
        { syscall, path: `/${name}` },
        { detail: "no such repository in the mount" },
      );
    });
  }

  /** Places that mount paths name, a mount's root standing for all repositories. @throws MountPathError ENOENT, EINVAL */
  route(paths: readonly string[] = ["/"], syscall: string) {
    return paths.flatMap((path) => {
      const site = { syscall, path };
      const { text, plain } = parseMountPath(path.replace(/(.)\/+$/, "$1"), site);
      const spot = plain ? this.table.route(text) : null;
      if (spot === null) throw errnoError(plain ? "ENOENT" : "EINVAL", site);
      const { volume } = spot;
      if (volume !== null) return [{ volume, path: spot.path }];
      return this.table.volumes.map((each) => ({ volume: each, path: "" }));
    });
  }

  async #autosIdle(): Promise<void> {
    await Promise.all([...this.#autos.values()].map((auto) => auto.idle()));
  }

  async #findUnsaved(): Promise<Volume | null> {
    for (const [volume, buffer] of this.buffers) if (await buffer.isUnsaved()) return volume;
    return null;
  }
}
