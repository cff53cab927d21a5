export type { CacheStats, SharedBlobs } from "./mount/blobs/content-source.ts";
export { createSharedBlobs } from "./mount/blobs/content-source.ts";
export type { PrefetchOptions, PrefetchResult } from "./mount/calls/prefetch-calls.ts";
export type { CommitMode, UnsavedChange } from "./mount/commit/saver.ts";
export type { ReadEncoding } from "./mount/faces/read-face.ts";
export type { DirectoryItem, FileStat, TypedDirectoryItem } from "./mount/faces/shapes.ts";
export type { FileToWrite } from "./mount/faces/write-face.ts";
export type {
  Remote,
  RemoteBlob,
  RemoteChange,
  RemoteCommit,
  RemoteCommitOutcome,
  RemoteEntry,
  RemoteIdentity,
  RemoteMove,
  RemotePrefetchSummary,
  RemoteRepo,
  RemoteTreePage,
} from "./mount/kernel/remote.ts";
export { MountedFS } from "./mount/mounted-fs.ts";
export type { FileData } from "./mount/node/file-data.ts";
export type { NodeFsPromises } from "./mount/node/node-fs.ts";
export type { MountDirent, MountStats } from "./mount/node/stats.ts";
export { type MountOptions, type MountParts, type MountRepo, openMount } from "./mount/open-mount.ts";
export type { MountChange, WatchOptions } from "./mount/watch/watch-mount.ts";
