import type { Remote, RemoteEntry, RemoteRepo } from "../kernel/remote.ts";
import { BaseTree } from "./base-tree.ts";

/** More entries than any page chain may bring; a listing beyond it is an error rather than a full memory. */
const MAX_ENTRIES = 2_000_000;

/** A loaded listing and the branch that its ref stands for, as far as the server says. */
export interface LoadedTree {
  readonly tree: BaseTree;
  readonly branch: string | null | undefined;
}

/**
 * Lists everything at a ref: one request up to 10,000 entries, one more for each further 10,000. Pages after the first
 * are asked by commit, so that a commit made in between cannot tear the listing.
 */
export async function loadTree(
  remote: Remote,
  repo: RemoteRepo,
  request: { readonly ref: string; readonly signal?: AbortSignal | undefined },
): Promise<LoadedTree> {
  const { ref, signal } = request;
  const first = await remote.listTree(repo, { ref, cursor: null, signal });
  let entries: readonly RemoteEntry[] = first.entries;
  for (let cursor = first.nextCursor; cursor !== null; ) {
    const page = await remote.listTree(repo, { ref: first.commitSha ?? ref, cursor, signal });
    entries = entries.concat(page.entries);
    if (entries.length > MAX_ENTRIES) throw new RangeError(`more than ${MAX_ENTRIES} entries in one tree`);
    cursor = page.nextCursor;
  }
  return { tree: new BaseTree(entries, first), branch: first.branch };
}
