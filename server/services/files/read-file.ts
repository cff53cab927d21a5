import { findUtf8, hasNul } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { parsePath } from "../../git/object/path-rules.ts";
import { entryKind } from "../../git/object/tree.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { findEntry } from "../../git/tree/find-entry.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ReadTarget } from "../read-target.ts";

export type FileLookup =
  | { readonly kind: "file"; readonly oid: Oid; readonly size: number; readonly mode: string }
  | { readonly kind: "missing" }
  | { readonly kind: "directory"; readonly oid: Oid }
  /** A submodule: `oid` is a commit of another repository. */
  | { readonly kind: "gitlink"; readonly oid: Oid };

/** Above this, content is read in pieces; below, whole, and the isolate may keep it. */
export const STREAM_ABOVE_BYTES = 1024 * 1024;
/** Bytes that are looked at to tell text from binary, as many as git looks at. */
const PROBE_BYTES = 8_000;

/**
 * The file at `path`. A symlink is a file whose content is its target.
 * @throws GitError invalid-path; missing-object when the repository lacks the blob of an entry
 */
export async function findFile(repo: RepoHandle, target: ReadTarget, path: string): Promise<FileLookup> {
  if (path === "") return { kind: "directory", oid: target.tree };
  const entry = await findEntry(repo.objects, target.tree, parsePath(path));
  if (!entry) return { kind: "missing" };
  const { oid, mode } = entry;
  const kind = entryKind(entry);
  if (kind === "directory" || kind === "gitlink") return { kind, oid };
  const { found } = await repo.objects.readHeaders([oid]);
  const header = found.get(oid);
  if (!header) throw new GitError("missing-object", `blob ${oid} is missing`, { oid });
  return { kind: "file", oid, size: header.size, mode };
}

export interface ContentRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Content of a blob as chunks. Large blobs are never held whole, if the store can read in pieces.
 * @throws GitError missing-object
 */
export async function* readContent(
  reader: ObjectReader,
  file: { readonly oid: Oid; readonly size: number },
  range: ContentRange = { start: 0, end: file.size },
): AsyncGenerator<Uint8Array> {
  if (range.end <= range.start) return;
  if (file.size > STREAM_ABOVE_BYTES && reader.openObject) {
    const open = await reader.openObject(file.oid, range);
    if (!open) throw missing(file.oid);
    yield* open.chunks;
    return;
  }
  const object = (await reader.readObjects([file.oid])).found.get(file.oid);
  if (!object) throw missing(file.oid);
  yield object.data.subarray(range.start, range.end);
}

/** The same in one piece. The caller has checked that the range is small enough to hold. */
export async function readWholeContent(
  reader: ObjectReader,
  file: { readonly oid: Oid; readonly size: number },
  range: ContentRange = { start: 0, end: file.size },
): Promise<Uint8Array> {
  let whole: Uint8Array | null = null;
  let filled = 0;
  for await (const chunk of readContent(reader, file, range)) {
    if (filled === 0 && chunk.length === range.end - range.start) return chunk;
    whole ??= new Uint8Array(range.end - range.start);
    if (filled + chunk.length > whole.length) break;
    whole.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled !== range.end - range.start) {
    throw new GitError("corrupt-object", `blob ${file.oid} does not have the size that it says`, {
      oid: file.oid,
    });
  }
  return whole ?? new Uint8Array(0);
}

/** Text of valid UTF-8 without NUL, a BOM included; null for what only base64 carries. */
export function findText(data: Uint8Array): string | null {
  return data.includes(0) ? null : findUtf8(data);
}

/** Whether the beginning of a file looks like UTF-8 text. The probe may cut its last character. */
export async function looksLikeText(
  reader: ObjectReader,
  file: { readonly oid: Oid; readonly size: number },
): Promise<boolean> {
  const end = Math.min(file.size, PROBE_BYTES);
  const probe = await readWholeContent(reader, file, { start: 0, end });
  if (hasNul(probe)) return false;
  return findUtf8(end < file.size ? dropCutCharacter(probe) : probe) !== null;
}

/** Without the bytes of a last character that is not complete: at most three. */
export function dropCutCharacter(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number; // back is at most the length
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

function missing(oid: Oid): GitError {
  return new GitError("missing-object", `blob ${oid} is missing`, { oid });
}
