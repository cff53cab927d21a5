/** What one edit did to a file; null = there was, or is, no file. */
export interface EditRecord {
  readonly before: string | null;
  readonly after: string;
}

/** Characters of old texts that are kept for undo_edit, over all files; the oldest go first. */
const MAX_HISTORY_CHARS = 8 * 1024 * 1024;

/** The edits made through one editor, for `undo_edit`. */
export class EditHistory {
  readonly #maxSteps: number;
  readonly #byPath = new Map<string, EditRecord[]>();
  #chars = 0;

  /** @param maxSteps edits kept per file; 0 keeps none. */
  constructor(maxSteps: number) {
    this.#maxSteps = maxSteps;
  }

  push(path: string, record: EditRecord): void {
    const records = this.#byPath.get(path) ?? [];
    // The file edited last is the last in the map, so that the first is the one to forget.
    this.#byPath.delete(path);
    this.#byPath.set(path, [...records, record].slice(-this.#maxSteps || Number.POSITIVE_INFINITY));
    this.#recount();
    while (this.#chars > MAX_HISTORY_CHARS) this.#forgetOldest();
  }

  last(path: string): EditRecord | null {
    return this.#byPath.get(path)?.at(-1) ?? null;
  }

  pop(path: string): void {
    this.#byPath.get(path)?.pop();
    this.#recount();
  }

  #forgetOldest(): void {
    for (const [path, records] of this.#byPath) {
      records.shift();
      if (records.length === 0) this.#byPath.delete(path);
      break;
    }
    this.#recount();
  }

  #recount(): void {
    this.#chars = 0;
    for (const records of this.#byPath.values()) {
      for (const { before, after } of records) this.#chars += (before?.length ?? 0) + after.length;
    }
  }
}
