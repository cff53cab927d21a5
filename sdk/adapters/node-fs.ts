import type { MountedFS } from "../mount/mounted-fs.ts";
import { addCallbacks, type CallbackCalls } from "./node-fs/callbacks.ts";
import { createFileStreams, type FileStreams, type StreamModule } from "./node-fs/streams.ts";
import { refuseSyncCalls, type SyncCalls } from "./node-fs/sync-calls.ts";

export type { CallbackCall, CallbackCalls } from "./node-fs/callbacks.ts";
export type { FileStreams, StreamModule } from "./node-fs/streams.ts";
export type { SyncCalls } from "./node-fs/sync-calls.ts";

/** A mount in the shape of the `node:fs` module. */
export type NodeFs = CallbackCalls &
  SyncCalls &
  Partial<FileStreams> & {
    readonly promises: MountedFS["promises"];
    readonly constants: MountedFS["promises"]["constants"];
  };

/**
 * A mount for code that takes an `fs` module: `promises`, and the same calls with a callback at the end. Methods work
 * detached. Calls that would have to answer at once throw ENOSYS, so that no library falls back to the real disk.
 *
 * @param options.stream `node:stream`, for `createReadStream` and `createWriteStream`; without it they are absent, and
 * nothing here needs Node.
 * @example
 * import * as stream from "node:stream";
 * const fs = toNodeFs(mount, { stream });
 * const paths = await glob("**" + "/*.ts", { cwd: "/", fs });
 */
export function toNodeFs(mount: MountedFS, options: { readonly stream?: StreamModule } = {}): NodeFs {
  const { promises } = mount;
  return {
    ...refuseSyncCalls(),
    ...addCallbacks(promises),
    ...(options.stream === undefined ? {} : createFileStreams(mount, options.stream)),
    promises,
    constants: promises.constants,
  };
}
