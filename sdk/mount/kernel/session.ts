/** The session that a mount works in. */
export interface MountSession {
  flush(): Promise<{ readonly flushedObjects: number; readonly flushedRefs: number }>;
  /** Flushes and ends a session that the mount has opened. */
  close(): Promise<void>;
}
