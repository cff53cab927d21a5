import type { Oid } from "../../git/hash/oid.ts";
import type { NoteWrite } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { findNoteBlobs } from "./find-note-blobs.ts";

/** The notes of commits for those that were made of them, as git copies them with `notes.rewriteRef` (git-config(1)). */
export async function copyNotes(
  repo: RepoHandle,
  rewritten: ReadonlyMap<Oid, Oid>,
): Promise<readonly NoteWrite[]> {
  if (rewritten.size === 0) return [];
  const blobs = await findNoteBlobs(repo, [...rewritten.keys()]);
  return [...rewritten].flatMap(([before, annotated]) => {
    const blob = blobs.get(before);
    return blob ? [{ annotated, blob }] : [];
  });
}
