/** Files whose times are remembered; the least recently asked for are forgotten, and then have the mount's time again. */
const MAX_FILES = 10_000;

/**
 * Modification times that tell content apart. A mount's own times are those of commits: a commit of another file moves
 * them, and two writes may fall into one millisecond. Here a time changes exactly when the content does, and only goes up.
 */
export class ChangeTimes {
  readonly #known = new Map<string, { readonly sha: string | null; readonly timeMs: number }>();

  /** The time of a file with this content, ms since the epoch. */
  find(path: string, sha: string | null, mountTimeMs: number): number {
    const known = this.#known.get(path);
    const timeMs =
      known === undefined
        ? mountTimeMs
        : known.sha === sha
          ? known.timeMs
          : Math.max(mountTimeMs, known.timeMs + 1);
    this.#known.delete(path);
    this.#known.set(path, { sha, timeMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_FILES && oldest !== undefined) this.#known.delete(oldest);
    return timeMs;
  }
}
