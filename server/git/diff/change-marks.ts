/** Which lines of two texts a diff calls changed; the others pair up in their order. */
export interface ChangeMarks {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
}

/** Part of two texts: lines [aFrom, aTo) against [bFrom, bTo). */
export interface Region {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
}

/** One place where two texts differ: `aCount` lines at `aStart` stand against `bCount` lines at `bStart`. */
export interface LineChange {
  readonly aStart: number;
  readonly aCount: number;
  readonly bStart: number;
  readonly bCount: number;
}

/** The marked lines as runs, in order. */
export function listChanges(marks: ChangeMarks): LineChange[] {
  const changes: LineChange[] = [];
  const { a, b } = marks;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (!a[i] && !b[j]) {
      i++;
      j++;
      continue;
    }
    const aStart = i;
    const bStart = j;
    while (a[i]) i++;
    while (b[j]) j++;
    changes.push({ aStart, aCount: i - aStart, bStart, bCount: j - bStart });
  }
  return changes;
}
