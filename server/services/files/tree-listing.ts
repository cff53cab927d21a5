import { type ByteString, formatByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { GITLINK_MODE, isDirectory } from "../../git/object/tree.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { type ListedEntry, listTree } from "../../git/tree/list-tree.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ListedItem, Listing, ListingCache } from "./listing-cache.ts";

/** What one listed entry costs in memory beside its texts: an object, its strings' headers, a slot for its size. */
const ITEM_OVERHEAD_BYTES = 240;
/** Headers asked for at once. */
const HEADERS_PER_READ = 10_000;

/**
 * The listing of the directory whose tree is `tree`; its items' paths start with `path`. Recursive ones hold
 * directories too.
 * @throws GitError limit-exceeded above a million entries
 */
export async function readListing(
  repo: RepoHandle,
  cache: ListingCache,
  tree: Oid,
  options: { readonly path: ByteString; readonly recursive: boolean },
): Promise<Listing> {
  const key = `${repo.record.id}:${tree}:${options.recursive ? "r" : "d"}:${options.path}`;
  const known = cache.find(key);
  if (known) return known;
  const entries = await listTree(repo.objects, tree, { recursive: options.recursive });
  const base = options.path === "" ? "" : `${formatByteString(options.path)}/`;
  const listing: Listing = { items: entries.map((entry) => toItem(base, entry)), sizes: new Map() };
  cache.keep(key, listing, measure(listing));
  return listing;
}

function toItem(base: string, entry: ListedEntry): ListedItem {
  const path = base + formatByteString(entry.path);
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    path,
    type: isDirectory(entry) ? "folder" : "file",
    oid: entry.oid,
    mode: entry.mode.padStart(6, "0"),
  };
}

function measure({ items }: Listing): number {
  let bytes = 0;
  for (const { path, name } of items) bytes += ITEM_OVERHEAD_BYTES + 2 * (path.length + name.length);
  return bytes;
}

/** Whether an item has content of its own here: a submodule's lies in another repository. */
export function hasContent(item: ListedItem): boolean {
  return item.type === "file" && item.mode !== GITLINK_MODE;
}

/** Sees to it that the sizes of these items are known, as far as their blobs are there. */
export async function loadSizes(
  reader: ObjectReader,
  listing: Listing,
  items: readonly ListedItem[],
): Promise<void> {
  const wanted = new Set<Oid>();
  for (const item of items) if (hasContent(item) && !listing.sizes.has(item.oid)) wanted.add(item.oid);
  const oids = [...wanted];
  for (let start = 0; start < oids.length; start += HEADERS_PER_READ) {
    const { found } = await reader.readHeaders(oids.slice(start, start + HEADERS_PER_READ));
    for (const [oid, header] of found) listing.sizes.set(oid, header.size);
  }
}
