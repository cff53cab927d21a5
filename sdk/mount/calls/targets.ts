import { type CallSite, errnoError } from "../kernel/errno.ts";
import { isNameForbidden, nameOf, parentOf } from "../kernel/paths.ts";
import { MODE } from "../tree/base-tree.ts";
import { type FileContent, isDirectory, modeOf } from "../tree/nodes.ts";
import type { Entry, Place } from "../volume/resolve.ts";
import type { Volume } from "../volume/volume.ts";
import { type Found, requireFound } from "./call-context.ts";

/** A place in a repository that may be written. */
export interface Target extends Place {
  readonly volume: Volume;
}

/**
 * Something that is there, to be read or moved.
 *
 * @throws MountError EBUSY for the root of several repositories, ENOENT
 */
export function requireSource(place: Place, site: CallSite): Found {
  if (place.volume === null && place.path === "") throw errnoError("EBUSY", site);
  return requireFound(place, site);
}

/**
 * Something that is there, in a repository that may be written.
 *
 * @throws as `requireSource`; MountReadOnlyError EROFS
 */
export function requireChangeable(place: Place, site: CallSite): Found {
  const found = requireSource(place, site);
  if (!found.volume.writable) throw errnoError("EROFS", site);
  return found;
}

/**
 * A place that may be written; above the repositories nothing can be.
 *
 * @throws MountReadOnlyError EROFS; MountPathError EEXIST for the root, EINVAL for a name that git cannot keep
 */
export function requireTarget(place: Place, site: CallSite): Target {
  const { volume } = place;
  if (volume === null) throw errnoError(place.path === "" ? "EEXIST" : "EROFS", site);
  if (!volume.writable) throw errnoError("EROFS", site);
  if (place.node === null) {
    if (isNameForbidden(nameOf(place.path))) throw errnoError("EINVAL", site);
    // A submodule's directory shows empty because its content is elsewhere; nothing can be put there.
    const parent = volume.find(parentOf(place.path));
    if (parent !== null && modeOf(parent) === MODE.gitlink) throw errnoError("EROFS", site);
  }
  return { ...place, volume };
}

/**
 * Where a file is to be written, links followed unless it must be new. A slash at the end says directory, whatever is
 * there.
 *
 * @throws as `requireTarget`; MountPathError EISDIR, EEXIST
 */
export function requireFileTarget(
  resolve: { readonly entry: () => Entry; readonly place: () => Place },
  exclusive: boolean,
  site: CallSite,
): Target {
  const entry = resolve.entry();
  if (entry.asDirectory && entry.ends === "name") throw errnoError("EISDIR", site);
  const place = exclusive ? entry : resolve.place();
  if (exclusive && place.node !== null) throw errnoError("EEXIST", site);
  if (place.node !== null && isDirectory(place.node)) throw errnoError("EISDIR", site);
  return requireTarget(place, site);
}

/** Content of a file for another place of its own repository, without reading it; null when only its bytes will do. */
export function shareContent(source: Found, into: Volume): FileContent | null {
  const { node, volume, path } = source;
  if (node.kind === "file" && node.content.kind === "bytes") return node.content;
  const address = volume === into ? volume.locate(path, node) : null;
  return address === null ? null : { kind: "blob", ...address };
}
