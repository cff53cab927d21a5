import { isDirectory } from "../../tree/nodes.ts";
import { codeError, typeError } from "../arguments/argument-errors.ts";
import { checkInteger } from "../arguments/check-values.ts";
import { encodeName, type GivenOptions, parseOptions } from "../arguments/encoding.ts";
import { parsePathArgument } from "../arguments/path-argument.ts";
import type { Calls } from "../shapes/calls.ts";
import type { Bytes, Dir } from "../shapes/node-types.ts";
import { MountDirent } from "../shapes/stats.ts";
import { below } from "./read-directory.ts";

/** node's opendir: the entries as they are now, read one by one. */
export async function opendir(calls: Calls, path: unknown, options: unknown): Promise<Dir> {
  const text = parsePathArgument(path, "path");
  const given = parseOptions(options);
  checkInteger(given.bufferSize ?? 32, "options.bufferSize", 1, 2 ** 32 - 1);
  const entries = await listEntries(calls, text, given, "opendir");
  // Its names are bytes only when that is asked for, which the type of node's Dir does not tell either.
  return new MountDir(calls, text, { entries, given }) as unknown as Dir;
}

type Entry = MountDirent<string | Bytes>;

async function listEntries(
  { reads }: Calls,
  path: string,
  { encoding }: GivenOptions,
  syscall: string,
): Promise<{ readonly entry: Entry; readonly directory: string | null }[]> {
  const listed = await reads.list(path, { syscall, path });
  return listed.map(({ name, node }) => ({
    entry: new MountDirent(encodeName(name, encoding), path, node),
    directory: isDirectory(node) ? below(path, name) : null,
  }));
}

type Callback<T> = (error: Error | null, value?: T) => void;

class MountDir {
  readonly path: string;
  readonly #calls: Calls;
  readonly #given: GivenOptions;
  #entries: Awaited<ReturnType<typeof listEntries>>;
  #closed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    calls: Calls,
    path: string,
    {
      entries,
      given,
    }: { readonly entries: Awaited<ReturnType<typeof listEntries>>; readonly given: GivenOptions },
  ) {
    this.#calls = calls;
    this.path = path;
    this.#entries = [...entries].reverse();
    this.#given = given;
  }

  read(callback?: Callback<Entry | null>): Promise<Entry | null> | undefined {
    return settle(this.#inTurn(), callback);
  }

  readSync(): Entry | null {
    this.#checkOpen();
    if (this.#given.recursive)
      throw codeError("ERR_METHOD_NOT_IMPLEMENTED", "The readSync() method is not implemented for recursive");
    return this.#entries.pop()?.entry ?? null;
  }

  close(callback?: Callback<undefined>): Promise<undefined> | undefined {
    const closed = async () => {
      this.#checkOpen();
      this.#closed = true;
      this.#entries = [];
      return undefined;
    };
    return settle(closed(), callback);
  }

  closeSync(): void {
    this.#checkOpen();
    this.#closed = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Entry> {
    try {
      for (let entry = await this.read(); entry; entry = await this.read()) yield entry;
    } finally {
      if (!this.#closed) this.closeSync();
    }
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")](): Promise<void> {
    if (!this.#closed) this.closeSync();
  }

  /** Reads that run together take one entry each. */
  #inTurn(): Promise<Entry | null> {
    const result = this.#turn.then(() => this.#next());
    this.#turn = result.catch(() => undefined); // The caller has the error; the next in turn must still run.
    return result;
  }

  async #next(): Promise<Entry | null> {
    this.#checkOpen();
    const next = this.#entries.pop();
    if (next === undefined) return null;
    if (this.#given.recursive && next.directory !== null) {
      const inside = await listEntries(this.#calls, next.directory, this.#given, "opendir");
      this.#entries.unshift(...inside.reverse());
    }
    return next.entry;
  }

  #checkOpen(): void {
    if (this.#closed) throw codeError("ERR_DIR_CLOSED", "Directory handle was closed");
    this.#calls.context.checkOpen({ syscall: "scandir", path: this.path });
  }
}

function settle<T>(work: Promise<T>, callback: Callback<T> | undefined): Promise<T> | undefined {
  if (callback === undefined) return work;
  if (typeof callback !== "function") throw typeError("callback", "of type function", callback);
  work.then(
    (value) => callback(null, value),
    (error: Error) => callback(error),
  );
  return undefined;
}
