import type { TreeItem } from "../../../sdk/contract/files.ts";
import type { ByteString } from "../../git/bytes/text.ts";
import { EMPTY_TREE_OID, isOid, type Oid } from "../../git/hash/oid.ts";
import { parsePath } from "../../git/object/path-rules.ts";
import { isDirectory } from "../../git/object/tree.ts";
import { findEntry } from "../../git/tree/find-entry.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { type ReadTarget, readTarget } from "../read-target.ts";
import type { ListedItem, Listing, ListingCache } from "./listing-cache.ts";
import { loadSizes, readListing } from "./tree-listing.ts";

/** Where a page of a listing starts. It names the commit (or tree), so that paging never mixes two states of a branch. */
export interface TreeCursor {
  readonly root: Oid;
  readonly offset: number;
}

export interface TreePageQuery {
  readonly path: string;
  readonly recursive: boolean;
  readonly limit: number;
  readonly offset: number;
}

export interface TreePage {
  readonly kind: "listed";
  readonly items: readonly TreeItem[];
  /** Id of the listed directory. */
  readonly tree: Oid;
  readonly next: TreeCursor | null;
}

export type TreePageResult = TreePage | { readonly kind: "missing" } | { readonly kind: "not-a-directory" };

/** The directory that a listing would show, without reading what is in it: enough for an ETag. */
export async function findDirectory(
  repo: RepoHandle,
  target: ReadTarget,
  path: string,
): Promise<{ readonly kind: "found"; readonly tree: Oid } | Exclude<TreePageResult, TreePage>> {
  const entry = await findEntry(repo.objects, target.tree, parseDirectory(path));
  if (!entry) return { kind: "missing" };
  return isDirectory(entry) ? { kind: "found", tree: entry.oid } : { kind: "not-a-directory" };
}

/**
 * One page of a directory, in git's order, sizes included.
 * @throws GitError invalid-path, limit-exceeded
 */
export async function listFiles(
  repo: RepoHandle,
  cache: ListingCache,
  target: ReadTarget,
  query: TreePageQuery,
): Promise<TreePageResult> {
  const directory = await findDirectory(repo, target, query.path);
  if (directory.kind !== "found") return directory;
  const path = parseDirectory(query.path);
  const listing = await readListing(repo, cache, directory.tree, { path, recursive: query.recursive });
  const end = query.offset + query.limit;
  const items = listing.items.slice(query.offset, end);
  await loadSizes(repo.objects, listing, items);
  return {
    kind: "listed",
    items: items.map((item) => toTreeItem(listing, item)),
    tree: directory.tree,
    next: end < listing.items.length ? { root: target.commit ?? target.tree, offset: end } : null,
  };
}

function toTreeItem(listing: Listing, item: ListedItem): TreeItem {
  const { name, path, type, oid: sha, mode } = item;
  const size = listing.sizes.get(item.oid);
  return size === undefined ? { name, path, type, sha, mode } : { name, path, type, sha, mode, size };
}

/** The empty text is the root. @throws GitError invalid-path */
function parseDirectory(path: string): ByteString {
  return path === "" ? ("" as ByteString) : parsePath(path);
}

export function formatTreeCursor(cursor: TreeCursor): string {
  return `${cursor.root}.${cursor.offset}`;
}

/** null when the text was not made by {@link formatTreeCursor}. */
export function parseTreeCursor(text: string): TreeCursor | null {
  const [root = "", offset = "", ...rest] = text.split(".");
  if (!isOid(root) || !/^\d{1,9}$/.test(offset) || rest.length > 0) return null;
  return { root, offset: Number(offset) };
}

/** The target that a cursor continues; null when this repository has no such tree. */
export async function resumeTarget(
  repo: RepoHandle,
  ref: string,
  cursor: TreeCursor,
): Promise<ReadTarget | null> {
  await repo.snapshot();
  return readTarget(repo.objects, cursor.root, ref, isOid(ref));
}

/** The listing of a branch without commits. */
export const UNBORN_TREE: TreePage = { kind: "listed", items: [], tree: EMPTY_TREE_OID, next: null };
