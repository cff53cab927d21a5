import { MountError } from "../../errors.ts";

const NAMES = [
  "accessSync",
  "appendFileSync",
  "chmodSync",
  "closeSync",
  "copyFileSync",
  "cpSync",
  "existsSync",
  "fstatSync",
  "lstatSync",
  "mkdirSync",
  "mkdtempSync",
  "openSync",
  "opendirSync",
  "readFileSync",
  "readSync",
  "readdirSync",
  "readlinkSync",
  "realpathSync",
  "renameSync",
  "rmSync",
  "rmdirSync",
  "statSync",
  "symlinkSync",
  "truncateSync",
  "unlinkSync",
  "utimesSync",
  "writeFileSync",
  "writeSync",
] as const;

/** Calls of `node:fs` that answer at once: none of them works over a mount. */
export type SyncCalls = Readonly<Record<(typeof NAMES)[number], (...args: readonly unknown[]) => never>>;

/** Linux's number of "function not implemented". */
const ENOSYS = -38;

/** The synchronous calls, each throwing ENOSYS. They are there because libraries put node's own in place of missing ones. */
export function refuseSyncCalls(): SyncCalls {
  const calls = NAMES.map((name) => [
    name,
    (path?: unknown): never => {
      throw new MountError("ENOSYS", `ENOSYS: a mount has no synchronous calls, ${name} '${String(path)}'`, {
        errno: ENOSYS,
        syscall: name,
        path: typeof path === "string" ? path : undefined,
      });
    },
  ]);
  return Object.fromEntries(calls) as SyncCalls; // One entry per name.
}
