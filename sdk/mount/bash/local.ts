import { MountPathError } from "../../errors.ts";
import type { CallContext } from "../calls/call-context.ts";
import { errnoError } from "../kernel/errno.ts";
import { joinPath, LOCAL_NAME } from "../kernel/paths.ts";
import { MODE } from "../tree/base-tree.ts";
import { childrenOf, isDirectory, isSymlink, modeOf, type TreeNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import type { DiskEntry, LocalShell } from "./local-shell.ts";
import {
  EXIT_TIMEOUT,
  type ShellCalls,
  type ShellOutcome,
  type ShellStrategy,
  type ShellTask,
} from "./strategy.ts";

/** Files read at once on their way to the disk: they travel in batches of 100. */
const READS_AT_ONCE = 400;

interface Placed {
  readonly volume: Volume;
  /** In the repository. */
  readonly path: string;
  /** On the disk, below the root. */
  readonly place: string;
  readonly node: TreeNode;
}

/**
 * The system's own shell over a temporary copy of everything that is mounted; what it changed there comes back into the
 * mount. Each repository is a directory of its name.
 */
export class LocalStrategy implements ShellStrategy {
  readonly #context: CallContext;
  readonly #calls: ShellCalls;
  readonly #shell: LocalShell;

  constructor(context: CallContext, calls: ShellCalls, shell: LocalShell) {
    this.#context = context;
    this.#calls = calls;
    this.#shell = shell;
  }

  async run(task: ShellTask): Promise<ShellOutcome> {
    const entries = await this.#materialise();
    const cwd = await this.#findCwd(task.cwd);
    const { command, env, timeoutMs, signal } = task;
    const { stdout, stderr, exitCode, written, removed } = await this.#shell.run(entries, {
      command,
      cwd,
      env,
      timeoutMs,
      signal,
    });
    for (const place of removed)
      await this.#calls.promises.rm(this.#mountPath(place), { recursive: true, force: true });
    for (const entry of written) await this.#write(entry);
    return { stdout, stderr, exitCode, stopped: exitCode === EXIT_TIMEOUT, state: null, commits: null };
  }

  async #materialise(): Promise<DiskEntry[]> {
    const entries: DiskEntry[] = [];
    const files: Placed[] = [];
    for (const volume of this.#context.table.volumes) {
      entries.push({ kind: "directory", path: diskName(volume) });
      for (const placed of walk(volume)) {
        if (isDirectory(placed.node)) entries.push({ kind: "directory", path: placed.place });
        else files.push(placed);
      }
    }
    for (let start = 0; start < files.length; start += READS_AT_ONCE) {
      entries.push(
        ...(await Promise.all(files.slice(start, start + READS_AT_ONCE).map((file) => this.#load(file)))),
      );
    }
    return entries;
  }

  async #load(file: Placed): Promise<DiskEntry> {
    const site = { syscall: "exec", path: this.#mountPath(file.place) };
    if (isSymlink(file.node)) {
      return { kind: "link", path: file.place, target: await this.#context.readTarget(file, site) };
    }
    const { bytes } = await this.#context.read(file, site);
    return { kind: "file", path: file.place, executable: modeOf(file.node) === MODE.executable, bytes };
  }

  /** Where a mount path is on the disk. */
  async #findCwd(cwd: string): Promise<string> {
    const { promises } = this.#calls;
    if (!(await promises.stat(cwd)).isDirectory())
      throw errnoError("ENOTDIR", { syscall: "chdir", path: cwd });
    const real = (await promises.realpath(cwd)).replace(/^\//, "");
    const { single } = this.#context.table;
    return single?.name === "" ? joinPath(diskName(single), real) : real;
  }

  #mountPath(place: string): string {
    const slash = place.indexOf("/");
    const name = slash === -1 ? place : place.slice(0, slash);
    const inside = slash === -1 ? "" : place.slice(slash + 1);
    const volume = this.#context.table.volumes.find((candidate) => diskName(candidate) === name);
    return volume === undefined ? `/${place}` : this.#context.table.format(volume, inside);
  }

  async #write(entry: DiskEntry): Promise<void> {
    const { promises } = this.#calls;
    const path = this.#mountPath(entry.path);
    const present = await this.#kindOf(path);
    if (present !== null && present !== entry.kind) await promises.rm(path, { recursive: true, force: true });
    if (entry.kind === "directory") {
      await promises.mkdir(path, { recursive: true });
    } else if (entry.kind === "link") {
      await promises.rm(path, { force: true });
      await promises.symlink(entry.target, path);
    } else {
      await promises.writeFile(path, entry.bytes);
      await promises.chmod(path, entry.executable ? 0o755 : 0o644);
    }
  }

  async #kindOf(path: string): Promise<DiskEntry["kind"] | null> {
    try {
      const stats = await this.#calls.promises.lstat(path);
      return stats.isDirectory() ? "directory" : stats.isSymbolicLink() ? "link" : "file";
    } catch (error) {
      if (error instanceof MountPathError && error.code === "ENOENT") return null;
      throw error;
    }
  }
}

function diskName({ name, repo }: Volume): string {
  return name === "" ? repo.slug : name;
}

/** Everything in a repository as it is now, directories first, without `.git`. */
function* walk(volume: Volume): Generator<Placed> {
  const root = volume.editor.freeze();
  const pending: Placed[] = [{ volume, path: "", place: diskName(volume), node: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, node] of childrenOf(next.node)) {
      if (name === LOCAL_NAME) continue;
      const placed = { volume, path: joinPath(next.path, name), place: joinPath(next.place, name), node };
      yield placed;
      if (isDirectory(node)) pending.push(placed);
    }
  }
}
