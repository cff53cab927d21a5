import type { CallContext } from "./calls/call-context.ts";
import type { Saver, UnsavedChange } from "./commit/saver.ts";
import { WriteFace } from "./faces/write-face.ts";
import { remoteError } from "./kernel/errno.ts";
import type { RemoteIdentity } from "./kernel/remote.ts";
import type { MountSession } from "./kernel/session.ts";
import { deferStream } from "./watch/defer-stream.ts";
import type { MountChange, WatchOptions } from "./watch/watch-mount.ts";

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

  constructor(context: CallContext, saver: Saver, session: MountSession | null = null) {
    super(context, (volume, paths) => saver.save(volume, paths));
    this.#saver = saver;
    this.#session = session;
  }

  /**
   * Commits what is unsaved: per repository one commit of what changed, whose sha is in the answer under the name that
   * it is mounted by. Others' commits to other files are kept; a file that somebody else changed too rejects with
   * MountConflictError, and everything stays unsaved.
   */
  async commit(
    options: {
      readonly message?: string;
      readonly repos?: readonly string[];
      readonly author?: RemoteIdentity;
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

  /** What is unsaved, by path, without a request. */
  async status(): Promise<UnsavedChange[]> {
    this.context.checkOpen({ syscall: "status" });
    return await this.#saver.status();
  }

  /** Drops what is unsaved at these paths and below them; without paths everything. */
  async discard(paths?: readonly string[]): Promise<void> {
    this.context.checkOpen({ syscall: "discard" });
    if (paths === undefined) this.#saver.discardAll();
    for (const path of paths ?? []) this.#saver.discard(path);
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
    await this.#saver.finish(options.onUnsaved ?? "reject");
    await this.#inSession("unmount", (session) => session.close());
    this.context.close();
  }
}
