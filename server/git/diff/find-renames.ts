/** Which deleted file came back as which new one, by git's rule (diffcore-rename): same content first, then likeness. */
import type { ByteString } from "../bytes/text.ts";
import type { Oid } from "../hash/oid.ts";
import { entryKind, type TreeEntry } from "../object/tree.ts";
import type { ObjectReader } from "../ports.ts";
import type { TreeChange } from "./diff-trees.ts";
import {
  cutPieces,
  isSizeTooDifferent,
  type Measured,
  SIMILARITY_MAX,
  scoreSimilarity,
} from "./similarity.ts";

export interface Rename {
  readonly from: ByteString;
  readonly to: ByteString;
  readonly old: TreeEntry;
  readonly next: TreeEntry;
  /** From 0 to {@link SIMILARITY_MAX}. */
  readonly score: number;
}

export interface RenameOptions {
  /** Likeness is looked for among at most limit x limit pairs; above, only equal contents are found. 1,000 as in git. */
  readonly limit?: number;
  /** Sources worth a look at their likeness; all when absent. */
  readonly isRelevant?: (from: ByteString) => boolean;
}

export const RENAME_LIMIT = 1_000;
/** Contents above this are compared by id only: all candidates are read. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const READ_BYTES = 16 * 1024 * 1024;
const SCORE_MIN = SIMILARITY_MAX / 2;
/** A file that kept its name in another folder needs more: it is not compared with the others. */
const SAME_NAME_SCORE_MIN = (SIMILARITY_MAX * 3) / 4;
const CANDIDATES_PER_TARGET = 4;

interface File {
  readonly path: ByteString;
  readonly entry: TreeEntry;
}

export async function findRenames(
  reader: ObjectReader,
  changes: readonly TreeChange[],
  { limit = RENAME_LIMIT, isRelevant = () => true }: RenameOptions = {},
): Promise<readonly Rename[]> {
  const sources: File[] = [];
  const targets: File[] = [];
  for (const { path, old, next } of changes) {
    if (old && !next) sources.push({ path, entry: old });
    if (next && !old) targets.push({ path, entry: next });
  }
  const renames = pairEqual(sources, targets);
  const { restSources, restTargets } = leaveOut(renames, { sources, targets });
  const likely = restSources.filter(({ path, entry }) => entryKind(entry) === "file" && isRelevant(path));
  const open = restTargets.filter(({ entry }) => entryKind(entry) === "file");
  if (likely.length === 0 || open.length === 0) return renames;
  const measured = await measure(reader, [...likely, ...open], likely.length * open.length > limit * limit);
  const named = pairByName(likely, open, measured);
  const rest = leaveOut(named, { sources: likely, targets: open });
  const { restSources: left, restTargets: right } = rest;
  const alike = left.length * right.length > limit * limit ? [] : pairAlike(left, right, measured);
  return [...renames, ...named, ...alike];
}

function leaveOut(
  renames: readonly Rename[],
  { sources, targets }: { readonly sources: readonly File[]; readonly targets: readonly File[] },
) {
  const from = new Set(renames.map((rename) => rename.from));
  const to = new Set(renames.map((rename) => rename.to));
  return {
    restSources: sources.filter(({ path }) => !from.has(path)),
    restTargets: targets.filter(({ path }) => !to.has(path)),
  };
}

function baseName(path: ByteString): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Equal contents: of several sources the one with the same file name, else the first that is left. */
function pairEqual(sources: readonly File[], targets: readonly File[]): Rename[] {
  const byOid = new Map<Oid, File[]>();
  for (const source of sources) {
    const group = byOid.get(source.entry.oid);
    if (group) group.push(source);
    else byOid.set(source.entry.oid, [source]);
  }
  const renames: Rename[] = [];
  for (const target of targets) {
    const group = byOid
      .get(target.entry.oid)
      ?.filter(({ entry }) => entryKind(entry) === entryKind(target.entry));
    if (!group || group.length === 0) continue;
    const source = group.find(({ path }) => baseName(path) === baseName(target.path)) ?? (group[0] as File);
    renames.push(toRename(source, target, SIMILARITY_MAX));
    byOid.set(
      target.entry.oid,
      (byOid.get(target.entry.oid) ?? []).filter((other) => other !== source),
    );
  }
  return renames;
}

function toRename(source: File, target: File, score: number): Rename {
  return { from: source.path, to: target.path, old: source.entry, next: target.entry, score };
}

/** Contents that may take part, cut into pieces; nothing is read when there are too many pairs. */
async function measure(
  reader: ObjectReader,
  files: readonly File[],
  tooMany: boolean,
): Promise<ReadonlyMap<Oid, Measured>> {
  const measured = new Map<Oid, Measured>();
  if (tooMany) return measured;
  const { found: headers } = await reader.readHeaders([...new Set(files.map(({ entry }) => entry.oid))]);
  let group: Oid[] = [];
  let bytes = 0;
  const flush = async () => {
    if (group.length === 0) return;
    for (const { oid, data } of (await reader.readObjects(group)).found.values()) {
      measured.set(oid, { size: data.length, pieces: cutPieces(data) });
    }
    group = [];
    bytes = 0;
  };
  for (const [oid, { size }] of headers) {
    if (size > FILE_BYTES_MAX) continue;
    if (bytes + size > READ_BYTES) await flush();
    group.push(oid);
    bytes += size;
  }
  await flush();
  return measured;
}

/** 0 when they are not alike enough for `min`, or were not read. */
function score(source: File, target: File, { measured, min }: Scoring): number {
  const a = measured.get(source.entry.oid);
  const b = measured.get(target.entry.oid);
  if (!a || !b || isSizeTooDifferent(a.size, b.size, min)) return 0;
  return scoreSimilarity(a, b);
}

interface Scoring {
  readonly measured: ReadonlyMap<Oid, Measured>;
  readonly min: number;
}

/** Files whose name is the only one of its kind on both sides, when they are much alike. */
function pairByName(
  sources: readonly File[],
  targets: readonly File[],
  measured: ReadonlyMap<Oid, Measured>,
): Rename[] {
  const byName = listUniqueNames(targets);
  const renames: Rename[] = [];
  for (const [name, source] of listUniqueNames(sources)) {
    const target = byName.get(name);
    if (!source || !target) continue;
    const found = score(source, target, { measured, min: SCORE_MIN });
    if (found >= SAME_NAME_SCORE_MIN) renames.push(toRename(source, target, found));
  }
  return renames;
}

/** File names; null for one that several files have. */
function listUniqueNames(files: readonly File[]): ReadonlyMap<string, File | null> {
  const names = new Map<string, File | null>();
  for (const file of files) {
    const name = baseName(file.path);
    names.set(name, names.has(name) ? null : file);
  }
  return names;
}

interface Candidate {
  readonly source: File;
  readonly target: File;
  readonly score: number;
  readonly sameName: number;
}

function pairAlike(
  sources: readonly File[],
  targets: readonly File[],
  measured: ReadonlyMap<Oid, Measured>,
): Rename[] {
  const candidates = targets.flatMap((target) =>
    sources
      .map(
        (source): Candidate => ({
          source,
          target,
          score: score(source, target, { measured, min: SCORE_MIN }),
          sameName: Number(baseName(source.path) === baseName(target.path)),
        }),
      )
      .filter((candidate) => candidate.score >= SCORE_MIN)
      .sort(compareCandidates)
      .slice(0, CANDIDATES_PER_TARGET),
  );
  const taken = new Set<File>();
  return candidates.sort(compareCandidates).flatMap(({ source, target, score: found }) => {
    if (taken.has(source) || taken.has(target)) return [];
    taken.add(source).add(target);
    return [toRename(source, target, found)];
  });
}

function compareCandidates(a: Candidate, b: Candidate): number {
  return b.score - a.score || b.sameName - a.sameName;
}
