import { PermissionError, WorkspaceReadOnlyError } from "@mastra/core/workspace";
import { MountError } from "../../errors.ts";

export function codeOf(error: unknown): string | null {
  return error instanceof MountError ? error.code : null;
}

/** Runs a call; errors with these codes become Mastra's own, which its tools tell apart by class. Others pass. */
export async function translate<T>(
  work: () => Promise<T>,
  operation: string,
  errors: Readonly<Record<string, () => Error>>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (code === "EROFS") throw new WorkspaceReadOnlyError(operation);
    const known = code === null ? undefined : errors[code];
    throw known === undefined ? error : known();
  }
}

/**
 * A path as the mount has it. Paths start at the mount's root, with or without a slash.
 *
 * @throws PermissionError for one that leads above the root
 */
export function parsePath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.pop() === undefined) throw new PermissionError(path, "access");
  }
  return `/${segments.join("/")}`;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
