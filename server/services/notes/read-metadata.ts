import { findUtf8 } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { findNoteBlobs } from "./find-note-blobs.ts";

/** What was said of a commit. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Notes that somebody pushed may be of any size; larger ones are left to git. */
const NOTE_BYTES_MAX = 64 * 1024;

/** The text of a note that says this. @see parseMetadata */
export function formatMetadata(metadata: Metadata): string {
  return `${JSON.stringify(metadata)}\n`;
}

/**
 * What a note says: the JSON object that it is, or else `{ text }`, as somebody wrote it with git. null for what is not
 * text.
 */
export function parseMetadata(note: Uint8Array): Metadata | null {
  const text = findUtf8(note);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    // An object of JSON.parse has string keys and nothing else.
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Metadata;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { text: text.replace(/\n+$/, "") };
}

/** What was said of some commits; those of which nothing was are left out. A fixed number of rounds, for all together. */
export async function readMetadata(
  repo: RepoHandle,
  commits: readonly Oid[],
  tip?: Oid | null,
): Promise<ReadonlyMap<Oid, Metadata>> {
  const blobs = await findNoteBlobs(repo, [...new Set(commits)], tip);
  const metadata = new Map<Oid, Metadata>();
  if (blobs.size === 0) return metadata;
  const { found: headers } = await repo.objects.readHeaders([...new Set(blobs.values())]);
  const wanted = [...headers].filter(([, { type, size }]) => type === "blob" && size <= NOTE_BYTES_MAX);
  const { found } = await repo.objects.readObjects(wanted.map(([oid]) => oid));
  for (const [commit, blob] of blobs) {
    const note = found.get(blob);
    const said = note ? parseMetadata(note.data) : null;
    if (said) metadata.set(commit, said);
  }
  return metadata;
}
