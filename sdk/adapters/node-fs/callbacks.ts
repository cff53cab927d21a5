import { argumentError } from "./argument-error.ts";

/** A call of `node:fs` whose last argument is told the outcome: `(error)`, or `(null, result)`. */
export type CallbackCall = (...args: readonly unknown[]) => void;

const NAMES = [
  "access",
  "appendFile",
  "chmod",
  "chown",
  "copyFile",
  "cp",
  "lchown",
  "link",
  "lstat",
  "lutimes",
  "mkdir",
  "mkdtemp",
  "opendir",
  "readdir",
  "readFile",
  "readlink",
  "realpath",
  "rename",
  "rm",
  "rmdir",
  "stat",
  "statfs",
  "symlink",
  "truncate",
  "unlink",
  "utimes",
  "writeFile",
] as const;

/** The calls of `node:fs` with a callback; those that the mount's `promises` does not have are absent. */
export type CallbackCalls = Readonly<Record<AlwaysThere, CallbackCall>> &
  Readonly<Partial<Record<Exclude<(typeof NAMES)[number], AlwaysThere>, CallbackCall>>> & {
    /** The one call whose callback gets no error, only whether the path is there. */
    readonly exists: (path: string, callback: (exists: boolean) => void) => void;
  };

/** What consumers count on without asking. */
type AlwaysThere =
  | "access"
  | "appendFile"
  | "chmod"
  | "copyFile"
  | "lstat"
  | "mkdir"
  | "readdir"
  | "readFile"
  | "readlink"
  | "realpath"
  | "rename"
  | "rm"
  | "rmdir"
  | "stat"
  | "symlink"
  | "truncate"
  | "unlink"
  | "utimes"
  | "writeFile";

/** Makes the callback form of every call that `promises` has. */
export function addCallbacks(promises: object): CallbackCalls {
  const calls = promises as Readonly<Record<string, unknown>>; // Looked up by name: what is absent is left out.
  const made: Record<string, unknown> = {};
  for (const name of NAMES) {
    const call = calls[name];
    // Every function of `promises` gives a promise.
    if (typeof call === "function")
      made[name] = withCallback(call as (...args: unknown[]) => Promise<unknown>);
  }
  const { access } = promises as { readonly access: (path: string) => Promise<void> };
  made.exists = (path: string, callback: (exists: boolean) => void) => {
    requireCallback(callback);
    access(path).then(
      () => later(() => callback(true)),
      () => later(() => callback(false)),
    );
  };
  return made as unknown as CallbackCalls; // Filled from NAMES above.
}

/** @throws TypeError ERR_INVALID_ARG_TYPE at once when the last argument is no function, as node does. */
function withCallback(call: (...args: unknown[]) => Promise<unknown>): CallbackCall {
  return (...args) => {
    const callback = requireCallback(args.at(-1));
    call(...args.slice(0, -1)).then(
      (result) => later(() => (result === undefined ? callback(null) : callback(null, result))),
      (error: unknown) => later(() => callback(error)),
    );
  };
}

function requireCallback(callback: unknown): (...args: unknown[]) => void {
  if (typeof callback !== "function") {
    throw argumentError(`The "cb" argument must be of type function. Received ${typeof callback}`);
  }
  return callback as (...args: unknown[]) => void; // A function is called with whatever it declares.
}

/** Outside the promise, so that what a callback throws is an uncaught exception and not an unhandled rejection. */
function later(call: () => void): void {
  queueMicrotask(call);
}
