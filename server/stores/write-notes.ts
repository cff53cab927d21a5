import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import { AGENT_NOTES_REF, addNotes, type NotesTip } from "../git/notes/note-commit.ts";
import type { NoteWrite, ObjectReader, RefReason } from "../git/ports.ts";
import { hasNameConflict } from "./ref-rules.ts";
import type { RepoTables } from "./repo-tables.ts";

/** A new tip of the notes, planned on the one that was there. */
export interface NotesPlan extends NotesTip {
  readonly before: Oid | null;
}

/**
 * Plans notes on what the repository has; null when there are none to write. Reading may wait, so
 * {@link isNotesPlanCurrent} must be asked again in the step that writes.
 * @throws GitError wrong-type when the notes ref cannot take notes
 */
export async function planNotes(
  tables: RepoTables,
  reader: ObjectReader,
  { notes, nowMs }: { readonly notes: readonly NoteWrite[]; readonly nowMs: number },
): Promise<NotesPlan | null> {
  if (notes.length === 0) return null;
  const before = tables.refs.find(AGENT_NOTES_REF)?.oid ?? null;
  if (before === null && hasNameConflict(tables.refs, AGENT_NOTES_REF)) {
    const message = `a ref whose name is a folder of ${AGENT_NOTES_REF}, or lies below it, is in the way`;
    throw new GitError("wrong-type", message, { ref: AGENT_NOTES_REF });
  }
  const tip = await addNotes(reader, before, { notes, seconds: Math.floor(nowMs / 1_000) });
  return { ...tip, before };
}

export function isNotesPlanCurrent(tables: RepoTables, plan: NotesPlan): boolean {
  return (tables.refs.find(AGENT_NOTES_REF)?.oid ?? null) === plan.before;
}

/** Moves the notes to a plan's tip; its objects go into the store with the others. Call it inside the step that writes. */
export function moveNotes(
  tables: RepoTables,
  plan: NotesPlan,
  why: { readonly reason: RefReason; readonly atMs: number },
): void {
  tables.refs.put({ name: AGENT_NOTES_REF, oid: plan.oid });
  tables.refs.appendReflog({ ref: AGENT_NOTES_REF, from: plan.before, to: plan.oid, ...why });
}
