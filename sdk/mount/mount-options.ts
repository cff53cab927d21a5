import type { ExecStrategy } from "./bash/shell-options.ts";
import type { SharedBlobs } from "./blobs/content-source.ts";
import type { SecondLevelCache } from "./blobs/second-level.ts";
import type { CommitMode } from "./commit/saver.ts";
import type { Remote, RemoteIdentity } from "./kernel/remote.ts";
import type { MountSession } from "./kernel/session.ts";

/** One repository of a mount. */
export interface MountRepo {
  readonly slug: string;
  readonly namespace?: string | null;
  /** Branch to read and to commit to; the mount's, else the default branch. */
  readonly branch?: string;
  /** Branch, tag or commit to read instead. Without a `branch` beside it the repository is read-only. */
  readonly ref?: string;
  /** First segment of its paths instead of the slug. "/" puts a single repository at the root, with no other name. */
  readonly as?: string;
}

/** How to mount. */
export interface MountOptions {
  /** 1 to 10 repositories. */
  readonly repos: readonly MountRepo[];
  /** "rw" is the default. */
  readonly mode?: "rw" | "ro";
  /** Branch of every repository that names none. */
  readonly branch?: string;
  /** Author of the commits; the key's own identity when absent. */
  readonly author?: RemoteIdentity;
  /** "manual" is the default. */
  readonly commitMode?: CommitMode;
  /** Where the commands of `bash()` run; "local-js" where just-bash can be loaded, else "remote". */
  readonly execStrategy?: ExecStrategy;
  /**
   * Blobs are kept in memory and shared by the mounts of a client; 64 MiB by default. Another size makes a cache of its
   * own. Mounts that name one `second` level share it and the memory before it.
   */
  readonly cache?: {
    readonly enabled?: boolean;
    readonly maxBytes?: number;
    readonly second?: SecondLevelCache;
  };
  readonly signal?: AbortSignal;
  /**
   * Work in a session: commits are fast and seen by this mount at once, and by others with `flush()` or `unmount()`.
   * One of yours by its id, or one that the mount opens with its first request.
   */
  readonly session?:
    | { readonly id: string }
    | { readonly autoOpen: boolean; readonly ttlSeconds?: number; readonly idleExtend?: boolean };
}

/** What a mount is built from; the client gives it. */
export interface MountParts {
  readonly remote: Remote;
  readonly blobs: SharedBlobs;
  readonly now: () => number;
  readonly createKey: () => string;
  readonly session?: MountSession | undefined;
}

/** How to fork what is mounted. */
export interface ForkOptions {
  /** Which repository, by the name it is mounted by; needed when there are several. */
  readonly repo?: string;
  /** Namespace of the fork; none by default. */
  readonly namespace?: string;
  /** "rw" or "ro"; as the mount itself when absent. */
  readonly mode?: "rw" | "ro";
}
