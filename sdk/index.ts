export { CoregitClient, type CoregitClientOptions, createCoregitClient, Filesystems } from "./client.ts";
export type { AuditEntry, AuditQuery } from "./contract/audit.ts";
export type {
  Branch,
  BranchCreate,
  BranchList,
  BranchPromote,
  BranchUpdate,
} from "./contract/branches.ts";
export type {
  BlobsStored,
  BlobUpload,
  Change,
  Commit,
  CommitCreate,
  CommitCreated,
  CommitDetails,
  CommitList,
  Edit,
  PathConflict,
} from "./contract/commits.ts";
export type {
  Connection,
  ConnectionCreate,
  ConnectionTest,
  ConnectionUpdate,
} from "./contract/connections.ts";
export type { ErrorCode, FieldError } from "./contract/errors.ts";
export type { BatchBlob, BatchReply, BatchRequest, Blob, Tree, TreeItem } from "./contract/files.ts";
export type { Fork, ForkCreate } from "./contract/forks.ts";
export type { Blame, BlameHunk, ReflogEntry, Undo, Undone } from "./contract/history.ts";
export type { Contract, EndpointKey } from "./contract/index.ts";
export type {
  ChangedFile,
  CherryPick,
  CherryPicked,
  Compare,
  Diff,
  LandRequest,
  Merged,
  MergeRequest,
  Reset,
  ResetDone,
  Revert,
  Reverted,
} from "./contract/merges.ts";
export type { FileMode, Identity, RepoRef } from "./contract/names.ts";
export type { GitObjectReply, Revision } from "./contract/objects.ts";
export type {
  PrefetchBlobLine,
  PrefetchDoneLine,
  PrefetchLine,
  PrefetchRequest,
} from "./contract/prefetch.ts";
export type {
  PublicKey,
  PublicKeyCreate,
  RevokedToken,
  SignedClaims,
  TokenRevocation,
} from "./contract/public-keys.ts";
export type { Ref, RefList, RefMoved, RefPut } from "./contract/refs.ts";
export type { Repo, RepoCreate, RepoDetails, RepoList, RepoUpdate } from "./contract/repos.ts";
export type {
  GrepDoneLine,
  GrepLine,
  GrepMatchLine,
  GrepRequest,
  SearchMatch,
  SearchReply,
  SearchRequest,
} from "./contract/search.ts";
export type {
  Session,
  SessionClosed,
  SessionFlush,
  SessionOpen,
  SessionStatus,
} from "./contract/sessions.ts";
export type { Snapshot, SnapshotCreate } from "./contract/snapshots.ts";
export type {
  ImportCreate,
  SyncConfig,
  SyncConfigCreate,
  SyncConfigCreated,
  SyncConfigUpdate,
  SyncRun,
  SyncRunRequest,
  SyncTriggered,
  SyncTriggerRequest,
} from "./contract/sync.ts";
export type { Tag, TagCreate, TagList } from "./contract/tags.ts";
export type { Token, TokenCreate, TokenCreated, TokenLimits } from "./contract/tokens.ts";
export type { Usage, UsageDetails } from "./contract/usage.ts";
export type { WatchCommit, WatchConnected, WatchDeleted, WatchEvent, WatchReset } from "./contract/watch.ts";
export type {
  Delivery,
  DeliveryDetails,
  Webhook,
  WebhookCreate,
  WebhookEvent,
  WebhookUpdate,
  WebhookUpdated,
  WebhookWithSecret,
} from "./contract/webhooks.ts";
export type {
  ExecChange,
  ExecReply,
  ExecRequest,
  MultiExecReply,
  MultiExecRequest,
} from "./contract/workspace.ts";
export {
  ApiError,
  type ConflictVersion,
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
export type { MountShell } from "./mount/bash/shell.ts";
export type { BashOptions, ExecOptions, ExecResult, ExecStrategy } from "./mount/bash/shell-options.ts";
export type { CacheStats } from "./mount/blobs/content-source.ts";
export type { SecondLevelCache } from "./mount/blobs/second-level.ts";
export type { GrepMatch, GrepOptions } from "./mount/calls/grep-calls.ts";
export type { PrefetchOptions, PrefetchResult } from "./mount/calls/prefetch-calls.ts";
export type { ConflictResolver, Resolution } from "./mount/commit/commit-parts.ts";
export type { CommitMode, UnsavedChange } from "./mount/commit/saver.ts";
export type { DiffOptions } from "./mount/diff/diff-unsaved.ts";
export type { EditFailure, FileEdit } from "./mount/edit/apply-edits.ts";
export type { EditResult } from "./mount/edit/edit-file.ts";
export type { FileMap } from "./mount/faces/file-map.ts";
export type { DirectoryItem, FileStat, TypedDirectoryItem } from "./mount/faces/shapes.ts";
export type { FileToWrite } from "./mount/faces/write-face.ts";
export type { ForkOptions, MountOptions, MountRepo } from "./mount/mount-options.ts";
export { MountedFS } from "./mount/mounted-fs.ts";
export type { NodeFsPromises } from "./mount/node/node-fs.ts";
export type { MountChange, WatchOptions } from "./mount/watch/watch-mount.ts";
export type { BlameOptions } from "./resources/history.ts";
export type { WatchQuery } from "./resources/watch.ts";
