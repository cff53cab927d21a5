export { CoregitClient, type CoregitClientOptions, createCoregitClient, Filesystems } from "./client.ts";
export type { Branch, BranchCreate, BranchList } from "./contract/branches.ts";
export type {
  Change,
  Commit,
  CommitCreate,
  CommitCreated,
  CommitDetails,
  CommitList,
  Edit,
} from "./contract/commits.ts";
export type { ErrorCode, FieldError } from "./contract/errors.ts";
export type { BatchBlob, BatchReply, BatchRequest, Blob, Tree, TreeItem } from "./contract/files.ts";
export type { Fork, ForkCreate } from "./contract/forks.ts";
export type { Contract, EndpointKey } from "./contract/index.ts";
export type { FileMode, Identity, RepoRef } from "./contract/names.ts";
export type { GitObjectReply, Revision } from "./contract/objects.ts";
export type {
  PrefetchBlobLine,
  PrefetchDoneLine,
  PrefetchLine,
  PrefetchRequest,
} from "./contract/prefetch.ts";
export type { Ref, RefList, RefMoved, RefPut } from "./contract/refs.ts";
export type { Repo, RepoCreate, RepoDetails, RepoList, RepoUpdate } from "./contract/repos.ts";
export type {
  Session,
  SessionClosed,
  SessionFlush,
  SessionOpen,
  SessionStatus,
} from "./contract/sessions.ts";
export type { Tag, TagCreate, TagList } from "./contract/tags.ts";
export type { WatchCommit, WatchConnected, WatchDeleted, WatchEvent, WatchReset } from "./contract/watch.ts";
export {
  ApiError,
  CoregitError,
  type MountConflict,
  MountConflictError,
  MountError,
  MountPathError,
  MountReadOnlyError,
} from "./errors.ts";
export type { Clock } from "./http/clock.ts";
export type { BytesReply, RequestError, Result, TransportCode } from "./http/reply.ts";
export type { CallOptions, RequestEvent, RequestFunction, RequestOptions } from "./http/request.ts";
export type { RetryOptions } from "./http/retry.ts";
export type { Fetch } from "./http/transport.ts";
export type { WatchNews } from "./http/watch-events.ts";
export type { CacheStats } from "./mount/blobs/content-source.ts";
export type { PrefetchOptions, PrefetchResult } from "./mount/calls/prefetch-calls.ts";
export type { CommitMode, UnsavedChange } from "./mount/commit/saver.ts";
export type { DirectoryItem, FileStat, TypedDirectoryItem } from "./mount/faces/shapes.ts";
export type { FileToWrite } from "./mount/faces/write-face.ts";
export { MountedFS } from "./mount/mounted-fs.ts";
export type { NodeFsPromises } from "./mount/node/node-fs.ts";
export type { MountOptions, MountRepo } from "./mount/open-mount.ts";
export type { MountChange, WatchOptions } from "./mount/watch/watch-mount.ts";
export type { WatchQuery } from "./resources/watch.ts";
