import { type FileVersion, mergeTrees } from "../tree/merge.ts";
import type { DirNode } from "../tree/nodes.ts";

/** A state of one repository in the mount. */
export interface Kept {
  readonly root: DirNode;
  /** As the volume has it: paths that others changed too, with what the state's own version takes into account. */
  readonly overlaps: ReadonlyMap<string, FileVersion>;
}

/**
 * States that a mount keeps by name. A state is a frozen root: it shares all that was not changed since, and costs what
 * was. What others commit is carried over into it, as into unsaved work, so that going back to it never undoes them.
 */
export class Snapshots {
  readonly #kept = new Map<string, Kept>();

  names(): string[] {
    return [...this.#kept.keys()];
  }

  find(name: string): Kept | null {
    return this.#kept.get(name) ?? null;
  }

  put(name: string, kept: Kept): void {
    this.#kept.set(name, kept);
  }

  drop(name: string): void {
    this.#kept.delete(name);
  }

  /** Others have brought `before` to `newer`. */
  carryOver(before: DirNode, newer: DirNode): void {
    for (const [name, { root, overlaps }] of this.#kept) {
      const merged = mergeTrees(root, before, newer);
      const bases = new Map(overlaps);
      for (const { path, base } of merged.overlaps) if (!bases.has(path)) bases.set(path, base);
      this.#kept.set(name, { root: merged.root, overlaps: bases });
    }
  }
}
