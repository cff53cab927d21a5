/** Ids that are remembered beside the listing, 40 characters each; the oldest go first. */
const MAX_REMEMBERED = 50_000;

/**
 * Blobs that the server has though the listing being read does not show them: what this mount's commits replaced or
 * removed, and what others did. Content that comes back is then named instead of sent.
 */
export class KnownBlobs {
  readonly #shas = new Set<string>();

  has(sha: string): boolean {
    return this.#shas.has(sha);
  }

  add(sha: string): void {
    this.#shas.add(sha);
    if (this.#shas.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#shas) {
      this.#shas.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#shas.clear();
  }
}
