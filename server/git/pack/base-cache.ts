/** Contents of recently used delta bases by number, those not used lately going first; bounded by bytes. */
export interface BaseCache {
  find(base: number): Uint8Array | null;
  add(base: number, content: Uint8Array): void;
  delete(base: number): void;
}

interface Kept {
  readonly content: Uint8Array;
  /** Found since it came, or since it was last passed over. */
  used: boolean;
}

/** So many numbers of contents that are gone may wait in the queue, besides as many as there are contents. */
const STALE_MAX = 1_024;

/**
 * Second chance instead of exact order of use: moving an entry to the end of a Map on each use, and looking for the first
 * of a Map that was deleted from, was a tenth of taking in a pack.
 * @param maxBytes ceiling for all contents; one that would take more than a quarter of it is not kept
 */
export function createBaseCache(maxBytes: number): BaseCache {
  const contents = new Map<number, Kept>();
  let bytes = 0;
  /** Numbers in order of arrival from `head` on; some may be gone. */
  let queue: number[] = [];
  let head = 0;

  function remove(base: number): void {
    const kept = contents.get(base);
    if (kept === undefined) return;
    contents.delete(base);
    bytes -= cost(kept.content);
  }

  function evict(): void {
    while (bytes > maxBytes && head < queue.length) {
      const base = queue[head++] as number;
      const kept = contents.get(base);
      if (kept?.used) {
        kept.used = false;
        queue.push(base);
      } else remove(base);
    }
  }

  function tidy(): void {
    if (head > STALE_MAX && head * 2 > queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
    if (queue.length - head <= contents.size * 2 + STALE_MAX) return;
    queue = [...contents.keys()];
    head = 0;
  }

  return {
    find(base) {
      const kept = contents.get(base);
      if (kept === undefined) return null;
      kept.used = true;
      return kept.content;
    },
    add(base, content) {
      if (cost(content) > maxBytes / 4) return;
      remove(base);
      contents.set(base, { content, used: false });
      queue.push(base);
      bytes += cost(content);
      if (bytes > maxBytes) evict();
      tidy();
    },
    delete: remove,
  };
}

/** A view keeps all of its buffer alive; the constant is about what an entry takes besides. */
function cost(content: Uint8Array): number {
  return content.buffer.byteLength + 128;
}
