import { type ByteString, formatByteString } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { EXECUTABLE_MODE, entryKind, type TreeEntry } from "../../git/object/tree.ts";
import { readTrees } from "../../git/tree/read-trees.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ListedItem, ListingCache } from "../files/listing-cache.ts";
import { hasContent, readListing } from "../files/tree-listing.ts";
import { BlobReader } from "./blob-reader.ts";
import type { ExecMeter } from "./exec-meter.ts";
import { type DirNode, type ExecNode, type ExecVolume, type LeafNode, newDirectory } from "./exec-node.ts";

/** Directories read one by one before all of them are read level by level. */
const SINGLE_TREES = 4;

/** Where one repository's directories, contents and sizes come from. */
export class VolumeReader {
  readonly volume: ExecVolume;
  readonly repo: RepoHandle;
  readonly blobs: BlobReader;
  readonly #listings: ListingCache;
  readonly #trees = new Map<Oid, readonly TreeEntry[]>();
  #treesRead = 0;
  #order: Promise<Order | null> | null = null;

  constructor(
    source: { readonly volume: ExecVolume; readonly repo: RepoHandle },
    listings: ListingCache,
    meter: ExecMeter,
  ) {
    this.volume = source.volume;
    this.repo = source.repo;
    this.#listings = listings;
    this.blobs = new BlobReader(source.repo, meter, (path, count) => this.#listAhead(path, count));
  }

  /** Children of a directory, read from its tree the first time. */
  async children(directory: DirNode): Promise<Map<string, ExecNode>> {
    if (directory.children) return directory.children;
    const entries = directory.tree === null ? [] : await this.entries(directory.tree);
    // Somebody else may have loaded it meanwhile, and changed it.
    if (directory.children) return directory.children;
    const base = new Map<string, TreeEntry>();
    const children = new Map<string, ExecNode>();
    for (const entry of entries) {
      const name = formatByteString(entry.name);
      base.set(name, entry);
      children.set(name, this.#toNode(entry));
    }
    directory.base = base;
    directory.children = children;
    return children;
  }

  /** Entries of a tree. */
  async entries(tree: Oid): Promise<readonly TreeEntry[]> {
    const known = this.#trees.get(tree);
    if (known) return known;
    if (this.#treesRead === SINGLE_TREES) await this.#readAllTrees();
    this.#treesRead++;
    const entries = this.#trees.get(tree) ?? (await readTrees(this.repo.objects, [tree])).get(tree) ?? [];
    this.#trees.set(tree, entries);
    return entries;
  }

  /** Sizes of these leaves in one round. */
  async sizes(leaves: readonly LeafNode[]): Promise<ReadonlyMap<Oid, number>> {
    const oids = leaves.flatMap(({ content }) => (content.kind === "blob" ? [content.oid] : []));
    return await this.blobs.readSizes(oids);
  }

  #toNode(entry: TreeEntry): ExecNode {
    const mtimeMs = this.volume.committedAtMs;
    const content = { kind: "blob", oid: entry.oid } as const;
    switch (entryKind(entry)) {
      case "directory":
        return newDirectory(this.volume, mtimeMs, entry.oid);
      case "gitlink":
        return { ...newDirectory(this.volume, mtimeMs), submodule: entry.oid };
      case "symlink":
        return { kind: "link", executable: false, content, mtimeMs };
      case "file":
        return { kind: "file", executable: entry.mode === EXECUTABLE_MODE, content, mtimeMs };
    }
  }

  /** A command that walks pays a round per level instead of one per directory. */
  async #readAllTrees(): Promise<void> {
    let level: Oid[] = [this.volume.tree];
    let left = MAX_TREES_AHEAD;
    while (level.length > 0 && left > 0) {
      const unread = level.filter((oid) => !this.#trees.has(oid)).slice(0, left);
      left -= unread.length;
      for (const [oid, entries] of await readTrees(this.repo.objects, unread)) this.#trees.set(oid, entries);
      const below = new Set<Oid>();
      for (const oid of level) {
        for (const entry of this.#trees.get(oid) ?? [])
          if (entryKind(entry) === "directory") below.add(entry.oid);
      }
      level = [...below];
    }
  }

  async #listAhead(path: string, count: number): Promise<readonly Oid[]> {
    this.#order ??= this.#readOrder();
    const order = await this.#order;
    const at = order?.rows.get(path);
    if (!order || at === undefined) return [];
    return order.items.slice(at + 1, at + 1 + count).map(({ oid }) => oid);
  }

  async #readOrder(): Promise<Order | null> {
    try {
      const options = { path: "" as ByteString, recursive: true };
      const { items } = await readListing(this.repo, this.#listings, this.volume.tree, options);
      const files = items.filter(hasContent);
      return { items: files, rows: new Map(files.map(({ path }, row) => [path, row])) };
    } catch (error) {
      // Too many files to look ahead: each is read when it is asked for, until a limit of reading is met.
      if (error instanceof GitError && error.code === "limit-exceeded") return null;
      throw error;
    }
  }
}

/** Directories that are read ahead; in a larger tree the rest is read one by one. */
const MAX_TREES_AHEAD = 20_000;

/** Every file of the tree, depth first. */
interface Order {
  readonly items: readonly ListedItem[];
  readonly rows: ReadonlyMap<string, number>;
}
