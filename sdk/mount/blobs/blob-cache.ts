/** A blob's bytes, never to be written to, and its text once somebody has asked for it. */
export interface CachedBlob {
  /** null: unsaved content, which no cache holds. */
  readonly sha: string | null;
  readonly bytes: Uint8Array;
  text: string | null;
}

/** What an entry costs beside its bytes: key, node and bookkeeping, measured roughly. */
const ENTRY_BYTES = 256;

/** An entry between its neighbours by last use. */
interface Slot {
  readonly sha: string;
  blob: CachedBlob;
  cost: number;
  newer: Slot;
  older: Slot;
}

/**
 * Blobs by id, up to a byte budget, the least recently used going first. An id names the same bytes everywhere, so
 * branches, renames and repositories of one client share entries.
 *
 * Uses are kept in a ring of links: to touch an entry in a Map is to delete and add it, four times the cost of a read.
 */
export class BlobCache {
  readonly maxBytes: number;
  readonly #slots = new Map<string, Slot>();
  /** The ring's joint: `older` is the entry used last, `newer` the one to go first. */
  readonly #joint: Slot;
  #bytes = 0;
  #evictions = 0;

  /** @param maxBytes 0 keeps nothing. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    const joint = { sha: "", blob: { sha: null, bytes: new Uint8Array(0), text: null }, cost: 0 };
    // The joint is its own neighbour until there are others, and cannot name itself before it is made.
    this.#joint = joint as unknown as Slot;
    this.#joint.newer = this.#joint;
    this.#joint.older = this.#joint;
  }

  /** Bytes that are held, bookkeeping included. */
  get bytes(): number {
    return this.#bytes;
  }

  get entries(): number {
    return this.#slots.size;
  }

  /** Entries that have had to go for others. */
  get evictions(): number {
    return this.#evictions;
  }

  find(sha: string): CachedBlob | null {
    const slot = this.#slots.get(sha);
    if (slot === undefined) return null;
    if (slot !== this.#joint.older) {
      unlink(slot);
      this.#linkAsNewest(slot);
    }
    return slot.blob;
  }

  has(sha: string): boolean {
    return this.#slots.has(sha);
  }

  /** Keeps a blob, or counts it anew now that it has its text. One larger than the whole budget is not kept. */
  put(blob: CachedBlob): void {
    const { sha, bytes, text } = blob;
    if (sha === null) return;
    const cost = bytes.length + (text === null ? 0 : text.length * 2) + ENTRY_BYTES;
    const old = this.#slots.get(sha);
    if (old !== undefined) this.#remove(old);
    if (cost > this.maxBytes) return;
    while (this.#bytes + cost > this.maxBytes) {
      this.#remove(this.#joint.newer);
      this.#evictions += 1;
    }
    const slot: Slot = { sha, blob, cost, newer: this.#joint, older: this.#joint };
    this.#slots.set(sha, slot);
    this.#linkAsNewest(slot);
    this.#bytes += cost;
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.sha);
    this.#bytes -= slot.cost;
    unlink(slot);
  }

  #linkAsNewest(slot: Slot): void {
    const newest = this.#joint.older;
    slot.older = newest;
    slot.newer = this.#joint;
    newest.newer = slot;
    this.#joint.older = slot;
  }
}

function unlink(slot: Slot): void {
  slot.older.newer = slot.newer;
  slot.newer.older = slot.older;
}
