import type { MountedFS } from "../../mount/mounted-fs.ts";

/** A file or link below the directory of a walk. */
export interface WalkedFile {
  /** Mount path. */
  readonly path: string;
  /** Path from the directory that was walked, without a slash in front. */
  readonly inside: string;
  readonly isLink: boolean;
}

/** The parts of a node Dirent that a walk looks at. */
interface EntryLike {
  readonly name: string;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** A mount's own `.git` is no part of the repository. */
const LOCAL_NAME = ".git";

/**
 * Files and links below a directory, unsaved ones included, without a request; links are not followed.
 *
 * @param maxDepth directories that are entered below the first one; 0: only what is in it.
 * @throws as `readdir`: ENOENT, ENOTDIR
 */
export async function walkFiles(
  { promises }: Pick<MountedFS, "promises">,
  directory: string,
  maxDepth = Number.POSITIVE_INFINITY,
): Promise<WalkedFile[]> {
  const top = directory.replace(/\/+$/, "");
  const files: WalkedFile[] = [];
  const pending = [{ inside: "", depth: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    // With file types the entries are never plain names.
    const entries = (await promises.readdir(`${top}/${next.inside}`, {
      withFileTypes: true,
    })) as readonly EntryLike[];
    for (const entry of entries) {
      const inside = next.inside === "" ? entry.name : `${next.inside}/${entry.name}`;
      if (!entry.isDirectory()) {
        files.push({ path: `${top}/${inside}`, inside, isLink: entry.isSymbolicLink() });
      } else if (entry.name !== LOCAL_NAME && next.depth < maxDepth) {
        pending.push({ inside, depth: next.depth + 1 });
      }
    }
  }
  return files;
}
