import type { MountedFS } from "../../mount/mounted-fs.ts";
import { findMediaType, isTextFile } from "./media-types.ts";
import { isAbsent, messageOf, parsePath } from "./outcomes.ts";
import type { DeepAgentsBackend, FileInfo, ReadResult } from "./protocol.ts";

type Reading = Pick<DeepAgentsBackend, "ls" | "read" | "readRaw">;

const DEFAULT_LINES = 500;
/** Shown instead of nothing, which a model takes for a failed call. */
const EMPTY = "System reminder: File exists but has empty contents";

/** The calls that look at one path. Links are read through: none leads out of a mount. */
export function createReading(mount: MountedFS): Reading {
  const { promises } = mount;
  const readContent = async (path: string) =>
    isTextFile(path) ? await mount.readFile(path) : await mount.readFile(path, "binary");
  return {
    async ls(given) {
      try {
        const path = parsePath(given);
        const names = (await promises.readdir(path)) as string[];
        const files = await Promise.all(
          names.map((name) => findInfo(mount, `${path === "/" ? "" : path}/${name}`)),
        );
        return { files: sortByPath(files.filter((file) => file !== null)) };
      } catch (error) {
        if (isAbsent(error) || !isMountError(error)) return { files: [] };
        return { error: `Error listing '${given}': ${messageOf(error)}` };
      }
    },
    async read(given, offset = 0, limit = DEFAULT_LINES) {
      try {
        const path = parsePath(given);
        if (!(await promises.stat(path)).isFile()) return { error: `File '${given}' not found` };
        const mimeType = findMediaType(path);
        const content = await readContent(path);
        if (typeof content !== "string") return { content, mimeType };
        return selectLines(content, { offset, limit, mimeType });
      } catch (error) {
        return { error: `Error reading file '${given}': ${messageOf(error)}` };
      }
    },
    async readRaw(given) {
      try {
        const path = parsePath(given);
        const stat = await promises.stat(path);
        if (!stat.isFile()) return { error: `File '${given}' not found` };
        const time = stat.mtime.toISOString();
        const content = await readContent(path);
        return { data: { content, mimeType: findMediaType(path), created_at: time, modified_at: time } };
      } catch (error) {
        return { error: `Error reading file '${given}': ${messageOf(error)}` };
      }
    },
  };
}

function isMountError(error: unknown): boolean {
  return error instanceof Error && "code" in error;
}

/** What a path leads to; null for a link to nowhere. */
export async function findInfo(mount: MountedFS, path: string): Promise<FileInfo | null> {
  try {
    const stat = await mount.promises.stat(path);
    const modified_at = stat.mtime.toISOString();
    return stat.isDirectory()
      ? { path: `${path}/`, is_dir: true, size: 0, modified_at }
      : { path, is_dir: false, size: stat.size, modified_at };
  } catch (error) {
    if (isAbsent(error) || (error as { readonly code?: unknown }).code === "ELOOP") return null;
    throw error;
  }
}

export function sortByPath<T extends { readonly path: string }>(files: readonly T[]): T[] {
  return [...files].sort((a, b) => a.path.localeCompare(b.path));
}

function countFrom(value: number): number {
  return Number.isFinite(value) ? Math.max(0, Math.floor(value)) : 0;
}

/** Lines `offset` (0-based) and on, at most `limit` of them, with where they are in the file. */
function selectLines(
  content: string,
  asked: { readonly offset: number; readonly limit: number; readonly mimeType: string },
): ReadResult {
  const { mimeType } = asked;
  if (content.trim() === "") return { content: EMPTY, mimeType };
  const offset = countFrom(asked.offset);
  const limit = countFrom(asked.limit);
  const lines = content.split("\n");
  const totalLines = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  if (offset >= totalLines)
    return { error: `Line offset ${offset} exceeds file length (${totalLines} lines)` };
  const selected = lines.slice(offset, offset + limit).join("\n");
  if (limit === 0) return { content: selected, mimeType };
  const endLine = Math.min(offset + limit, totalLines);
  return {
    content: selected,
    mimeType,
    totalLines,
    startLine: offset + 1,
    endLine,
    ...(endLine < totalLines ? { nextOffset: endLine } : {}),
  };
}
