import { MountError } from "../../errors.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";

const MAX_SUGGESTIONS = 5;

/** Characters that a glob gives a meaning to. */
function escapeGlob(name: string): string {
  return name.replace(/[\\*?[\]{}()!+@]/g, "\\$&");
}

/**
 * Runs a call on a path, and tells a model that named a path which does not exist where a file of that name is, or what
 * is beside it. The listing is in memory: no request.
 */
export async function withSuggestions<T>(mount: MountedFS, path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof MountError && error.code === "ENOENT")) throw error;
    const advice = await suggest(mount, path);
    throw new Error(advice === null ? error.message : `${error.message}\n${advice}`, { cause: error });
  }
}

async function suggest(mount: MountedFS, path: string): Promise<string | null> {
  const parts = path.split("/").filter(Boolean);
  const name = parts.at(-1);
  if (name === undefined) return null;
  const elsewhere = await mount.glob(`**/${escapeGlob(name)}`);
  if (elsewhere.length > 0) return `Is it ${list(elsewhere)}?`;
  for (let depth = parts.length - 1; depth >= 0; depth -= 1) {
    const parent = `/${parts.slice(0, depth).join("/")}`;
    if (!(await mount.exists(parent))) continue;
    const names = (await mount.readdir(parent)).map(({ name: found, type }) =>
      type === "folder" ? `${found}/` : found,
    );
    return names.length === 0 ? `${parent} is empty.` : `In ${parent} there is ${list(names)}.`;
  }
  return null;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SUGGESTIONS * 4);
  const left = names.length - shown.length;
  return left > 0 ? `${shown.join(", ")} and ${left} more` : shown.join(", ");
}
