export type { CacheStats, SharedBlobs } from "./mount/blobs/content-source.ts";
export { createSharedBlobs } from "./mount/blobs/content-source.ts";
export type { PrefetchOptions, PrefetchResult } from "./mount/calls/prefetch-calls.ts";
export type { CommitMode, UnsavedChange } from "./mount/commit/saver.ts";
export type {
  Remote,
  RemoteBlob,
  RemoteChange,
  RemoteCommit,
  RemoteCommitOutcome,
  RemoteEntry,
  RemoteIdentity,
  RemotePrefetchSummary,
  RemoteRepo,
  RemoteTreePage,
} from "./mount/kernel/remote.ts";
export { type FileToWrite, MountedFS, type ReadEncoding } from "./mount/mounted-fs.ts";
export type { FileData } from "./mount/node/file-data.ts";
export type { NodeFsPromises } from "./mount/node/node-fs.ts";
export type { MountDirent, MountStats } from "./mount/node/stats.ts";
export { type MountOptions, type MountParts, type MountRepo, openMount } from "./mount/open-mount.ts";
export type { DirectoryItem, FileStat, TypedDirectoryItem } from "./mount/shapes.ts";
