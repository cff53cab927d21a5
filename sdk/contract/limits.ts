/** Those limits that a mount keeps to; apart, because they are all that its bundle needs to know. */
export const MOUNT_LIMITS = {
  changesPerCommit: 1_000,
  changesPerBulkCommit: 20_000,
  fileBytes: 10 * 1024 * 1024,
  batchPaths: 100,
  prefetchGlobs: 32,
  prefetchBytesMax: 32 * 1024 * 1024,
  prefetchBlobBytesMax: 4 * 1024 * 1024,
  grepPaths: 1_000,
  grepMatches: 10_000,
  /** A longer line is told by its beginning and its length. */
  grepLineBytes: 64 * 1024,
  /** Larger files are not searched, and counted as such. */
  grepFileBytes: 32 * 1024 * 1024,
} as const;

/** Limits of the wire, in bytes unless the name says otherwise. The error that refuses a request states the limit. */
export const LIMITS = {
  ...MOUNT_LIMITS,
  /** Contents of one `POST …/blobs`. */
  blobsPerUpload: 10_000,
  messageBytes: 50 * 1024,
  requestBodyBytes: 100 * 1024 * 1024,
  pathBytes: 4_096,
  slugChars: 100,
  descriptionChars: 500,
  editsPerChange: 100,
  blobBytes: 50 * 1024 * 1024,
  /** Sum of the contents in one batch reply; what does not fit is marked `truncated`. */
  batchReplyBytes: 32 * 1024 * 1024,
  treeEntries: 10_000,
  prefetchGlobChars: 1_024,
  prefetchBytes: 16 * 1024 * 1024,
  prefetchBlobBytes: 1024 * 1024,
  /** As JSON. */
  metadataBytes: 16 * 1024,
  metadataDepth: 32,
  /** Of a branch that goes by itself. */
  branchTtlSecondsMin: 60,
  branchTtlSecondsMax: 30 * 24 * 60 * 60,
  /** Moves that one undo takes back. */
  undoSteps: 1_000,
  /** Larger files are not blamed. */
  blameFileBytes: 10 * 1024 * 1024,
  /** Commits that one blame looks at, and contents that it reads; beyond, it ends with `truncated`. */
  blameCommits: 20_000,
  blameReadBytes: 256 * 1024 * 1024,
  /** Metadata in one blame; hunks after that come without. */
  blameMetadataBytes: 1024 * 1024,
  tokenScopes: 40,
  tokenGlobs: 50,
  tokenSecondsMin: 3_600,
  tokenSecondsMax: 2_592_000,
  /** A signed token, in characters: it travels in one header. */
  signedTokenChars: 8_192,
  /** From `iat` to `exp` of a signed token. */
  signedTokenSecondsMax: 2_592_000,
  /** How far `iat` and `nbf` of a signed token may lie ahead of the server's clock. */
  signedTokenLeewaySeconds: 60,
  subjectChars: 100,
  publicKeysPerOrg: 50,
  /** Signed tokens of one org that are revoked and have not run out. */
  revokedTokens: 10_000,
  searchPatternChars: 1_000,
  searchContextLines: 10,
  searchRepos: 50,
  searchResults: 100,
  searchResultsMax: 500,
  grepMatchesMax: 100_000,
  grepBytes: 16 * 1024 * 1024,
  grepBytesMax: 64 * 1024 * 1024,
  /** Contents that one request looks through; with a regular expression that names no literal text, an eighth. */
  grepScanBytes: 1024 * 1024 * 1024,
  grepSeconds: 20,
  idempotencyKeyChars: 255,
  idempotencyHours: 24,
  sessionTtlSecondsMin: 60,
  sessionTtlSecondsMax: 8 * 60 * 60,
  /** Open at a time, of one credential. */
  sessionsPerKey: 200,
  /** Open at a time, of all tokens that one public key has signed. */
  sessionsPerPublicKey: 5_000,
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
  webhooksPerOrg: 50,
  webhookUrlChars: 2_048,
  webhookSecretChars: 256,
  webhookAttempts: 8,
  webhookTimeoutMs: 10_000,
  /** Commits in one `push`. */
  webhookCommits: 20,
  /** Of an answer, as kept in the log of deliveries. */
  webhookResponseBytes: 1_024,
  /** Deliveries of one webhook that have not ended; further events wait in the audit log. */
  webhookPending: 1_000,
  /** Deliveries of one webhook that have ended and can still be looked at, and for how long. */
  webhookDeliveries: 1_000,
  webhookDeliveryDays: 7,
  /** A webhook that fails for so long is switched off. */
  webhookFailingDays: 3,
  auditDays: 90,
  auditEntries: 2_000_000,
  execCommandChars: 10_000,
  execRepos: 10,
  execEnvNames: 200,
  execTimeoutMs: 30_000,
  execTimeoutMsMax: 60_000,
  /** Of each stream in the reply; the rest is cut off, and the reply says so. */
  execStreamBytes: 1024 * 1024,
  /** New and changed contents that one command may hold, those of `pre_apply_changes` included. */
  execWriteBytes: 16 * 1024 * 1024,
  /** Contents that one command may read from the repositories. */
  execReadBytes: 256 * 1024 * 1024,
  execReadFiles: 100_000,
  execChanges: 10_000,
  /** Objects in one LFS batch request. */
  lfsBatch: 1_000,
  /** One large file: what the storage takes in one put. */
  lfsObjectBytes: 4_995 * 1024 * 1024,
  lfsLocksPerRepo: 10_000,
  /** Of one org. */
  connections: 100,
  connectionSecretChars: 4_096,
  /** Of one repository. */
  syncLinks: 20,
  syncBranchGlobs: 50,
  syncQueuedRuns: 20,
  syncIntervalSecondsMin: 60,
  syncIntervalSecondsMax: 7 * 24 * 60 * 60,
  /** Longest pack that an import takes in or an export sends. */
  syncPackBytes: 4 * 1024 * 1024 * 1024,
  /** How long a call that starts a run waits for its end. */
  syncWaitSecondsMax: 50,
  hookBodyBytes: 25 * 1024 * 1024,
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
