import { type CallSite, errnoError } from "../kernel/errno.ts";
import { isNameTooLong, joinPath, type MountPath, parentOf } from "../kernel/paths.ts";
import { findChild, isDirectory, isSymlink, type TreeNode } from "../tree/nodes.ts";
import type { MountTable, Spot } from "./mount-table.ts";
import type { Volume } from "./volume.ts";

/** As many links as Linux follows in one lookup. */
const MAX_LINKS = 40;

/** What a path leads to, all links on the way taken. */
export interface Place extends Spot {
  /** null: nothing is there, but its directory is, so that it may be made. At the root of several repositories: null too. */
  readonly node: TreeNode | null;
  /** The path was written with a slash (or `/.`) behind it: only a directory will do. */
  readonly asDirectory: boolean;
}

/** Thrown by a walk that meets a link whose target has not been read yet; read it and walk again. */
export class TargetNeeded extends Error {
  readonly volume: Volume;
  readonly path: string;
  readonly node: TreeNode;

  constructor(volume: Volume, path: string, node: TreeNode) {
    super(`the target of ${path} is not known`);
    this.volume = volume;
    this.path = path;
    this.node = node;
  }
}

/** A symlink's target; null when it has not been read yet. */
export type FindTarget = (volume: Volume, node: TreeNode) => string | null;

interface Walk {
  readonly table: MountTable;
  readonly follow: boolean;
  readonly site: CallSite;
  volume: Volume | null;
  path: string;
  /** The directory at `path`; null above the repositories. Kept on the way: looking it up again costs its depth. */
  node: TreeNode | null;
  /** At the very top, where the name of a single repository means its root. */
  atTop: boolean;
  links: number;
  /** Segments still to take; the next one is the last element. */
  readonly rest: string[];
}

function startAgain(walk: Walk): void {
  walk.volume = walk.table.single;
  walk.path = "";
  walk.node = walk.volume?.editor.root ?? null;
  walk.atTop = true;
}

function goUp(walk: Walk): void {
  if (walk.path === "") {
    startAgain(walk);
    return;
  }
  walk.path = parentOf(walk.path);
  walk.node = walk.volume?.find(walk.path) ?? null;
}

/** Enters a repository from the top; false when the segment is an ordinary name. */
function enterVolume(walk: Walk, name: string): boolean {
  if (!walk.atTop) return false;
  const { single } = walk.table;
  if (single !== null && single.name !== name) return false;
  const volume = walk.table.find(name);
  if (volume === null) {
    if (walk.rest.length > 0) throw errnoError("ENOENT", walk.site);
    return false;
  }
  walk.volume = volume;
  walk.path = "";
  walk.node = volume.editor.root;
  walk.atTop = false;
  return true;
}

function isLast(walk: Walk): boolean {
  return walk.rest.every((segment) => segment === "");
}

function missing(walk: Walk, name: string): Place {
  if (isNameTooLong(name)) throw errnoError("ENAMETOOLONG", walk.site);
  if (!isLast(walk)) throw errnoError("ENOENT", walk.site);
  return {
    volume: walk.volume,
    path: joinPath(walk.path, name),
    node: null,
    asDirectory: walk.rest.length > 0,
  };
}

/** Takes one segment: a finished place, a link to expand, or nothing when the walk goes on. */
function step(walk: Walk, name: string): Place | { readonly link: TreeNode; readonly path: string } | null {
  if (name === "..") goUp(walk);
  if (name === "" || name === "." || name === ".." || enterVolume(walk, name)) return null;
  const { volume } = walk;
  const path = joinPath(walk.path, name);
  const node = walk.node === null ? null : findChild(walk.node, name);
  if (volume === null || node === null) return missing(walk, name);
  if (isSymlink(node) && (walk.follow || walk.rest.length > 0)) return { link: node, path };
  if (!isDirectory(node)) {
    if (walk.rest.length > 0) throw errnoError("ENOTDIR", walk.site);
    return { volume, path, node, asDirectory: false };
  }
  walk.path = path;
  walk.node = node;
  walk.atTop = false;
  return null;
}

function follow(walk: Walk, target: string): void {
  walk.links += 1;
  if (walk.links > MAX_LINKS) throw errnoError("ELOOP", walk.site);
  if (target.startsWith("/")) startAgain(walk);
  for (const segment of target.split("/").reverse()) walk.rest.push(segment);
}

function walkPath(walk: Walk, findTarget: FindTarget): Place {
  for (let name = walk.rest.pop(); name !== undefined; name = walk.rest.pop()) {
    const taken = step(walk, name);
    if (taken === null) continue;
    if ("asDirectory" in taken) return taken;
    const { volume } = walk;
    if (volume === null) throw errnoError("ENOENT", walk.site);
    const target = findTarget(volume, taken.link);
    if (target === null) throw new TargetNeeded(volume, taken.path, taken.link);
    follow(walk, target);
  }
  return { volume: walk.volume, path: walk.path, node: walk.node, asDirectory: true };
}

interface ResolveOptions {
  readonly site: CallSite;
  readonly findTarget: FindTarget;
}

function startWalk(table: MountTable, text: string, options: ResolveOptions & { readonly follow: boolean }) {
  const walk: Walk = {
    table,
    follow: options.follow,
    site: options.site,
    volume: table.single,
    path: "",
    node: table.single?.editor.root ?? null,
    atTop: true,
    links: 0,
    rest: text.split("/").reverse(),
  };
  return walkPath(walk, options.findTarget);
}

function findPlain(table: MountTable, path: MountPath): Place | null {
  const spot = path.plain ? table.route(path.text) : null;
  if (spot === null || spot.volume === null) return null;
  const node = spot.volume.find(spot.path);
  // Spelled out: on the way of every read, a spread costs more than the lookup.
  return node === null ? null : { volume: spot.volume, path: spot.path, node, asDirectory: false };
}

/**
 * Finds what a path leads to, as Linux does: links in the middle are always followed, one at the end if `follow`, `..`
 * goes up from where the links led. A path as it is listed is one lookup; only others are walked.
 *
 * Nothing waits in here, so what it finds still holds when the caller acts on it at once.
 *
 * @throws MountPathError ENOENT when a directory on the way is missing, ENOTDIR, ELOOP, ENAMETOOLONG; TargetNeeded.
 */
export function resolvePath(
  table: MountTable,
  path: MountPath,
  options: ResolveOptions & { readonly follow: boolean },
): Place {
  const place = findPlain(table, path);
  if (place?.node && !(options.follow && isSymlink(place.node))) return place;
  return startWalk(table, path.text, options);
}

/** A directory entry: what the last name of a path stands for in the directory before it, itself never followed. */
export interface Entry extends Place {
  /** How the path ends: in a name, or in `.` or `..`, which no call can make, move or remove. */
  readonly ends: "name" | "." | "..";
}

/**
 * Finds the entry that a call is to make, move or remove. Unlike in `resolvePath` a slash at the end follows no link and
 * asks for no directory: it is told by `asDirectory`, and each call has its own error for it.
 *
 * @throws as `resolvePath`
 */
export function resolveEntry(table: MountTable, path: MountPath, options: ResolveOptions): Entry {
  const place = findPlain(table, path);
  if (place !== null) return { ...place, ends: "name" };
  const text = path.text.replace(/\/+$/, "");
  const name = text.slice(text.lastIndexOf("/") + 1);
  const found = startWalk(table, text, { ...options, follow: false });
  const ends = name === "." || name === ".." ? name : "name";
  return { ...found, asDirectory: text.length < path.text.length, ends };
}
