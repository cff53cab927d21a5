/**
 * The file access of TypeScript 7 (`typescript/unstable/fs`), which waits for nothing: missing files are null, and no
 * call ever falls back to the disk.
 */
export interface SnapshotFileSystem {
  fileExists(path: string): boolean;
  directoryExists(path: string): boolean;
  getAccessibleEntries(path: string): { files: string[]; directories: string[] };
  /** null: there is no such file. */
  readFile(path: string): string | null;
  realpath(path: string): string;
}

interface Directory {
  readonly files: Set<string>;
  readonly directories: Set<string>;
}

/**
 * Gives a snapshot to TypeScript 7.
 *
 * @param files absolute paths and texts; later changes of the map's texts are seen, of its paths not
 */
export function createSnapshotFileSystem(files: ReadonlyMap<string, string>): SnapshotFileSystem {
  const directories = indexDirectories(files.keys());
  return {
    fileExists: (path) => files.has(path),
    directoryExists: (path) => directories.has(withoutSlash(path)),
    getAccessibleEntries(path) {
      const found = directories.get(withoutSlash(path));
      return { files: [...(found?.files ?? [])], directories: [...(found?.directories ?? [])] };
    },
    readFile: (path) => files.get(path) ?? null,
    realpath: (path) => path,
  };
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

/** Directories by path, the root being "". */
function indexDirectories(paths: Iterable<string>): ReadonlyMap<string, Directory> {
  const directories = new Map<string, Directory>();
  const enter = (path: string) => {
    const known = directories.get(path) ?? { files: new Set(), directories: new Set() };
    directories.set(path, known);
    return known;
  };
  enter("");
  for (const path of paths) {
    let slash = path.lastIndexOf("/");
    enter(path.slice(0, slash)).files.add(path.slice(slash + 1));
    for (let directory = path.slice(0, slash); directory !== ""; directory = directory.slice(0, slash)) {
      slash = directory.lastIndexOf("/");
      const { directories: known } = enter(directory.slice(0, slash));
      const name = directory.slice(slash + 1);
      if (known.has(name)) break;
      known.add(name);
    }
  }
  return directories;
}
