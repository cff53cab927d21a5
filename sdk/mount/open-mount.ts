import { ApiError } from "../errors.ts";
import type { ExecStrategy } from "./bash/shell-options.ts";
import { ContentSource, type SharedBlobs } from "./blobs/content-source.ts";
import type { SecondLevelCache } from "./blobs/second-level.ts";
import { CallContext } from "./calls/call-context.ts";
import { CommitBuffer } from "./commit/commit-buffer.ts";
import { type CommitMode, Saver } from "./commit/saver.ts";
import { errnoError, remoteError } from "./kernel/errno.ts";
import type { Remote, RemoteIdentity } from "./kernel/remote.ts";
import type { MountSession } from "./kernel/session.ts";
import { MountedFS } from "./mounted-fs.ts";
import { loadTree } from "./tree/load-tree.ts";
import { MountTable } from "./volume/mount-table.ts";
import { Volume } from "./volume/volume.ts";

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

const MAX_REPOS = 10;

function nameOf(repo: MountRepo): string {
  return repo.as === "/" ? "" : (repo.as ?? repo.slug);
}

function checkOptions({ repos }: MountOptions): void {
  const fail = (detail: string) => errnoError("EINVAL", { syscall: "mount" }, { detail });
  if (repos.length === 0 || repos.length > MAX_REPOS)
    throw fail(`a mount takes 1 to ${MAX_REPOS} repositories`);
  const names = repos.map(nameOf);
  if (names.some((name) => name.includes("/") || name === "." || name === "..")) {
    throw fail("a mount name is one path segment");
  }
  if (new Set(names).size < names.length) throw fail("two repositories have one name: give one of them `as`");
  if (repos.length > 1 && names.includes(""))
    throw fail("only a single repository can be mounted at the root");
}

async function openVolume(repo: MountRepo, options: MountOptions, parts: MountParts): Promise<Volume> {
  const { slug, namespace = null } = repo;
  const branch = repo.branch ?? options.branch ?? null;
  const ref = repo.ref ?? branch ?? "HEAD";
  const site = { syscall: "mount", path: `/${nameOf(repo)}` };
  try {
    const loaded = await loadTree(parts.remote, { slug, namespace }, { ref, signal: options.signal });
    return new Volume(
      parts.remote,
      {
        name: nameOf(repo),
        repo: { slug, namespace },
        ref,
        branch,
        writable: options.mode !== "ro" && (repo.ref === undefined || branch !== null),
      },
      { ...loaded, now: parts.now },
    );
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (!(cause instanceof ApiError) || cause.status !== 404) throw remoteError(cause, site);
    throw errnoError("ENOENT", site, { detail: `no such repository or ref: ${slug} at ${ref}`, cause });
  }
}

/**
 * Mounts repositories: one request for each, whatever its size up to 10,000 entries.
 *
 * @throws MountPathError EINVAL for options, ENOENT for a missing repository or ref; MountError EACCES, EIO.
 */
export async function openMount(options: MountOptions, parts: MountParts): Promise<MountedFS> {
  checkOptions(options);
  const { remote, now, createKey } = parts;
  const volumes = await Promise.all(options.repos.map((repo) => openVolume(repo, options, parts)));
  const table = new MountTable(volumes);
  const content = new ContentSource(parts.blobs);
  const context = new CallContext({ table, content, remote, now });
  const buffers = volumes.map((volume) => new CommitBuffer({ volume, table, remote, content, createKey }));
  const saver = new Saver(table, buffers, { mode: options.commitMode ?? "manual", author: options.author });
  return new MountedFS(context, saver, { session: parts.session, execStrategy: options.execStrategy });
}
