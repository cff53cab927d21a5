/** Limits of the wire, in bytes unless the name says otherwise. The error that refuses a request states the limit. */
export const LIMITS = {
  changesPerCommit: 1_000,
  fileBytes: 10 * 1024 * 1024,
  messageBytes: 50 * 1024,
  requestBodyBytes: 100 * 1024 * 1024,
  pathBytes: 4_096,
  slugChars: 100,
  descriptionChars: 500,
  editsPerChange: 100,
  blobBytes: 50 * 1024 * 1024,
  batchPaths: 100,
  /** Sum of the contents in one batch reply; what does not fit is marked `truncated`. */
  batchReplyBytes: 32 * 1024 * 1024,
  treeEntries: 10_000,
  prefetchGlobs: 32,
  prefetchGlobChars: 1_024,
  prefetchBytes: 16 * 1024 * 1024,
  prefetchBytesMax: 32 * 1024 * 1024,
  prefetchBlobBytes: 1024 * 1024,
  prefetchBlobBytesMax: 4 * 1024 * 1024,
  idempotencyKeyChars: 255,
  idempotencyHours: 24,
  sessionTtlSecondsMin: 60,
  sessionTtlSecondsMax: 8 * 60 * 60,
  /** Open at a time, of one credential. */
  sessionsPerKey: 200,
  /** What a session may hold before it must be flushed. */
  sessionBytes: 64 * 1024 * 1024,
  sessionObjects: 20_000,
  sessionRefs: 200,
  sessionRepos: 10,
  /** Branches that one watch names. */
  watchBranches: 20,
  watchersPerRepo: 1_000,
  watchersPerOrg: 10_000,
  /** Paths in one event. */
  watchPaths: 500,
  /** Moves that a stream tells after the fact; beyond it comes `reset`. */
  watchReplayMoves: 1_000,
  /** What may wait for a slow reader before its stream is cut. */
  watchBufferBytes: 256 * 1024,
} as const;

/** Request and reply header names, lower case as the platform compares them. */
export const HEADERS = {
  apiKey: "x-api-key",
  adminKey: "x-admin-key",
  session: "x-session-id",
  idempotencyKey: "idempotency-key",
  /** "true" on a reply that repeats the first result of the same Idempotency-Key. */
  idempotentReplay: "x-idempotent-replay",
  requestId: "x-request-id",
  lastEventId: "last-event-id",
  contentSha: "x-content-sha",
  /** Commit that the ref of a read resolved to. */
  commitSha: "x-commit-sha",
} as const;
