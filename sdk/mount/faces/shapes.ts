import { MODE } from "../tree/base-tree.ts";
import { hashFile, hashTree } from "../tree/git-id.ts";
import { isDirectory, isSymlink, knownShaOf, modeOf, mtimeOf, sizeOf, type TreeNode } from "../tree/nodes.ts";

/** What `stat` and `lstat` give. */
export interface FileStat {
  readonly type: "file" | "folder" | "symlink";
  /** Bytes; 0 for folders. */
  readonly size: number;
  /** Blob or tree id, of unsaved content too; null for a folder without files. */
  readonly sha: string | null;
  /** Git's mode, six digits: 100644, 100755, 120000, 040000, 160000. */
  readonly mode: string;
  /** Time of the commit that is read; of the write for what the mount has changed. */
  readonly mtime: Date;
}

/** One entry of `readdir`. Links are of type "file", as in the server's listings, with mode 120000. */
export interface DirectoryItem {
  readonly name: string;
  /** Mount path. */
  readonly path: string;
  readonly type: "file" | "folder";
  readonly sha: string | null;
  readonly mode: string;
  readonly size: number;
}

/** The kind of one entry of `readdir` with `withFileTypes`. */
export interface TypedDirectoryItem extends DirectoryItem {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function formatMode(node: TreeNode): string {
  return modeOf(node).toString(8).padStart(6, "0");
}

/**
 * Id of what a node holds, of unsaved content too; null for a directory without files.
 *
 * @param node frozen: a directory's id is worked out once from all that is below it.
 */
export function readSha(node: TreeNode): string | null | Promise<string | null> {
  const known = knownShaOf(node);
  if (known !== null) return known;
  return node.kind === "file" ? hashFile(node) : hashTree(node);
}

export function formatStat(node: TreeNode, sha: string | null): FileStat {
  return {
    type: isDirectory(node) ? "folder" : isSymlink(node) ? "symlink" : "file",
    size: sizeOf(node),
    sha,
    mode: formatMode(node),
    mtime: new Date(mtimeOf(node)),
  };
}

export function formatItem(
  place: { readonly name: string; readonly path: string },
  node: TreeNode,
  sha: string | null,
): DirectoryItem {
  const type = isDirectory(node) ? "folder" : "file";
  return { ...place, type, sha, mode: formatMode(node), size: sizeOf(node) };
}

export function addTypeChecks(item: DirectoryItem): TypedDirectoryItem {
  const link = item.mode === MODE.symlink.toString(8);
  return {
    ...item,
    isFile: () => item.type === "file" && !link,
    isDirectory: () => item.type === "folder",
    isSymbolicLink: () => link,
  };
}
