import type { Violation } from "./layers.ts";
import type { SourceFile } from "./source-file.ts";

/** Lines of a file, contract tables and tests excepted. */
export const MAX_FILE_LINES = 400;

export function checkFileBudget(files: readonly SourceFile[]): Violation[] {
  return files
    .filter(({ path, lines }) => lines > MAX_FILE_LINES && !path.startsWith("sdk/contract/"))
    .map(({ path, lines }) => ({
      path,
      message: `${lines} lines; the budget is ${MAX_FILE_LINES}: split it by subject`,
    }));
}

const DRAWER = /(^|[-._])(utils?|helpers?|common|misc|managers?)([-._]|$)/i;

/** Files and folders named after nothing in particular. */
export function checkNames(paths: readonly string[]): Violation[] {
  return paths.flatMap((path) => {
    const drawer = path.split("/").find((segment) => DRAWER.test(segment));
    return drawer ? [{ path, message: `${drawer} names no subject: say what it is about` }] : [];
  });
}
