import { MountShell } from "./bash/shell.ts";
import type { BashOptions, ExecStrategy } from "./bash/shell-options.ts";
import type { CallContext } from "./calls/call-context.ts";
import type { ConflictResolver } from "./commit/commit-parts.ts";
import type { Saver, UnsavedChange } from "./commit/saver.ts";
import type { DiffOptions } from "./diff/diff-unsaved.ts";
import { WriteFace } from "./faces/write-face.ts";
import { remoteError } from "./kernel/errno.ts";
import type { RemoteIdentity } from "./kernel/remote.ts";
import type { MountSession } from "./kernel/session.ts";
import type { ForkOptions } from "./mount-options.ts";
import { deferStream } from "./watch/defer-stream.ts";
import type { MountChange, WatchOptions } from "./watch/watch-mount.ts";

/** Makes a fork of what is mounted, and mounts it. */
export type ForkMount = (name: string, options: ForkOptions) => Promise<MountedFS>;

/**
 * Repositories as a filesystem. Reads see one commit and, on top of it, everything that this mount has written; the
 * listing is in memory, so stat, readdir, glob and missing paths cost no request, and contents are fetched in batches
 * and kept by their ids.
 *
 * Paths are `/<slug>/…`; a mount of one repository takes `/…` too. Directories on the way to a written path are made as
 * needed. `promises` is the same mount in the exact shape of `node:fs/promises`.
 *
 * @example
 * const fs = await cg.fs.mount({ repos: [{ slug: "my-app" }], branch: "main" });
 * await fs.writeFile("/my-app/notes.md", "# Notes\n");
 * console.log(await fs.readFile("/my-app/notes.md"));
 * await fs.commit({ message: "Add notes" });
 * await fs.unmount();
 */
export class MountedFS extends WriteFace {
  readonly #saver: Saver;
  readonly #session: MountSession | null;
  readonly #execStrategy: ExecStrategy | undefined;
  readonly #fork: ForkMount;

  constructor(
    context: CallContext,
    saver: Saver,
    options: {
      readonly session: MountSession | undefined;
      readonly execStrategy: ExecStrategy | undefined;
      readonly fork: ForkMount;
    },
  ) {
    super(context, (volume, paths) => saver.save(volume, paths));
    this.#saver = saver;
    this.#session = options.session ?? null;
    this.#execStrategy = options.execStrategy;
    this.#fork = options.fork;
  }

  /**
   * Commits what is unsaved: per repository one commit of what changed, whose sha is in the answer under the name that
   * it is mounted by. Others' commits to other files are kept, and a file that somebody else changed too is merged with
   * theirs line by line. Where that cannot be done, rejects with MountConflictError, and everything stays unsaved;
   * `onConflict` resolves instead: "ours", "theirs", or a function that gives the content of each path (null: delete).
   * Such a function runs inside the commit and must not wait for another one. `metadata` (agent, session, prompt …) is
   * kept with each commit, as a git note.
   */
  async commit(
    options: {
      readonly message?: string;
      readonly repos?: readonly string[];
      readonly author?: RemoteIdentity;
      readonly metadata?: Record<string, unknown>;
      readonly onConflict?: ConflictResolver;
    } = {},
  ): Promise<Record<string, string>> {
    this.context.checkOpen({ syscall: "commit" });
    return await this.#saver.commit(options);
  }

  /**
   * Makes what was committed in the mount's session visible to others; nothing without one. When others changed the same
   * paths it rejects with the server's CONFLICT as cause, and the session keeps everything.
   */
  async flush(): Promise<{ readonly flushedObjects: number; readonly flushedRefs: number }> {
    this.context.checkOpen({ syscall: "flush" });
    return (
      (await this.#inSession("flush", (session) => session.flush())) ?? { flushedObjects: 0, flushedRefs: 0 }
    );
  }

  async #inSession<T>(syscall: string, work: (session: MountSession) => Promise<T>): Promise<T | null> {
    if (this.#session === null) return null;
    try {
      return await work(this.#session);
    } catch (cause) {
      throw remoteError(cause, { syscall });
    }
  }

  /**
   * A shell over the mount, loaded at its first command. Directory and exported variables last from one command to the
   * next; what commands write is in the mount, and committed as its mode says.
   *
   * @example
   * const { stdout } = await fs.bash().exec("grep -rn TODO src | head -5");
   */
  bash(options: BashOptions = {}): MountShell {
    const strategy = options.strategy ?? this.#execStrategy;
    return new MountShell({ context: this.context, saver: this.#saver, options: { ...options, strategy } });
  }

  /** What is unsaved, by path, without a request. */
  async status(): Promise<UnsavedChange[]> {
    this.context.checkOpen({ syscall: "status" });
    return await this.#saver.status();
  }

  /**
   * What is unsaved as a unified diff that `git apply` takes, renames, modes, links and binary files included. With
   * several repositories paths begin with the name that each is mounted by.
   */
  async diff(options: DiffOptions = {}): Promise<string> {
    this.context.checkOpen({ syscall: "diff" });
    const { diffUnsaved } = await import("./diff/diff-unsaved.ts");
    return await diffUnsaved({ context: this.context, saver: this.#saver }, options);
  }

  /**
   * Keeps the mount's state, unsaved work included, in memory under a name, without a request. It costs what changes
   * after it: it shares everything else. What others commit is carried over into it, as into unsaved work.
   */
  async snapshot(name: string): Promise<void> {
    this.context.checkOpen({ syscall: "snapshot", path: name });
    const { keepSnapshot } = await import("./commit/keep-states.ts");
    keepSnapshot(this.#saver, name);
  }

  /**
   * Brings a kept state back as unsaved changes, also after commits; what others have committed stays. Unsaved work is
   * kept as another snapshot, whose name is given (null: there was none), unless `force` drops it.
   */
  async restore(
    name: string,
    options: { readonly force?: boolean } = {},
  ): Promise<{ readonly kept: string | null }> {
    this.context.checkOpen({ syscall: "restore", path: name });
    const { restoreSnapshot } = await import("./commit/keep-states.ts");
    return { kept: await restoreSnapshot(this.#saver, name, options.force ?? false) };
  }

  /** Names of the snapshots, oldest first. */
  async snapshots(): Promise<string[]> {
    const { listSnapshots } = await import("./commit/keep-states.ts");
    return listSnapshots(this.#saver);
  }

  /** Forgets a snapshot and what only it holds. */
  async dropSnapshot(name: string): Promise<void> {
    const { dropSnapshot } = await import("./commit/keep-states.ts");
    dropSnapshot(this.#saver, name);
  }

  /**
   * Forks the repository under a new name and mounts the fork, with a copy of what is unsaved here: two requests,
   * whatever the size. Paths stay the same; neither mount sees what the other does from now on.
   *
   * @example
   * const attempt = await fs.fork("my-app-attempt-2");
   */
  async fork(name: string, options: ForkOptions = {}): Promise<MountedFS> {
    this.context.checkOpen({ syscall: "fork" });
    return await this.#fork(name, options);
  }

  /** Drops what is unsaved at these paths and below them; without paths everything. */
  async discard(paths?: readonly string[]): Promise<void> {
    this.context.checkOpen({ syscall: "discard" });
    await this.#saver.discard(paths);
  }

  /** Moves to the newest commit; what is unsaved stays. A path that both sides changed is a conflict of the next commit. */
  async refresh(): Promise<void> {
    this.context.checkOpen({ syscall: "refresh" });
    await this.#saver.refresh();
  }

  /**
   * What others commit to the branches that are mounted, as it happens: the mount has moved to each commit before it is
   * told, keeping what is unsaved. The stream connects again by itself and ends with the loop, the signal or the mount.
   *
   * @example
   * for await (const { paths, conflicts } of fs.watch()) console.log(paths, conflicts);
   */
  watch(options: WatchOptions = {}): AsyncGenerator<MountChange, void, undefined> {
    const parts = { context: this.context, saver: this.#saver };
    return deferStream(async () => (await import("./watch/watch-mount.ts")).watchMount(parts, options));
  }

  /**
   * Ends the mount. When something is unsaved, `onUnsaved` decides: "reject" (the default) with EBUSY, leaving the mount
   * as it is; "commit" it; or "discard" it.
   */
  async unmount(options: { readonly onUnsaved?: "reject" | "commit" | "discard" } = {}): Promise<void> {
    if (this.context.closed) return;
    const onUnsaved = options.onUnsaved ?? "reject";
    if (this.#session !== null) {
      // First, so that the mount stays open when the session keeps what conflicts.
      await this.#saver.finish(onUnsaved, () => undefined);
      await this.#inSession("unmount", (session) => session.close());
    }
    await this.#saver.finish(onUnsaved, () => this.context.close());
    // A commit that came meanwhile went into a session of its own.
    await this.#inSession("unmount", (session) => session.close());
  }
}
