import { compileGlob } from "../../mount/kernel/glob.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { walkFiles } from "../files/walk-files.ts";
import { searchBelow, showLine } from "../search/search-below.ts";
import { isTextFile } from "./media-types.ts";
import { isAbsent, messageOf, parsePath } from "./outcomes.ts";
import type { DeepAgentsBackend, FileInfo, GrepMatch } from "./protocol.ts";
import { findInfo, sortByPath } from "./reading.ts";

type Searching = Pick<DeepAgentsBackend, "grep" | "glob">;

/** The calls that look at many files. */
export function createSearching(mount: MountedFS): Searching {
  return {
    async grep(pattern, given, glob, maxCount) {
      try {
        const found = await findLines(mount, { path: parsePath(given ?? "/"), glob: glob ?? null, pattern });
        const matches = sortByPath(found);
        if (maxCount === undefined || maxCount === null || matches.length <= maxCount) return { matches };
        return { matches: matches.slice(0, maxCount), truncated: true };
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

/** No line has these in it. */
const NEVER_IN_A_LINE = /[\n\0]/;

/**
 * Lines of text files at or below a path. A glob without a slash is about names, in any directory; one with a slash about
 * paths below `path`. An empty pattern is in every line.
 */
async function findLines(
  mount: MountedFS,
  { path, glob, pattern }: { readonly path: string; readonly glob: string | null; readonly pattern: string },
): Promise<GrepMatch[]> {
  const wanted = glob === null ? "**" : glob.includes("/") ? glob.replace(/^\//, "") : `**/${glob}`;
  const { match } = await compileGlob(wanted);
  if (NEVER_IN_A_LINE.test(pattern)) return [];
  const query = pattern === "" ? { pattern: "^", regex: true } : { pattern };
  const isFile = (await mount.promises.stat(path)).isFile();
  const found = await searchBelow(mount, { path, glob: wanted }, query);
  const below = path === "/" ? "" : path;
  return found
    .filter(({ inside }) => isTextFile(inside) && match(inside))
    .map(({ inside, line, ...text }) => ({
      path: isFile ? path : `${below}/${inside}`,
      line,
      text: showLine(text),
    }));
}
