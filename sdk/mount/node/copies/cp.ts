import { MountError } from "../../../errors.ts";
import { parsePathArgument } from "../arguments/path-argument.ts";
import { below, normalize } from "../directories/read-directory.ts";
import type { NodeFsPromises } from "../shapes/node-types.ts";
import type { MountStats } from "../shapes/stats.ts";
import { cpError } from "./cp-errors.ts";
import { type ParsedCpOptions, parseCpOptions } from "./cp-options.ts";

/** One copy: what is used, from where to where, and how. */
interface Copy {
  readonly fs: NodeFsPromises;
  readonly options: ParsedCpOptions;
  readonly source: string;
  readonly destination: string;
}

/** node's cp, by its rules and in its order, made of the other calls. */
export async function cp(
  fs: NodeFsPromises,
  paths: { readonly source: unknown; readonly destination: unknown },
  given: unknown,
): Promise<void> {
  const options = parseCpOptions(given);
  const source = parsePathArgument(paths.source, "src");
  const destination = parsePathArgument(paths.destination, "dest");
  const copy: Copy = { fs, options, source, destination };
  const ends = await checkEnds(copy);
  if (ends === null) return;
  await checkParents(copy, ends.source);
  const parent = parentOf(destination);
  if ((await findStats(() => fs.stat(parent))) === null) await fs.mkdir(parent, { recursive: true });
  await copyAny(copy, ends.destination);
}

/** Turns the missing file into null; other errors pass. */
async function findStats(stat: () => Promise<MountStats>): Promise<MountStats | null> {
  try {
    return await stat();
  } catch (error) {
    if (error instanceof MountError && error.code === "ENOENT") return null;
    throw error;
  }
}

function isSame(a: MountStats, b: MountStats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

function absolute(path: string): string {
  return normalize(`/${path}`);
}

function parentOf(path: string): string {
  return path.replace(/\/*[^/]*\/*$/, "") || (path.startsWith("/") ? "/" : ".");
}

/** Whether a path is another one or below it, by their texts. */
function isWithin(directory: string, path: string): boolean {
  const top = absolute(directory);
  const inside = absolute(path);
  return top === "/" || inside === top || inside.startsWith(`${top}/`);
}

/** Both ends, checked against each other; null when the filter leaves this one out. */
async function checkEnds(
  copy: Copy,
): Promise<{ readonly source: MountStats; readonly destination: MountStats | null } | null> {
  const { fs, options, source: from, destination: to } = copy;
  if (options.filter && !(await options.filter(from, to))) return null;
  const stat = options.dereference ? fs.stat : fs.lstat;
  const [source, destination] = await Promise.all([stat(from), findStats(() => stat(to))]);
  if (destination !== null) checkReplace(copy, source, destination);
  if (source.isDirectory() && isWithin(from, to))
    throw cpError("ERR_FS_CP_EINVAL", `cannot copy ${from} to a subdirectory of self ${to}`, to);
  return { source, destination };
}

function checkReplace({ source: from, destination: to }: Copy, source: MountStats, destination: MountStats) {
  if (isSame(source, destination)) throw cpError("ERR_FS_CP_EINVAL", "src and dest cannot be the same", to);
  if (source.isDirectory() && !destination.isDirectory()) {
    const detail = `cannot overwrite non-directory ${to} with directory ${from}`;
    throw cpError("ERR_FS_CP_DIR_TO_NON_DIR", detail, to);
  }
  if (!source.isDirectory() && destination.isDirectory()) {
    const detail = `cannot overwrite directory ${to} with non-directory ${from}`;
    throw cpError("ERR_FS_CP_NON_DIR_TO_DIR", detail, to);
  }
}

/** No directory above the destination may be the source, under whatever name. */
async function checkParents({ fs, source: from, destination: to }: Copy, source: MountStats): Promise<void> {
  const stop = absolute(parentOf(from));
  for (let parent = absolute(parentOf(to)); parent !== stop && parent !== "/"; parent = parentOf(parent)) {
    const path = parent;
    const stats = await findStats(() => fs.stat(path));
    if (stats === null) return;
    if (isSame(source, stats))
      throw cpError("ERR_FS_CP_EINVAL", `cannot copy ${from} to a subdirectory of self ${to}`, to);
  }
}

async function copyAny(copy: Copy, destination: MountStats | null): Promise<void> {
  const { fs, options, source: from } = copy;
  const source = await (options.dereference ? fs.stat : fs.lstat)(from);
  if (source.isFile()) return await copyFile(copy, destination, source);
  if (source.isSymbolicLink()) return await copyLink(copy, destination);
  if (!options.recursive) throw cpError("ERR_FS_EISDIR", `${from} is a directory (not copied)`, from);
  await copyDirectory(copy, destination);
}

async function copyFile(copy: Copy, destination: MountStats | null, source: MountStats): Promise<void> {
  const { fs, options, source: from, destination: to } = copy;
  if (destination !== null) {
    if (!options.force) {
      if (options.errorOnExist) throw cpError("ERR_FS_CP_EEXIST", `${to} already exists`, to);
      return;
    }
    await fs.unlink(to);
  }
  await fs.copyFile(from, to, options.mode);
  await fs.chmod(to, source.mode);
}

async function copyDirectory(copy: Copy, destination: MountStats | null): Promise<void> {
  const { fs, source: from, destination: to } = copy;
  if (destination === null) await fs.mkdir(to);
  for await (const { name } of await fs.opendir(from)) {
    const child = { ...copy, source: below(from, name), destination: below(to, name) };
    const ends = await checkEnds(child);
    if (ends !== null) await copyAny(child, ends.destination);
  }
}

/** A link's target is made absolute unless it is to stay as it is written. */
async function copyLink(copy: Copy, destination: MountStats | null): Promise<void> {
  const { fs, options, source: from, destination: to } = copy;
  const text = await fs.readlink(from);
  const target = options.verbatimSymlinks ? text : resolveTarget(from, text);
  if (destination === null) return await fs.symlink(target, to);
  const present = await readLinkText(fs, to);
  if (present === null) return await fs.symlink(target, to);
  const replaced = resolveTarget(to, present);
  if (isWithin(target, replaced)) {
    throw cpError("ERR_FS_CP_EINVAL", `cannot copy ${target} to a subdirectory of self ${replaced}`, to);
  }
  if ((await fs.stat(from)).isDirectory() && isWithin(replaced, target)) {
    const detail = `cannot overwrite ${replaced} with ${target}`;
    throw cpError("ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY", detail, to);
  }
  await fs.unlink(to);
  await fs.symlink(target, to);
}

function resolveTarget(link: string, target: string): string {
  return target.startsWith("/") ? target : absolute(`${parentOf(link)}/${target}`);
}

/** null: not a link. */
async function readLinkText(fs: NodeFsPromises, path: string): Promise<string | null> {
  try {
    return await fs.readlink(path);
  } catch (error) {
    if (error instanceof MountError && error.code === "EINVAL") return null;
    throw error;
  }
}
