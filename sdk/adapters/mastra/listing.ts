import {
  DirectoryNotFoundError,
  type FileEntry,
  type ListOptions,
  NotDirectoryError,
} from "@mastra/core/workspace";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { codeOf, translate } from "./errors.ts";

/** Directories below the first one that a recursive listing enters. */
const DEFAULT_DEPTH = 100;

interface EntryLike {
  readonly name: string;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** What a directory holds, without a request. Links are followed; in a recursive listing each directory once on its way. */
export async function listDirectory(
  mount: MountedFS,
  given: string,
  path: string,
  options: ListOptions = {},
): Promise<FileEntry[]> {
  const result: FileEntry[] = [];
  // Depth first, children behind their directory; `way` keeps a link from leading back into where it is.
  const pending = [{ path, prefix: "", depth: options.maxDepth ?? DEFAULT_DEPTH, way: [path] }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { prefix, depth, way } = next;
    const directory = next.path;
    const entries = await translate(
      // With file types the entries are never plain names.
      async () => (await mount.promises.readdir(directory, { withFileTypes: true })) as readonly EntryLike[],
      "readdir",
      { ENOENT: () => new DirectoryNotFoundError(given), ENOTDIR: () => new NotDirectoryError(given) },
    );
    for (const entry of entries) {
      const child = `${directory === "/" ? "" : directory}/${entry.name}`;
      const found = await describe(mount, child, entry);
      if (found.type === "file" && !found.isSymlink && !hasExtension(entry.name, options.extension)) continue;
      result.push({ ...found, name: prefix + entry.name });
      if (!options.recursive || found.type !== "directory" || depth <= 0) continue;
      const real = await mount.promises.realpath(child);
      if (way.includes(real)) continue;
      pending.push({ path: child, prefix: `${prefix}${entry.name}/`, depth: depth - 1, way: [...way, real] });
    }
  }
  return result;
}

async function describe(mount: MountedFS, path: string, entry: EntryLike): Promise<FileEntry> {
  const name = entry.name;
  if (!entry.isSymbolicLink()) {
    if (entry.isDirectory()) return { name, type: "directory" };
    return { name, type: "file", size: (await mount.promises.stat(path)).size };
  }
  const symlinkTarget = await mount.readlink(path);
  return { name, type: await followType(mount, path), isSymlink: true, symlinkTarget };
}

async function followType(mount: MountedFS, path: string): Promise<"file" | "directory"> {
  try {
    return (await mount.promises.stat(path)).isDirectory() ? "directory" : "file";
  } catch (error) {
    // A link to nowhere is listed as a file.
    if (codeOf(error) !== null) return "file";
    throw error;
  }
}

function hasExtension(name: string, wanted: string | readonly string[] | undefined): boolean {
  if (wanted === undefined || wanted.length === 0) return true;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 ? name.slice(dot) : "";
  const list = typeof wanted === "string" ? [wanted] : wanted;
  return list.some((one) => one === extension || one === extension.slice(1));
}
