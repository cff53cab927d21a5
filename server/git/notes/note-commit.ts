import { type ByteString, toByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { hashObject } from "../hash/sha1.ts";
import { decodeCommit, encodeCommit } from "../object/commit.ts";
import type { GitObject, NoteWrite } from "../ports.ts";
import { diffNotes } from "./diff-notes.ts";
import { editNotes, type NoteChanges, type NotesReader } from "./note-tree.ts";

/** Notes that agents leave on their commits: what `git notes --ref agent` reads and writes. */
export const AGENT_NOTES_REF = "refs/notes/agent";

/** What a new tip of the notes ref consists of. */
export interface NotesTip {
  readonly oid: Oid;
  readonly objects: readonly GitObject[];
}

const WHO = { name: "Coregit" as ByteString, email: "noreply@coregit.dev" as ByteString, zone: "+0000" };

/**
 * Adds notes on top of `tip` (null: there are none yet), as one commit. A note that is there already is replaced.
 * @throws GitError wrong-type when the ref is at something else than a commit; missing-object, corrupt-object
 */
export async function addNotes(
  reader: NotesReader,
  tip: Oid | null,
  { notes, seconds }: { readonly notes: readonly NoteWrite[]; readonly seconds: number },
): Promise<NotesTip> {
  const changes = new Map(notes.map(({ annotated, blob }) => [annotated, blob]));
  const root = tip === null ? null : await readNotesRoot(reader, tip);
  return commitNotes(
    reader,
    { root, changes, parents: tip === null ? [] : [tip] },
    {
      seconds,
      message: "Notes added by Coregit\n",
    },
  );
}

/**
 * Brings what `ours` changed since `base` onto `theirs`. Both sides speak of different objects but by chance; of the
 * same one, ours counts.
 */
export async function mergeNotes(
  reader: NotesReader,
  { base, ours, theirs }: { readonly base: Oid | null; readonly ours: Oid; readonly theirs: Oid },
  seconds: number,
): Promise<NotesTip> {
  const baseRoot = base === null ? null : await readNotesRoot(reader, base);
  const changes = await diffNotes(reader, baseRoot, await readNotesRoot(reader, ours));
  const root = await readNotesRoot(reader, theirs);
  return commitNotes(
    reader,
    { root, changes, parents: [theirs, ours] },
    {
      seconds,
      message: "Notes merged by Coregit\n",
    },
  );
}

async function commitNotes(
  reader: NotesReader,
  {
    root,
    changes,
    parents,
  }: { readonly root: Oid | null; readonly changes: NoteChanges; readonly parents: readonly Oid[] },
  { seconds, message }: { readonly seconds: number; readonly message: string },
): Promise<NotesTip> {
  const edited = await editNotes(reader, root, changes);
  const data = encodeCommit({
    tree: edited.root,
    parents: [...parents],
    author: { ...WHO, seconds },
    committer: { ...WHO, seconds },
    extra: [],
    message: toByteString(message),
  });
  const oid = hashObject("commit", data);
  return { oid, objects: [...edited.objects, { oid, type: "commit", data }] };
}

/** The notes tree of a notes commit. @throws GitError missing-object, wrong-type */
export async function readNotesRoot(reader: NotesReader, tip: Oid): Promise<Oid> {
  const object = (await reader.readObjects([tip])).found.get(tip);
  if (!object) throw new GitError("missing-object", `notes commit ${tip} is missing`, { oid: tip });
  if (object.type !== "commit") {
    throw new GitError("wrong-type", `${AGENT_NOTES_REF} is at a ${object.type}, not at a commit`, {
      ref: AGENT_NOTES_REF,
      oid: tip,
    });
  }
  return decodeCommit(object.data).tree;
}
