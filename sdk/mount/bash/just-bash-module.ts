/** What is needed of the module `just-bash`, said without its types: it is an optional peer. */
export interface JustBashModule {
  readonly Bash: new (options: {
    readonly fs: ShellFs;
    readonly cwd: string;
    readonly env: Record<string, string>;
    readonly executionLimits: { readonly maxExecutionTimeMs: number; readonly maxOutputSize: number };
  }) => {
    exec(
      command: string,
      options: { readonly signal?: AbortSignal; readonly rawScript: boolean },
    ): Promise<{
      readonly stdout: string;
      readonly stderr: string;
      readonly exitCode: number;
      readonly env: Record<string, string>;
    }>;
  };
  readonly InMemoryFs: new () => ShellFs;
}

/** Text encodings of just-bash. */
export type ShellEncoding = "utf8" | "utf-8" | "ascii" | "binary" | "base64" | "hex" | "latin1";

export type ShellEncodingOption = ShellEncoding | { encoding?: ShellEncoding | null };
export type ShellWriteOption = ShellEncoding | { encoding?: ShellEncoding };

export interface ShellStat {
  isFile: boolean;
  isDirectory: boolean;
  isSymbolicLink: boolean;
  mode: number;
  size: number;
  mtime: Date;
  dev?: number | bigint;
  ino?: number | bigint;
  identity?: string;
}

export interface ShellDirent {
  name: string;
  isFile: boolean;
  isDirectory: boolean;
  isSymbolicLink: boolean;
}

/** just-bash's `IFileSystem`; the adapter's tests check that it is. */
export interface ShellFs {
  readFile(path: string, options?: ShellEncodingOption): Promise<string>;
  readFileBuffer(path: string): Promise<Uint8Array>;
  writeFile(path: string, content: string | Uint8Array, options?: ShellWriteOption): Promise<void>;
  appendFile(path: string, content: string | Uint8Array, options?: ShellWriteOption): Promise<void>;
  exists(path: string): Promise<boolean>;
  stat(path: string): Promise<ShellStat>;
  lstat(path: string): Promise<ShellStat>;
  mkdir(path: string, options?: { recursive?: boolean }): Promise<void>;
  readdir(path: string): Promise<string[]>;
  readdirWithFileTypes?(path: string): Promise<ShellDirent[]>;
  rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void>;
  cp(src: string, dest: string, options?: { recursive?: boolean }): Promise<void>;
  mv(src: string, dest: string): Promise<void>;
  resolvePath(base: string, path: string): string;
  getAllPaths(): string[];
  chmod(path: string, mode: number): Promise<void>;
  symlink(target: string, linkPath: string): Promise<void>;
  link(existingPath: string, newPath: string): Promise<void>;
  readlink(path: string): Promise<string>;
  realpath(path: string): Promise<string>;
  utimes(path: string, atime: Date, mtime: Date): Promise<void>;
}
