/** Contents of recently used delta bases by number, the least recently used going first; bounded by bytes. */
export interface BaseCache {
  find(base: number): Uint8Array | null;
  add(base: number, content: Uint8Array): void;
  delete(base: number): void;
}

/** @param maxBytes ceiling for all contents; one that would take more than a quarter of it is not kept */
export function createBaseCache(maxBytes: number): BaseCache {
  const contents = new Map<number, Uint8Array>();
  let bytes = 0;
  function remove(base: number): void {
    const content = contents.get(base);
    if (content === undefined) return;
    contents.delete(base);
    bytes -= cost(content);
  }
  return {
    find(base) {
      const content = contents.get(base);
      if (content === undefined) return null;
      contents.delete(base);
      contents.set(base, content);
      return content;
    },
    add(base, content) {
      if (cost(content) > maxBytes / 4) return;
      remove(base);
      contents.set(base, content);
      bytes += cost(content);
      for (const oldest of contents.keys()) {
        if (bytes <= maxBytes) break;
        remove(oldest);
      }
    },
    delete: remove,
  };
}

/** A view keeps all of its buffer alive; the constant is about what an entry takes besides. */
function cost(content: Uint8Array): number {
  return content.buffer.byteLength + 128;
}
