import { ApiError } from "../../errors.ts";
import type { CallContext } from "../calls/call-context.ts";
import type { Saver } from "../commit/saver.ts";
import { errnoError, remoteError } from "../kernel/errno.ts";
import type { RemoteMove } from "../kernel/remote.ts";
import { diffTrees } from "../tree/diff.ts";
import type { DirNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import { mergeStreams } from "./merge-streams.ts";

export interface WatchOptions {
  /** Names that the repositories are mounted by; all when absent. */
  readonly repos?: readonly string[];
  /** false: only tell, and leave the mount where it is. */
  readonly refresh?: boolean;
  readonly signal?: AbortSignal;
}

/** Somebody's commit to a branch that the mount reads. */
export interface MountChange {
  /** Name that the repository is mounted by. */
  readonly repo: string;
  readonly branch: string;
  /** Commit that the branch is at; null when it was deleted. */
  readonly sha: string | null;
  readonly previous: string | null;
  /** Mount paths of the files that differ, sorted. */
  readonly paths: readonly string[];
  /** More files may differ than are named. */
  readonly pathsTruncated: boolean;
  /** Unsaved paths that others changed too: conflicts of the next commit, unless they are discarded. */
  readonly conflicts: readonly string[];
  /** null when several moves are told as one. */
  readonly actor: string | null;
  readonly message: string | null;
  /** ms since the epoch; null when several moves are told as one. */
  readonly atMs: number | null;
}

interface WatchParts {
  readonly context: CallContext;
  readonly saver: Saver;
}

const SITE = { syscall: "watch" };

/**
 * What others do to the branches that a mount reads. Before a change is told the mount has moved to it, with one listing
 * at most; contents stay cached by their ids, and what is unsaved stays. The mount's own commits are not told.
 */
export function watchMount(
  parts: WatchParts,
  options: WatchOptions,
): AsyncGenerator<MountChange, void, undefined> {
  const { context } = parts;
  context.checkOpen(SITE);
  const stop = new AbortController();
  const signals = [stop.signal, context.ended, ...(options.signal ? [options.signal] : [])];
  const signal = AbortSignal.any(signals);
  const volumes = context.table.volumes.filter(
    (volume) => options.repos === undefined || options.repos.includes(volume.key),
  );
  const events = follow(parts, { volumes, signal, options });
  const leave = events.return.bind(events);
  // `return` must end a `next` that waits for an event which may never come.
  return Object.assign(events, {
    return(value: void | PromiseLike<void>) {
      stop.abort();
      return leave(value);
    },
  });
}

interface Watching {
  readonly volumes: readonly Volume[];
  readonly signal: AbortSignal;
  readonly options: WatchOptions;
}

async function* follow(parts: WatchParts, watching: Watching): AsyncGenerator<MountChange, void, undefined> {
  const { signal, options } = watching;
  try {
    options.signal?.throwIfAborted();
    const streams = watching.volumes
      .filter((volume) => volume.followed !== null)
      .map((volume) => followVolume(parts, volume, watching));
    if (streams.length === 0)
      throw errnoError("EINVAL", SITE, { detail: "nothing mounted here reads a branch" });
    yield* mergeStreams(streams);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (signal.aborted) return;
    throw error instanceof ApiError ? remoteError(error, SITE) : error;
  }
}

async function* followVolume(
  { context, saver }: WatchParts,
  volume: Volume,
  { signal, options }: Watching,
): AsyncGenerator<MountChange, void, undefined> {
  const { remote, table } = context;
  if (remote.watch === undefined) throw errnoError("ENOSYS", SITE);
  const branch = volume.followed ?? (await volume.readBranch());
  const format = (paths: readonly string[]) => paths.map((path) => table.format(volume, path));
  /** A commit further on that a refresh has moved to: the mount has all moves up to it. */
  let ahead: string | null = null;
  /** What the branch was when the watch looked last. The mount may be further on by now, through its own commits. */
  let seen = volume.commitSha;
  for await (const move of await remote.watch(volume.repo, { branch, signal })) {
    if (move.event === "reset") continue;
    const sha = move.event === "deleted" ? null : move.sha;
    await saver.idle(volume);
    if (move.event === "connected") {
      if (move.id === null || sha === seen || sha === volume.commitSha) continue;
      ahead = null;
    } else if (sha === ahead) {
      ahead = null;
    }
    seen = sha;
    if (sha !== null && saver.isOwn(volume, sha)) continue;
    const before = { root: volume.committed, sha: volume.commitSha };
    if (options.refresh !== false && sha !== null && sha !== before.sha && ahead === null) {
      await saver.follow(volume, sha, signal);
      if (volume.commitSha !== sha) ahead = volume.commitSha;
    }
    yield {
      repo: volume.key,
      branch,
      sha,
      previous: move.event === "connected" ? before.sha : move.previous,
      ...describePaths(move, before.root, volume),
      conflicts: format([...volume.overlaps.keys()]).sort(),
      ...describeReason(move),
    };
  }

  function describePaths(move: RemoteMove, root: DirNode, { committed }: Volume) {
    if (move.event === "commit" && (!move.paths_truncated || committed === root)) {
      return { paths: format(move.paths), pathsTruncated: move.paths_truncated };
    }
    // Both listings are in memory, so nothing needs to be left out.
    return { paths: format(listDifferent(root, committed)), pathsTruncated: committed === root };
  }
}

function listDifferent(before: DirNode, after: DirNode): readonly string[] {
  const { puts, removed, moved } = diffTrees(before, after);
  return [
    ...[...puts, ...removed].map(({ path }) => path),
    ...moved.flatMap(({ path, newPath }) => [path, newPath]),
  ].sort();
}

function describeReason(move: RemoteMove): Pick<MountChange, "actor" | "message" | "atMs"> {
  if (!("ts" in move)) return { actor: null, message: null, atMs: null };
  return { actor: move.actor, message: move.message, atMs: move.ts };
}
