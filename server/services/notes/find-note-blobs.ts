import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { AGENT_NOTES_REF, readNotesRoot } from "../../git/notes/note-commit.ts";
import { findNotes } from "../../git/notes/note-tree.ts";
import type { RepoHandle } from "../../ports/repo.ts";

const NONE: ReadonlyMap<Oid, Oid> = new Map();

/** Where the notes of agents are; null: there are none. A look at the repository. */
export async function findNotesTip(repo: RepoHandle): Promise<Oid | null> {
  return (await repo.snapshot([AGENT_NOTES_REF])).refs.get(AGENT_NOTES_REF) ?? null;
}

/**
 * Blobs of the notes on some commits: one walk down the notes tree for all of them. A notes ref that somebody has put
 * at something else than notes has none.
 * @param tip where the notes are, when the caller has just looked; undefined: look now
 */
export async function findNoteBlobs(
  repo: RepoHandle,
  annotated: readonly Oid[],
  tip?: Oid | null,
): Promise<ReadonlyMap<Oid, Oid>> {
  if (annotated.length === 0) return NONE;
  const at = tip === undefined ? await findNotesTip(repo) : tip;
  if (!at) return NONE;
  try {
    return await findNotes(repo.objects, await readNotesRoot(repo.objects, at), annotated);
  } catch (error) {
    if (error instanceof GitError && error.code === "wrong-type") return NONE;
    throw error;
  }
}
