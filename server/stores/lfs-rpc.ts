import type { LfsStore, StoredLfsObject } from "../ports/lfs.ts";

export interface LentPage {
  readonly objects: readonly (StoredLfsObject & { readonly home: string })[];
  /** `after` of the next page; null at the end. */
  readonly next: number | null;
  /** It is deleting its files: nothing of it can be held any more. */
  readonly gone: boolean;
}

/** The methods of LfsDO, as a stub has them. */
export interface LfsRpc extends LfsStore {
  lend(borrower: string, after: number | null): Promise<LentPage>;
  giveBack(borrower: string): Promise<void>;
}
