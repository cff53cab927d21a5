/** A file, link or directory of a tree on disk. Paths are relative, with `/`. */
export type DiskEntry =
  | { readonly kind: "file"; readonly path: string; readonly executable: boolean; readonly bytes: Uint8Array }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | { readonly kind: "directory"; readonly path: string };

export interface LocalCommand {
  readonly command: string;
  /** Relative to the tree's root. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface LocalOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  /** Entries that are new or not as they were. */
  readonly written: readonly DiskEntry[];
  /** Paths that are gone, directories with all below them. */
  readonly removed: readonly string[];
}

/** The system's shell over a temporary directory; `@coregit/sdk/node` has it. */
export interface LocalShell {
  /** Makes the directory be these entries and runs a command in it. */
  run(entries: Iterable<DiskEntry>, command: LocalCommand): Promise<LocalOutcome>;
}

/** Opens one. Rejects where no process can be started. */
export type OpenLocalShell = () => Promise<LocalShell>;
