/** A binary heap; among equals the one that was put first comes first. */
export interface PriorityQueue<T> {
  readonly size: number;
  put(item: T): void;
  /** The first item, taken out; undefined when empty. */
  take(): T | undefined;
  /** The first item, left in; undefined when empty. */
  peek(): T | undefined;
  /** All items, the first one first, the others in no useful order. */
  items(): Iterable<T>;
}

/** @param isBefore whether `a` must come before `b`; a strict order */
export function createPriorityQueue<T>(isBefore: (a: T, b: T) => boolean): PriorityQueue<T> {
  interface Place {
    readonly item: T;
    readonly sequence: number;
  }
  const heap: Place[] = [];
  let sequence = 0;
  const precedes = (a: Place, b: Place): boolean =>
    isBefore(a.item, b.item) || (a.sequence < b.sequence && !isBefore(b.item, a.item));

  function sinkFromTop(place: Place): void {
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      let best = heap[child];
      const right = heap[child + 1];
      if (right && best && precedes(right, best)) {
        best = right;
        child++;
      }
      if (!best || precedes(place, best)) break;
      heap[hole] = best;
      hole = child;
    }
    heap[hole] = place;
  }

  return {
    get size() {
      return heap.length;
    },
    put(item) {
      const place = { item, sequence: sequence++ };
      let hole = heap.length;
      while (hole > 0) {
        const above = (hole - 1) >>> 1;
        const parent = heap[above] as Place; // 0 <= above < hole
        if (precedes(parent, place)) break;
        heap[hole] = parent;
        hole = above;
      }
      heap[hole] = place;
    },
    take() {
      const first = heap[0];
      const last = heap.pop();
      if (first && last && first !== last) sinkFromTop(last);
      return first?.item;
    },
    peek: () => heap[0]?.item,
    *items() {
      for (const place of heap) yield place.item;
    },
  };
}
