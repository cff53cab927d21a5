import { differingNames, isSame } from "../../tree/compare.ts";
import type { TreeObserver } from "../../tree/editor.ts";
import { type DirNode, findChild, findNode, isDirectory, type TreeNode } from "../../tree/nodes.ts";
import type { Volume } from "../../volume/volume.ts";
import { abortError, codeError } from "../arguments/argument-errors.ts";
import { checkBoolean, checkInteger } from "../arguments/check-values.ts";
import { type Encoding, encodeName, parseOptions } from "../arguments/encoding.ts";
import { parsePathArgument } from "../arguments/path-argument.ts";
import type { Calls } from "../shapes/calls.ts";
import type { Bytes, FileChange } from "../shapes/node-types.ts";

const DEFAULT_QUEUE = 2_048;

type Change = FileChange<string | Bytes>;

interface Watched {
  readonly volume: Volume;
  readonly path: string;
  readonly directory: boolean;
  readonly recursive: boolean;
}

/**
 * node's watch over the changes that this mount sees: its own writes as they are made, those of others when the mount
 * moves to a newer commit.
 *
 * @param since the trees as they were when the watch was asked for: what changed while this module was loaded counts.
 */
export async function watch(
  { context, reads }: Calls,
  path: unknown,
  options: unknown,
  since: ReadonlyMap<Volume, DirNode>,
): Promise<AsyncIterableIterator<Change>> {
  const given = parseOptions(options);
  const { encoding, signal, recursive = false, maxQueue = DEFAULT_QUEUE } = given;
  checkBoolean(recursive, "options.recursive");
  checkInteger(maxQueue, "options.maxQueue", 1);
  const text = parsePathArgument(path, "filename");
  if (signal?.aborted) throw abortError(signal);
  const site = { syscall: "watch", path: text };
  const found = await reads.find(text, site, true);
  const limits = { maxQueue, drops: given.overflow === "ignore" };
  const queue = new ChangeQueue({ encoding, signal, limits });
  const volumes = found === null ? context.table.volumes : [found.volume];
  for (const volume of volumes) {
    const watched: Watched = {
      volume,
      path: found?.path ?? "",
      directory: found === null || isDirectory(found.node),
      recursive,
    };
    const prefix = found === null ? `${volume.name}/` : "";
    const observer = new Watcher(watched, (eventType, name) => queue.push(eventType, prefix + name));
    volume.editor.observe(observer);
    const earlier = since.get(volume);
    if (earlier !== undefined) observer.compare(earlier, volume.editor.root);
    queue.onEnd(() => volume.editor.forget(observer));
  }
  return queue;
}

type Report = (eventType: Change["eventType"], name: string) => void;

/** Tells of the changes of one tree that are inside what is watched. */
class Watcher implements TreeObserver {
  readonly #watched: Watched;
  readonly #report: Report;

  constructor(watched: Watched, report: Report) {
    this.#watched = watched;
    this.#report = report;
  }

  beforeSet(path: string, node: TreeNode | null): void {
    const before = findNode(this.#watched.volume.editor.root, path);
    if (before === null && node === null) return;
    this.#tell(path, before === null || node === null ? "rename" : "change");
  }

  beforeMove(from: string, to: string): void {
    this.#tell(from, "rename");
    this.#tell(to, "rename");
  }

  beforeReset(root: DirNode): void {
    this.compare(this.#watched.volume.editor.root, root);
  }

  /** Tells of all that differs between two states. */
  compare(earlier: DirNode, later: DirNode): void {
    const pending: { path: string; before: TreeNode | null; after: TreeNode | null }[] = [
      { path: "", before: earlier, after: later },
    ];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { path, before, after } = next;
      for (const name of differingNames(before, after)) {
        const [old, now] = [before && findChild(before, name), after && findChild(after, name)];
        if (isSame(old, now)) continue;
        const child = path === "" ? name : `${path}/${name}`;
        const directories = [old, now].some((node) => node !== null && isDirectory(node));
        if (old === null || now === null) this.#tell(child, "rename");
        else if (!directories) this.#tell(child, "change");
        if (directories) pending.push({ path: child, before: old, after: now });
      }
    }
  }

  #tell(path: string, eventType: Change["eventType"]): void {
    const { path: top, directory, recursive } = this.#watched;
    if (path === top) this.#report(eventType, path.slice(path.lastIndexOf("/") + 1));
    if (path === top) return;
    if (!directory || !(top === "" || path.startsWith(`${top}/`))) return;
    const name = top === "" ? path : path.slice(top.length + 1);
    if (recursive || !name.includes("/")) this.#report(eventType, name);
  }
}

interface QueueOptions {
  readonly encoding: Encoding | "buffer" | null;
  readonly signal: AbortSignal | undefined;
  readonly limits: { readonly maxQueue: number; readonly drops: boolean };
}

interface Waiting {
  readonly resolve: (result: IteratorResult<Change>) => void;
  readonly reject: (error: unknown) => void;
}

/** Changes that wait to be read, up to a limit. */
class ChangeQueue implements AsyncIterableIterator<Change> {
  readonly #options: QueueOptions;
  readonly #changes: Change[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #ends: (() => void)[] = [];
  #failure: unknown = null;
  #ended = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    const { signal } = options;
    if (signal === undefined) return;
    const onAbort = () => this.#fail(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    this.onEnd(() => signal.removeEventListener("abort", onAbort));
  }

  onEnd(end: () => void): void {
    this.#ends.push(end);
  }

  push(eventType: Change["eventType"], name: string): void {
    if (this.#ended) return;
    const change: Change = { eventType, filename: encodeName(name, this.#options.encoding) };
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: change });
      return;
    }
    const { maxQueue, drops } = this.#options.limits;
    if (this.#changes.length < maxQueue) this.#changes.push(change);
    else if (!drops) {
      const message = `fs.watch() queued more than ${maxQueue} events`;
      this.#fail(codeError("ERR_FS_WATCH_QUEUE_OVERFLOW", message));
    }
  }

  async next(): Promise<IteratorResult<Change>> {
    const change = this.#changes.shift();
    if (change !== undefined) return { done: false, value: change };
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#failure = null;
      throw failure;
    }
    if (this.#ended) return { done: true, value: undefined };
    return await new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<Change>> {
    this.#end();
    this.#changes.length = 0;
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#end();
    const [first, ...others] = this.#waiting.splice(0);
    if (first === undefined) this.#failure = error;
    else first.reject(error);
    for (const { resolve } of others) resolve({ done: true, value: undefined });
  }

  #end(): void {
    this.#ended = true;
    for (const end of this.#ends.splice(0)) end();
  }
}
