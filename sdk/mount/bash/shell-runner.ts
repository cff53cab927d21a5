import { MountError } from "../../errors.ts";
import { CopyCalls } from "../calls/copy-calls.ts";
import { ReadCalls } from "../calls/read-calls.ts";
import { WriteCalls } from "../calls/write-calls.ts";
import { errnoError } from "../kernel/errno.ts";
import { createNodeFs } from "../node/node-fs.ts";
import type { DirNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import { listChangedFiles } from "./changed-files.ts";
import { loadJustBash, loadLocalShell } from "./load-shell.ts";
import { LocalStrategy } from "./local.ts";
import { LocalJsStrategy } from "./local-js.ts";
import { RemoteStrategy } from "./remote.ts";
import type { ExecOptions, ExecResult, ShellParts } from "./shell-options.ts";
import type { ShellCalls, ShellOutcome, ShellStrategy } from "./strategy.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
/** Characters of a command in the message of its commit. */
const SUBJECT_CHARS = 72;

/** Runs the commands of one shell, one after the other, and commits what they changed. */
export class ShellRunner {
  readonly #parts: ShellParts;
  readonly #calls: ShellCalls;
  #strategy: Promise<ShellStrategy> | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #cwd: string;
  #env: Readonly<Record<string, string>>;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    const { context, options } = parts;
    // In mode "auto" each of a command's writes would wait for a commit of its own: there is one, when it has ended.
    const later = () => undefined;
    const reads = new ReadCalls(context);
    const copies = new CopyCalls(context, later);
    const writes = new WriteCalls(context, later);
    const promises = createNodeFs({ context, reads, writes, copies: async () => copies, afterWrite: later });
    this.#calls = {
      promises,
      cacheStats: () => context.content.stats,
      copyTree: (from, to) => copies.copyTree(from, to, { syscall: "cp", path: from, dest: to }),
    };
    const { single } = context.table;
    this.#cwd = options.cwd ?? context.table.format(single, "");
    this.#env = options.env ?? {};
  }

  exec(command: string, options: ExecOptions): Promise<ExecResult> {
    const result = this.#turn.then(() => this.#exec(command, options));
    this.#turn = result.catch(() => undefined); // The caller has the error; the next in turn must still run.
    return result;
  }

  async #exec(command: string, options: ExecOptions): Promise<ExecResult> {
    options.signal?.throwIfAborted();
    const { context, saver } = this.#parts;
    const { volumes } = context.table;
    this.#strategy ??= this.#open();
    const strategy = await this.#strategy;
    const before = new Map<Volume, DirNode>(volumes.map((volume) => [volume, volume.editor.freeze()]));
    const wanted = options.commit ?? saver.mode !== "manual";
    const message = options.commitMessage ?? describeCommand(command);
    const startedMs = context.now();
    const outcome = await strategy.run({
      command,
      cwd: options.cwd ?? this.#cwd,
      env: { ...this.#env, ...options.env },
      timeoutMs: options.timeoutMs ?? this.#parts.options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      signal: options.signal,
      commit: wanted ? { message, author: options.author ?? saver.author } : null,
    });
    options.signal?.throwIfAborted();
    this.#keepState(outcome, options);
    const changedFiles = await this.#listChanges(before);
    const result: ExecResult = {
      stdout: outcome.stdout,
      stderr: outcome.stderr,
      exitCode: outcome.exitCode,
      changedFiles,
      commits: outcome.commits ?? {},
      reposMounted: volumes.map(({ name, repo }) => name || repo.slug),
      executionTimeMs: Math.round(context.now() - startedMs),
    };
    const due =
      wanted && !outcome.stopped && outcome.commits === null && (options.commit || changedFiles.length > 0);
    if (!due) return result;
    return { ...result, commits: await this.#commit({ message, author: options.author }, result) };
  }

  /** What the next command finds: where the last one went, and what it exported. */
  #keepState(outcome: ShellOutcome, options: ExecOptions): void {
    if (outcome.state === null) return;
    if (options.cwd === undefined) this.#cwd = outcome.state.cwd;
    const kept = Object.entries(outcome.state.env).filter(
      ([name, value]) => options.env === undefined || options.env[name] !== value,
    );
    this.#env = { ...this.#env, ...Object.fromEntries(kept) };
  }

  async #listChanges(before: ReadonlyMap<Volume, DirNode>): Promise<string[]> {
    const files: string[] = [];
    for (const [volume, root] of before) {
      for (const path of await listChangedFiles(root, volume.editor.freeze())) {
        files.push(this.#parts.context.table.format(volume, path));
      }
    }
    return files.sort();
  }

  async #commit(
    options: { readonly message: string; readonly author: ExecOptions["author"] },
    result: ExecResult,
  ): Promise<Record<string, string>> {
    try {
      return await this.#parts.saver.commit(options);
    } catch (error) {
      // The command has run: what it printed must not get lost with its commit.
      if (error instanceof MountError) Object.assign(error, { data: { ...error.data, result } });
      throw error;
    }
  }

  async #open(): Promise<ShellStrategy> {
    const { context, options } = this.#parts;
    const { strategy } = options;
    if (strategy === "remote") return new RemoteStrategy(context);
    if (strategy === "local") return new LocalStrategy(context, this.#calls, await loadLocalShell(options));
    const loaded = await loadJustBash(options);
    if (loaded.kind === "loaded") return new LocalJsStrategy(context, this.#calls, loaded.module);
    if (strategy === undefined && context.remote.exec !== undefined) return new RemoteStrategy(context);
    throw errnoError(
      "ENOSYS",
      { syscall: "exec" },
      {
        detail: "just-bash cannot be loaded: install it, or in a bundle give it as bash({ justBash })",
        cause: loaded.cause,
      },
    );
  }
}

function describeCommand(command: string): string {
  const line = command.trim().split("\n")[0] ?? "";
  return `Run ${line.length > SUBJECT_CHARS ? `${line.slice(0, SUBJECT_CHARS)}…` : line}`;
}
