import type { ByteString } from "../bytes/text.ts";
import { diffTrees } from "../diff/diff-trees.ts";
import { findRenames } from "../diff/find-renames.ts";
import type { Oid } from "../hash/oid.ts";
import { entryKind, type TreeMode } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import { createPathLookup, type PathLookup } from "../tree/path-lookup.ts";

/** One version of a file. */
export interface FileVersion {
  readonly oid: Oid;
  readonly mode: TreeMode;
}

/** A file as a commit has it. */
export interface FileInTree {
  readonly tree: Oid;
  readonly path: ByteString;
  readonly version: FileVersion;
}

export interface ParentVersion {
  /** Which of the parents. */
  readonly parent: number;
  readonly path: ByteString;
  readonly version: FileVersion;
}

export type ParentVersions =
  /** A parent has the very content: all lines come from there. */
  | { readonly kind: "unchanged"; readonly parent: number; readonly path: ByteString }
  /** Different contents, each once, in the order of the parents. */
  | { readonly kind: "changed"; readonly versions: readonly ParentVersion[] };

/** Finds what a file was in the parents of a commit. */
export interface ParentFinder {
  find(file: FileInTree, parentTrees: readonly Oid[]): Promise<ParentVersions>;
}

/** As many pairs of a deleted file and the new one are compared for likeness; above, equal contents alone count. */
const RENAME_SOURCES_MAX = 20_000;

/**
 * By git's rule: under the same name first, whichever parent has it; only then, in parents that do not have the name, a
 * file that went away there and is alike. A parent with the same content ends the search.
 */
export function createParentFinder(reader: ObjectReader): ParentFinder {
  const lookUps = new Map<ByteString, PathLookup>();
  const lookUp = (path: ByteString): PathLookup => {
    const known = lookUps.get(path) ?? createPathLookup(reader, path);
    lookUps.set(path, known);
    return known;
  };
  return {
    async find(file, parentTrees) {
      const { path, version } = file;
      const same = parentTrees.indexOf(file.tree);
      if (same === 0) return { kind: "unchanged", parent: 0, path };
      const entries = parentTrees.length > 0 ? await lookUp(path)(parentTrees) : [];
      const choice = createChoice(version);
      const nameless: number[] = [];
      for (const [parent, entry] of entries.entries()) {
        if (entry === null || entryKind(entry) === "directory") nameless.push(parent);
        else if (entryKind(entry) === entryKind(version) && choice.add({ parent, path, version: entry }))
          return { kind: "unchanged", parent, path };
      }
      for (const parent of nameless) {
        const renamed = await findRename(reader, file, parentTrees[parent] ?? null);
        if (renamed && choice.add({ parent, ...renamed }))
          return { kind: "unchanged", parent, path: renamed.path };
      }
      return { kind: "changed", versions: choice.list() };
    },
  };
}

/** Takes versions in; true when one is the very content that was asked for. */
function createChoice(wanted: FileVersion) {
  const versions: ParentVersion[] = [];
  return {
    add(found: ParentVersion): boolean {
      const { oid } = found.version;
      if (oid === wanted.oid) return true;
      // Of equal contents those of the earlier parent count; an earlier one that comes later is taken as well.
      const isKnown = versions.some(({ parent, version }) => parent < found.parent && version.oid === oid);
      if (!isKnown) versions.push(found);
      return false;
    },
    list: () => versions.sort((a, b) => a.parent - b.parent),
  };
}

async function findRename(
  reader: ObjectReader,
  { tree, path }: FileInTree,
  parentTree: Oid | null,
): Promise<{ readonly path: ByteString; readonly version: FileVersion } | null> {
  const changes = await diffTrees(reader, parentTree, tree);
  const relevant = changes.filter(
    ({ path: at, old, next }) => (old && !next) || (at === path && next && !old),
  );
  const renames = await findRenames(reader, relevant, { limit: Math.floor(Math.sqrt(RENAME_SOURCES_MAX)) });
  const found = renames.find(({ to }) => to === path);
  return found ? { path: found.from, version: { oid: found.old.oid, mode: found.old.mode } } : null;
}
