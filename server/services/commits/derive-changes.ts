import { LIMITS } from "../../../sdk/contract/limits.ts";
import { concatBytes } from "../../git/bytes/bytes.ts";
import {
  type ByteString,
  byteStringFromBytes,
  byteStringToBytes,
  toByteString,
} from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import { entryKind, FILE_MODE, type TreeEntry } from "../../git/object/tree.ts";
import type { GitObject, ObjectReader } from "../../git/ports.ts";
import { findEntries } from "../../git/tree/find-entries.ts";
import type { CommitOutcome, TreeChange } from "../../ports/commit.ts";
import { peelToTree } from "../read-target.ts";
import { toFileMode } from "../rebase/rebase-paths.ts";
import { applyEdits, type EditFailure, type NumberedLine } from "./apply-edits.ts";
import type { DerivedDraft } from "./change-drafts.ts";

export interface DerivedChange {
  readonly change: TreeChange;
  readonly blob: GitObject;
}

export type Derivation =
  | { readonly kind: "derived"; readonly changes: readonly DerivedChange[] }
  | DerivationFailure;

export type DerivationFailure =
  | {
      readonly kind: "edit-failed";
      readonly field: string;
      readonly path: string;
      readonly message: string;
      readonly matches: number | null;
      readonly lines: readonly NumberedLine[];
      /** Blob that was edited. */
      readonly current: Oid;
      readonly head: Oid | null;
    }
  | {
      readonly kind: "too-large";
      readonly field: string;
      readonly path: string;
      readonly size: number;
      readonly limit: number;
    }
  | Extract<CommitOutcome, { kind: "rejected" | "path-conflict" }>;

/** Contents held at once while edits are computed. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** New contents of one commit's edits together; with the request's own they must fit an isolate. */
const RESULT_BYTES_MAX = 48 * 1024 * 1024;

interface Source {
  readonly draft: DerivedDraft;
  readonly entry: TreeEntry | null;
  readonly size: number;
}

export interface DeriveOptions {
  /**
   * What the caller saw, to be merged later with what is there: `tree`, the files at `head`; `if-match`, the blobs that
   * drafts name. Absent: the files at `head` are what the result must still be true of when it is written.
   */
  readonly mergeBase?: "tree" | "if-match" | undefined;
}

/** Computes the new contents of edits and appends from the files as they are at `head`. */
export async function deriveChanges(
  reader: ObjectReader,
  head: Oid | null,
  drafts: readonly DerivedDraft[],
  { mergeBase }: DeriveOptions = {},
): Promise<Derivation> {
  const found = await findSources(reader, head, { drafts, mergeBase });
  if (found.kind !== "found") return found;
  const changes: DerivedChange[] = [];
  let total = 0;
  for (const group of groupSources(found.sources)) {
    const oids = new Set(group.flatMap(({ entry }) => (entry ? [entry.oid] : [])));
    const contents = oids.size > 0 ? (await reader.readObjects([...oids])).found : new Map<Oid, GitObject>();
    for (const source of group) {
      const derived = deriveChange(source, head, { contents, mergeBase });
      if (derived.kind !== "derived") return derived;
      total += derived.blob.data.length;
      const { field, path } = source.draft;
      if (total > RESULT_BYTES_MAX)
        return { kind: "too-large", field, path, size: total, limit: RESULT_BYTES_MAX };
      changes.push(derived);
    }
  }
  return { kind: "derived", changes };
}

type Sources = { readonly kind: "found"; readonly sources: readonly Source[] } | DerivationFailure;

async function findSources(
  reader: ObjectReader,
  head: Oid | null,
  { drafts, mergeBase }: DeriveOptions & { readonly drafts: readonly DerivedDraft[] },
): Promise<Sources> {
  const root = head === null ? null : await peelToTree(reader, head);
  const paths = drafts.map((draft) => toByteString(draft.path));
  const atHead = root ? await findEntries(reader, root.tree, paths) : new Map<ByteString, TreeEntry>();
  const entries = mergeBase === "if-match" ? takeNamedBlobs(drafts, atHead) : atHead;
  const { found: headers } = await reader.readHeaders([
    ...new Set([...entries.values()].map(({ oid }) => oid)),
  ]);
  const sources: Source[] = [];
  for (const draft of drafts) {
    const entry = entries.get(toByteString(draft.path)) ?? null;
    const size = entry ? (headers.get(entry.oid)?.size ?? 0) : 0;
    const refused = findRefusal(head, { draft, entry, size });
    if (refused) return refused;
    sources.push({ draft, entry, size });
  }
  return { kind: "found", sources };
}

/** Where a draft names the blob that its caller saw, that blob stands for the file. */
function takeNamedBlobs(
  drafts: readonly DerivedDraft[],
  entries: ReadonlyMap<ByteString, TreeEntry>,
): ReadonlyMap<ByteString, TreeEntry> {
  const named = new Map(entries);
  for (const { path, ifMatch } of drafts) {
    const name = toByteString(path);
    if (ifMatch === null) named.delete(name);
    else if (ifMatch !== undefined)
      named.set(name, { name, mode: entries.get(name)?.mode ?? FILE_MODE, oid: ifMatch });
  }
  return named;
}

function findRefusal(head: Oid | null, { draft, entry, size }: Source): DerivationFailure | null {
  const { field, path, ifMatch } = draft;
  const current = entry?.oid ?? null;
  if (ifMatch !== undefined && ifMatch !== current) {
    return { kind: "path-conflict", field, path, expected: ifMatch, current, head };
  }
  const rejected = { kind: "rejected", field, path, head } as const;
  if (!entry) {
    if (draft.work.kind === "append") return null;
    return { ...rejected, reason: "not-found", message: `there is no ${path}` };
  }
  const kind = entryKind(entry);
  if (kind === "directory" || kind === "gitlink") {
    const what = kind === "directory" ? "a directory" : "a submodule";
    return { ...rejected, reason: "not-a-file", message: `${path} is ${what}` };
  }
  if (draft.mode !== null && kind !== "file") {
    return { ...rejected, reason: "not-a-file", message: `${path} is a symlink: it has no mode to set` };
  }
  const limit = LIMITS.fileBytes;
  return size > limit ? { kind: "too-large", field, path, size, limit } : null;
}

function groupSources(sources: readonly Source[]): readonly (readonly Source[])[] {
  const groups: Source[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    if (bytes + source.size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    bytes += source.size;
    groups.at(-1)?.push(source);
  }
  return groups;
}

type Derived = ({ readonly kind: "derived" } & DerivedChange) | DerivationFailure;

function deriveChange(
  source: Source,
  head: Oid | null,
  { contents, mergeBase }: DeriveOptions & { readonly contents: ReadonlyMap<Oid, GitObject> },
): Derived {
  const { draft, entry } = source;
  const { field, path } = draft;
  const old = entry ? contents.get(entry.oid) : null;
  if (entry && !old) throw new GitError("missing-object", `blob ${entry.oid} is missing`, { oid: entry.oid });
  const content = computeContent(draft, old?.data ?? new Uint8Array(0));
  if (content.kind === "too-large") {
    return { kind: "too-large", field, path, size: content.bytes, limit: LIMITS.fileBytes };
  }
  if (content.kind === "failed") return describeFailure(source, head, content);
  const { data } = content;
  const oid = hashObject("blob", data);
  const blob: GitObject = { oid, type: "blob", data };
  if (mergeBase === "tree" || (mergeBase === "if-match" && draft.ifMatch !== undefined)) {
    const mode = draft.mode ?? (entry ? toFileMode(entry.mode) : null);
    const base = { field, path, oid, ifMatch: entry?.oid ?? null };
    return { kind: "derived", change: { kind: "put", ...base, ...(mode === null ? {} : { mode }) }, blob };
  }
  // Without a file to derive from, the base is that there is none.
  const ifMatch = entry ? draft.ifMatch : null;
  const change: TreeChange = {
    kind: "put",
    field,
    path,
    oid,
    ...(draft.mode === null ? {} : { mode: draft.mode }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(entry ? { derivedFrom: entry.oid } : {}),
  };
  return { kind: "derived", change, blob };
}

type Content =
  | { readonly kind: "content"; readonly data: Uint8Array }
  | { readonly kind: "too-large"; readonly bytes: number }
  | EditFailure;

function computeContent({ work }: DerivedDraft, old: Uint8Array): Content {
  if (work.kind === "append") {
    const bytes = old.length + work.data.length;
    if (bytes > LIMITS.fileBytes) return { kind: "too-large", bytes };
    return { kind: "content", data: concatBytes([old, work.data]) };
  }
  const result = applyEdits(byteStringFromBytes(old), work.rules, LIMITS.fileBytes);
  return result.kind === "edited" ? { kind: "content", data: byteStringToBytes(result.content) } : result;
}

function describeFailure(
  { draft, entry }: Source,
  head: Oid | null,
  failure: EditFailure,
): DerivationFailure {
  const { message, matches, lines } = failure;
  if (!entry) throw new GitError("missing-object", "only a file that exists is edited");
  return {
    kind: "edit-failed",
    field: `${draft.field}.edits.${failure.index}`,
    path: draft.path,
    message,
    matches,
    lines,
    current: entry.oid,
    head,
  };
}
