import type { RemoteEntry } from "../kernel/remote.ts";

/** Git's file modes as numbers; a directory's is what stat gives for it. */
export const MODE = {
  directory: 0o040000,
  file: 0o100644,
  executable: 0o100755,
  symlink: 0o120000,
  gitlink: 0o160000,
} as const;

const MODES: readonly number[] = Object.values(MODE);

/**
 * The listing of one commit, held compactly: parallel columns in depth-first order and one map from path to row. A
 * directory's descendants are the rows after it up to its end, so neither child lists nor a node per entry are kept.
 * Row 0 is the root, with path "". Never changes; shared by every state of the mount built on it.
 */
export class BaseTree {
  /** null: a branch without commits. */
  readonly commitSha: string | null;
  readonly committedAtMs: number;
  readonly #paths: string[] = [""];
  readonly #shas: string[];
  readonly #sizes: Float64Array;
  readonly #modes: Uint8Array;
  /** First row after the descendants of a row. */
  readonly #ends: Uint32Array;
  readonly #rows = new Map<string, number>([["", 0]]);

  /** @param entries depth first, each directory before what it holds; another order is sorted first. */
  constructor(
    entries: readonly RemoteEntry[],
    commit: { readonly commitSha: string | null; readonly committedAtMs: number; readonly treeSha: string },
  ) {
    this.commitSha = commit.commitSha;
    this.committedAtMs = commit.committedAtMs;
    this.#shas = [commit.treeSha];
    // Sorting adds the directories that a listing left out, so there may be more rows than entries.
    const rows = isDepthFirst(entries) ? entries : sortDepthFirst(entries);
    this.#sizes = new Float64Array(rows.length + 1);
    this.#modes = new Uint8Array(rows.length + 1);
    this.#ends = new Uint32Array(rows.length + 1);
    this.#fill(rows);
  }

  /** Entries below the root, directories included. */
  get size(): number {
    return this.#paths.length - 1;
  }

  /** Row of a path without slashes at its ends; -1 when there is none. */
  find(path: string): number {
    return this.#rows.get(path) ?? -1;
  }

  pathAt(row: number): string {
    return this.#paths[row] ?? "";
  }

  nameAt(row: number): string {
    const path = this.pathAt(row);
    return path.slice(path.lastIndexOf("/") + 1);
  }

  shaAt(row: number): string {
    return this.#shas[row] ?? "";
  }

  modeAt(row: number): number {
    return MODES[this.#modes[row] ?? 0] ?? MODE.directory;
  }

  sizeAt(row: number): number {
    return this.#sizes[row] ?? 0;
  }

  /** First row that is not below `row`. */
  endAt(row: number): number {
    return this.#ends[row] ?? 0;
  }

  /** Rows directly below a directory, in git's order. */
  *childrenOf(row: number): Generator<number> {
    const end = this.endAt(row);
    for (let child = row + 1; child < end; child = this.endAt(child)) yield child;
  }

  /** Every row of a mode, in listing order. */
  *rowsOfMode(mode: number): Generator<number> {
    const wanted = MODES.indexOf(mode);
    for (let row = this.#modes.indexOf(wanted, 1); row !== -1; row = this.#modes.indexOf(wanted, row + 1))
      yield row;
  }

  /** Ids of files that a newer listing has otherwise or not at all. */
  *listLost(newer: BaseTree): Generator<string> {
    for (let row = 1; row < this.#paths.length; row += 1) {
      if (this.modeAt(row) === MODE.directory) continue;
      const sha = this.shaAt(row);
      if (newer.shaAt(newer.find(this.pathAt(row))) !== sha) yield sha;
    }
  }

  /** Those of some ids that any file of the listing has. */
  findShas(wanted: ReadonlySet<string>): ReadonlySet<string> {
    return new Set(this.#shas.filter((sha) => wanted.has(sha)));
  }

  #fill(entries: readonly RemoteEntry[]): void {
    const open = [0];
    for (const entry of entries) {
      const row = this.#paths.length;
      let top = open.at(-1) ?? 0;
      while (top !== 0 && !isBelow(entry.path, this.pathAt(top))) {
        this.#ends[top] = row;
        open.pop();
        top = open.at(-1) ?? 0;
      }
      this.#paths.push(entry.path);
      this.#shas.push(entry.sha);
      this.#sizes[row] = entry.size;
      this.#modes[row] = Math.max(0, MODES.indexOf(Number.parseInt(entry.mode, 8)));
      this.#ends[row] = row + 1;
      this.#rows.set(entry.path, row);
      if (this.modeAt(row) === MODE.directory) open.push(row);
    }
    for (const row of open) this.#ends[row] = this.#paths.length;
  }
}

function isBelow(path: string, directory: string): boolean {
  return path.length > directory.length && path[directory.length] === "/" && path.startsWith(directory);
}

/** Whether every entry follows its parent directory with nothing but that directory's descendants between. */
function isDepthFirst(entries: readonly RemoteEntry[]): boolean {
  const open: string[] = [];
  for (const { path, mode } of entries) {
    while (open.length > 0 && !isBelow(path, open.at(-1) ?? "")) open.pop();
    const parent = path.lastIndexOf("/");
    if ((parent === -1 ? "" : path.slice(0, parent)) !== (open.at(-1) ?? "")) return false;
    if (Number.parseInt(mode, 8) === MODE.directory) open.push(path);
  }
  return true;
}

/** Sorts by path with "/" below every other character, and adds the directories that a listing left out. */
function sortDepthFirst(entries: readonly RemoteEntry[]): readonly RemoteEntry[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      if (byPath.has(parent)) break;
      byPath.set(parent, { path: parent, sha: "", mode: "040000", size: 0 });
    }
  }
  return [...byPath.values()]
    .map((entry) => ({ entry, key: entry.path.replaceAll("/", "\0") }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ entry }) => entry);
}
