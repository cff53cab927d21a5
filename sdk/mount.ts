export type { CacheStats, SharedBlobs } from "./mount/blobs/content-source.ts";
export { createSharedBlobs } from "./mount/blobs/content-source.ts";
export type { SecondLevelCache } from "./mount/blobs/second-level.ts";
export type { GrepMatch, GrepOptions } from "./mount/calls/grep-calls.ts";
export type { PrefetchOptions, PrefetchResult } from "./mount/calls/prefetch-calls.ts";
export type { ConflictResolver, Resolution } from "./mount/commit/commit-parts.ts";
export type { CommitMode, UnsavedChange } from "./mount/commit/saver.ts";
export type { DiffOptions } from "./mount/diff/diff-unsaved.ts";
export type { EditFailure, FileEdit } from "./mount/edit/apply-edits.ts";
export type { EditResult } from "./mount/edit/edit-file.ts";
export type { FileMap } from "./mount/faces/file-map.ts";
export type { ReadEncoding } from "./mount/faces/read-face.ts";
export type { DirectoryItem, FileStat, TypedDirectoryItem } from "./mount/faces/shapes.ts";
export type { FileToWrite } from "./mount/faces/write-face.ts";
export type {
  Remote,
  RemoteBlob,
  RemoteChange,
  RemoteCommit,
  RemoteCommitOutcome,
  RemoteConflict,
  RemoteEntry,
  RemoteGrep,
  RemoteGrepSummary,
  RemoteIdentity,
  RemoteMatch,
  RemoteMove,
  RemotePrefetchSummary,
  RemoteRepo,
  RemoteTreePage,
} from "./mount/kernel/remote.ts";
export type { MountOptions, MountParts, MountRepo } from "./mount/mount-options.ts";
export { MountedFS } from "./mount/mounted-fs.ts";
export type { NodeFsPromises } from "./mount/node/node-fs.ts";
export type { FileData } from "./mount/node/shapes/data-types.ts";
export type { MountDirent, MountStats } from "./mount/node/shapes/stats.ts";
export { openMount } from "./mount/open-mount.ts";
export type { MountChange, WatchOptions } from "./mount/watch/watch-mount.ts";
