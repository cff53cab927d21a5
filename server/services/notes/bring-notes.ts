import type { Oid } from "../../git/hash/oid.ts";
import type { GitObject, NoteWrite } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { copyNotes } from "./copy-notes.ts";

/** Notes, and the blobs that the repository may not have yet. */
export interface BroughtNotes {
  readonly notes: readonly NoteWrite[];
  readonly blobs: readonly GitObject[];
}

/** As {@link copyNotes}, from another repository: with what the notes say. */
export async function bringNotes(
  source: RepoHandle,
  rewritten: ReadonlyMap<Oid, Oid>,
): Promise<BroughtNotes> {
  const notes = await copyNotes(source, rewritten);
  if (notes.length === 0) return { notes, blobs: [] };
  const { found } = await source.objects.readObjects([...new Set(notes.map(({ blob }) => blob))]);
  return { notes: notes.filter(({ blob }) => found.has(blob)), blobs: [...found.values()] };
}
