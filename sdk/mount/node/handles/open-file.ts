import { requireFileTarget, requireTarget } from "../../calls/targets.ts";
import { type CallSite, errnoError } from "../../kernel/errno.ts";
import { MODE } from "../../tree/base-tree.ts";
import { isDirectory, isSymlink, sizeOf } from "../../tree/nodes.ts";
import type { Place } from "../../volume/resolve.ts";
import { parseMode } from "../arguments/check-values.ts";
import { parseFlags } from "../arguments/flags.ts";
import { parsePathArgument } from "../arguments/path-argument.ts";
import type { Calls } from "../shapes/calls.ts";
import { constants } from "../shapes/constants.ts";
import type { FileHandle } from "../shapes/node-types.ts";
import { FileContent } from "./file-content.ts";
import { MountFileHandle } from "./file-handle.ts";
import { openFilesOf } from "./open-files.ts";

const { O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW } = constants;

/** What open(2)'s flags ask for. */
interface Wanted {
  readonly flags: number;
  readonly write: boolean;
  readonly executable: boolean;
}

/** node's open: a handle on a file, which is made or emptied as the flags say. */
export async function open(
  calls: Calls,
  path: unknown,
  options: { readonly flags: unknown; readonly mode: unknown },
): Promise<FileHandle> {
  const text = parsePathArgument(path, "path");
  const flags = parseFlags(options.flags);
  const mode = parseMode(options.mode, "mode", 0o666);
  const write = (flags & (O_WRONLY | O_RDWR)) !== 0;
  const site = { syscall: "open", path: text };
  const wanted = { flags, write, executable: (mode & 0o100) !== 0 };
  const content = await calls.context.run(() => openContent(calls, site, wanted), site);
  const access = { read: (flags & O_WRONLY) === 0, write, append: (flags & O_APPEND) !== 0 };
  // Its methods take anything and check it, which is how node's overloads look from inside.
  return new MountFileHandle(calls, content, access) as unknown as FileHandle;
}

/** Finds or makes the file in one go, so that of two exclusive opens one fails. */
function openContent(calls: Calls, site: CallSite, wanted: Wanted): FileContent {
  const place = findPlace(calls, site, wanted);
  const { volume, node } = place;
  if (volume === null) return new FileContent(calls, null);
  if (node !== null && isDirectory(node))
    return new FileContent(calls, openFilesOf(volume).acquire(place.path));
  const truncates = (wanted.flags & O_TRUNC) !== 0 && wanted.write && node !== null && sizeOf(node) > 0;
  const content = new FileContent(calls, openFilesOf(volume).acquire(place.path));
  if (node === null) content.create(wanted.executable ? MODE.executable : MODE.file);
  else if (truncates) content.empty();
  return content;
}

function findPlace(calls: Calls, site: CallSite, { flags, write }: Wanted): Place {
  const { context } = calls;
  const directoryOnly = (flags & O_DIRECTORY) !== 0;
  if (flags & O_CREAT) {
    if (directoryOnly) throw errnoError("EINVAL", site);
    const entry = () => context.resolveEntry(site.path, site);
    const place = () => context.resolve(site.path, site, (flags & O_NOFOLLOW) === 0);
    const found = requireFileTarget({ entry, place }, (flags & O_EXCL) !== 0, site);
    if (found.node !== null && isSymlink(found.node)) throw errnoError("ELOOP", site);
    return found;
  }
  const place = context.resolve(site.path, site, (flags & O_NOFOLLOW) === 0);
  if (place.volume === null && place.path === "") {
    if (write) throw errnoError("EISDIR", site);
    return place;
  }
  if (place.node === null) throw errnoError("ENOENT", site);
  if (isSymlink(place.node)) throw errnoError("ELOOP", site);
  if (directoryOnly && !isDirectory(place.node)) throw errnoError("ENOTDIR", site);
  if (!write && (flags & O_TRUNC) === 0) return place;
  if (write && isDirectory(place.node)) throw errnoError("EISDIR", site);
  return requireTarget(place, site);
}
