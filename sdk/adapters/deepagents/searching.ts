import { compileGlob } from "../../mount/kernel/glob.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { escapeGlob } from "../files/glob-escape.ts";
import { readInBatches, warmFiles } from "../files/read-in-batches.ts";
import { walkFiles } from "../files/walk-files.ts";
import { isTextFile } from "./media-types.ts";
import { isAbsent, messageOf, parsePath } from "./outcomes.ts";
import type { DeepAgentsBackend, FileInfo, GrepMatch } from "./protocol.ts";
import { findInfo, sortByPath } from "./reading.ts";

type Searching = Pick<DeepAgentsBackend, "grep" | "glob">;

/** Larger files are not searched, as deepagents' own backend has it. A mount takes no larger ones either. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;

/** A file of a search, with its path below the directory that is searched. */
interface SearchedFile {
  readonly path: string;
  readonly inside: string;
  readonly size: number;
}

/** The calls that look at many files. */
export function createSearching(mount: MountedFS): Searching {
  return {
    async grep(pattern, given, glob, maxCount) {
      try {
        const path = parsePath(given ?? "/");
        const files = await findSearched(mount, path, glob ?? null);
        await warmFiles(mount, path === "/" ? "**" : `${escapeGlob(path.slice(1))}/**`, files);
        const matches: GrepMatch[] = [];
        const limit = maxCount ?? Number.POSITIVE_INFINITY;
        for await (const { file, text } of readInBatches(mount, files)) {
          addMatches(matches, file.path, { pattern, text });
          if (matches.length > limit) return { matches: matches.slice(0, limit), truncated: true };
        }
        return { matches };
      } catch (error) {
        return isAbsent(error) || isTraversal(error)
          ? { matches: [] }
          : { error: `Error searching: ${messageOf(error)}` };
      }
    },
    async glob(pattern, given = "/") {
      try {
        const files = await walkFiles(mount, parsePath(given));
        const { match } = await compileGlob(pattern.replace(/^\//, ""));
        const wanted = files.filter(({ inside }) => match(inside));
        const infos = await Promise.all(wanted.map(({ path }) => findInfo(mount, path)));
        return { files: sortByPath(infos.filter(isRealFile)) };
      } catch (error) {
        return isAbsent(error) || isTraversal(error)
          ? { files: [] }
          : { error: `Error globbing: ${messageOf(error)}` };
      }
    },
  };
}

function isRealFile(info: FileInfo | null): info is FileInfo {
  return info !== null && info.is_dir === false;
}

/** A path with `..`, which names nothing that a search could find. */
function isTraversal(error: unknown): boolean {
  return error instanceof Error && !("code" in error);
}

/**
 * Text files at or below a path. A glob without a slash is about names, in any directory; one with a slash about paths
 * below `path`.
 */
async function findSearched(mount: MountedFS, path: string, glob: string | null): Promise<SearchedFile[]> {
  const compiled = glob === null ? null : await compileGlob(glob.replace(/^\//, ""));
  const byName = glob !== null && !glob.includes("/");
  const isWanted = (inside: string) =>
    compiled === null || compiled.match(byName ? inside.slice(inside.lastIndexOf("/") + 1) : inside);
  const found = (await mount.promises.stat(path)).isDirectory()
    ? // What a link leads to is found where it is.
      (await walkFiles(mount, path)).filter(({ isLink }) => !isLink)
    : [{ path, inside: path.slice(path.lastIndexOf("/") + 1) }];
  const wanted = found.filter((file) => isTextFile(file.path) && isWanted(file.inside));
  const sized = await Promise.all(
    wanted.map(async (file) => {
      const info = await findInfo(mount, file.path);
      return isRealFile(info) && (info.size ?? 0) <= MAX_FILE_BYTES
        ? { ...file, size: info.size ?? 0 }
        : null;
    }),
  );
  return sortByPath(sized.filter((file) => file !== null));
}

function addMatches(
  matches: GrepMatch[],
  path: string,
  { pattern, text }: { readonly pattern: string; readonly text: string },
): void {
  for (const [index, line] of text.split("\n").entries()) {
    if (line.includes(pattern)) matches.push({ path, line: index + 1, text: line });
  }
}
