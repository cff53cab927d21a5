import { MountError } from "../../errors.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import type { TextEncoding } from "../../mount/node/shapes/node-types.ts";
import type { MountDirent } from "../../mount/node/shapes/stats.ts";
import { createRunner, type ShellOutcome } from "../shell/mounted-shell.ts";

/** The call's path, and a signal that ends it. */
interface PathOptions {
  readonly path: string;
  readonly abortSignal?: AbortSignal | undefined;
}

interface CommandOptions {
  readonly command: string;
  readonly workingDirectory?: string | undefined;
  readonly env?: Record<string, string> | undefined;
  readonly abortSignal?: AbortSignal | undefined;
}

/** A command that runs, as the AI SDK sees it. Its output arrives when it ends. */
export interface MountProcess {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  wait(): Promise<{ exitCode: number }>;
  kill(): Promise<void>;
}

/** The AI SDK's `spawn`. */
export interface SpawnCommand {
  (
    options: CommandOptions & { readonly stdin: true },
  ): Promise<MountProcess & { readonly stdin: WritableStream<Uint8Array> }>;
  (options: CommandOptions & { readonly stdin?: boolean | undefined }): Promise<MountProcess>;
}

function isMissing(error: unknown): boolean {
  return error instanceof MountError && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** null in place of a missing path. */
async function orNull<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Exit code of a command that was killed, as shells have it for SIGKILL. */
const KILLED = 137;

/** Starts a command that gives everything at its end, as a process. */
function startCommand(
  run: (signal: AbortSignal) => Promise<ShellOutcome>,
  outerSignal: AbortSignal | undefined,
): MountProcess {
  const killer = new AbortController();
  const signal = outerSignal ? AbortSignal.any([outerSignal, killer.signal]) : killer.signal;
  const killed = new Promise<ShellOutcome>((resolve) => {
    const end = () => resolve({ stdout: "", stderr: "", exitCode: KILLED });
    killer.signal.addEventListener("abort", end, { once: true });
  });
  const outcome = Promise.race([run(signal), killed]);
  const streamOf = (part: "stdout" | "stderr") =>
    new ReadableStream<Uint8Array>({
      async start(controller) {
        const { [part]: text } = await outcome;
        if (text !== "") controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      },
    });
  return {
    stdout: streamOf("stdout"),
    stderr: streamOf("stderr"),
    wait: async () => ({ exitCode: (await outcome).exitCode }),
    kill: async () => killer.abort(),
  };
}

/** The AI SDK's `Experimental_SandboxSession` over a mount. Relative paths start at `base`. */
export class MountSandboxSession {
  readonly description: string;
  readonly #mount: MountedFS;
  readonly #base: string;

  constructor(mount: MountedFS, base: string) {
    this.#mount = mount;
    this.#base = base.replace(/\/+$/, "");
    this.description = `Files of a git repository, mounted at ${this.#base || "/"}. Commands run in a shell over these files.`;
  }

  readonly readFile = async (options: PathOptions): Promise<ReadableStream<Uint8Array> | null> => {
    const path = this.#at(options);
    const stats = await orNull(() => this.#mount.promises.stat(path));
    if (stats === null) return null;
    // Only a stream that begins tells of a directory; a caller wants to know at once.
    if (stats.isDirectory()) await this.#mount.readFile(path);
    return this.#mount.createReadStream(path, options.abortSignal ? { signal: options.abortSignal } : {});
  };

  readonly readBinaryFile = async (options: PathOptions): Promise<Uint8Array | null> => {
    const path = this.#at(options);
    return await orNull(() => this.#mount.readFile(path, "binary"));
  };

  readonly readTextFile = async (
    options: PathOptions & {
      readonly encoding?: string | undefined;
      readonly startLine?: number | undefined;
      readonly endLine?: number | undefined;
    },
  ): Promise<string | null> => {
    const bytes = await this.readBinaryFile(options);
    if (bytes === null) return null;
    const text = new TextDecoder(options.encoding ?? "utf-8", { ignoreBOM: true }).decode(bytes);
    const { startLine = 1, endLine } = options;
    if (startLine === 1 && endLine === undefined) return text;
    // Every line keeps its own end.
    return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).slice(startLine - 1, endLine).join("");
  };

  readonly writeFile = async (
    options: PathOptions & { readonly content: ReadableStream<Uint8Array> },
  ): Promise<void> => {
    const content = new Uint8Array(await new Response(options.content).arrayBuffer());
    await this.writeBinaryFile({ ...options, content });
  };

  readonly writeBinaryFile = async (
    options: PathOptions & { readonly content: Uint8Array },
  ): Promise<void> => {
    await this.#mount.writeFile(this.#at(options), options.content);
  };

  readonly writeTextFile = async (
    options: PathOptions & { readonly content: string; readonly encoding?: string | undefined },
  ): Promise<void> => {
    const path = this.#at(options);
    const { content, encoding = "utf-8" } = options;
    if (/^utf-?8$/i.test(encoding)) return await this.#mount.writeFile(path, content);
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (parent !== "") await this.#mount.mkdir(parent);
    // Refuses an encoding that it does not know, whatever the type says.
    await this.#mount.promises.writeFile(path, content, encoding as TextEncoding);
  };

  readonly stat = async (
    options: PathOptions,
  ): Promise<{ type: "file" | "directory"; size: number } | null> => {
    const path = this.#at(options);
    const stats = await orNull(() => this.#mount.promises.stat(path));
    return stats && { type: stats.isDirectory() ? "directory" : "file", size: stats.size };
  };

  readonly listDirectory = async (
    options: PathOptions,
  ): Promise<{ name: string; type: "file" | "directory" | "symlink" }[] | null> => {
    const path = this.#at(options);
    if ((await this.stat(options)) === null) return null;
    // With file types readdir gives entries.
    const entries = (await this.#mount.promises.readdir(path, { withFileTypes: true })) as MountDirent[];
    return entries.map((entry) => ({
      name: entry.name,
      type: entry.isSymbolicLink() ? "symlink" : entry.isDirectory() ? "directory" : "file",
    }));
  };

  readonly deleteFile = async (options: PathOptions): Promise<boolean> => {
    const path = this.#at(options);
    return (await orNull(async () => await this.#mount.unlink(path).then(() => true))) ?? false;
  };

  readonly run = async (options: CommandOptions): Promise<ShellOutcome> => {
    options.abortSignal?.throwIfAborted();
    const { command, workingDirectory, env, abortSignal } = options;
    const cwd = this.#at({ path: workingDirectory ?? "." });
    const { stdout, stderr, exitCode } = await createRunner(this.#mount)(command, {
      cwd,
      ...(env === undefined ? {} : { env }),
      ...(abortSignal === undefined ? {} : { signal: abortSignal }),
    });
    return { stdout, stderr, exitCode };
  };

  // With `stdin` it rejects, so that the process with one that the type promises is never missed.
  readonly spawn = (async (options) => {
    if (options.stdin)
      throw new Error("a command's standard input cannot be written: put it into the command");
    return startCommand((abortSignal) => this.run({ ...options, abortSignal }), options.abortSignal);
  }) as SpawnCommand;

  #at({ path, abortSignal }: PathOptions): string {
    abortSignal?.throwIfAborted();
    if (path.startsWith("/")) return path;
    return path === "." || path === "" ? this.#base || "/" : `${this.#base}/${path}`;
  }
}
