/** Compares this engine's merges with git's: trees, paths and kinds of conflicts, and texts with markers. */
import { toByteString } from "../git/bytes/text.ts";
import { parseOid } from "../git/hash/oid.ts";
import type { ConflictType, PathConflict } from "../git/merge/conflict.ts";
import { type CommitMerge, mergeCommits } from "../git/merge/merge-commits.ts";
import type { ObjectReader } from "../git/ports.ts";
import { findEntry } from "../git/tree/find-entry.ts";
import type { GitVerdict, MergePair } from "./git-merges.ts";

/** What two merges of the same commits have in common. */
export type Comparison =
  | { readonly kind: "same"; readonly clean: boolean; readonly types: readonly ConflictType[] }
  | {
      readonly kind: "different";
      /** What differs first: whether there are conflicts at all, the tree, where they are, what they are, the text. */
      readonly what: "clean" | "tree" | "paths" | "types" | "markers";
      readonly git: string;
      readonly engine: string;
    };

/** @param reader of a repository that has the objects which git's merge made, too */
export async function compareMerge(
  reader: ObjectReader,
  pair: MergePair,
  verdict: GitVerdict,
): Promise<Comparison> {
  const merged = await mergeCommits(
    reader,
    { ours: parseOid(pair.ours), theirs: parseOid(pair.theirs) },
    { oursName: pair.ours, theirsName: pair.theirs },
  );
  if (merged.kind !== "merged") return differ("clean", describeGit(verdict), "unrelated histories");
  return compareOutcome(reader, { pair, verdict, merged });
}

interface Outcomes {
  readonly pair: MergePair;
  readonly verdict: GitVerdict;
  readonly merged: Extract<CommitMerge, { kind: "merged" }>;
}

async function compareOutcome(reader: ObjectReader, outcomes: Outcomes): Promise<Comparison> {
  const { pair, verdict, merged } = outcomes;
  const { conflicts } = merged;
  const types = [...new Set(conflicts.map(({ type }) => type))];
  if (verdict.clean !== (conflicts.length === 0)) {
    return differ("clean", describeGit(verdict), describeEngine(conflicts));
  }
  if (verdict.clean) {
    return verdict.tree === merged.tree
      ? { kind: "same", clean: true, types }
      : differ("tree", verdict.tree, merged.tree);
  }
  const expected = listGitConflicts(verdict, pair);
  const paths = [...new Set(conflicts.map(({ path }) => path))].sort();
  if ([...expected.keys()].sort().join("\n") !== paths.join("\n")) {
    return differ("paths", describeGit(verdict), describeEngine(conflicts));
  }
  const odd = conflicts.find(({ path, type }) => !expected.get(path)?.has(type));
  if (odd) return differ("types", `${odd.path}: ${[...(expected.get(odd.path) ?? [])].join()}`, odd.type);
  for (const conflict of conflicts) {
    const difference = await compareMarkers(reader, verdict, conflict);
    if (difference) return difference;
  }
  return { kind: "same", clean: false, types };
}

function differ(
  what: Extract<Comparison, { kind: "different" }>["what"],
  git: string,
  engine: string,
): Comparison {
  return { kind: "different", what, git, engine };
}

function describeGit({ clean, messages }: GitVerdict): string {
  if (clean) return "clean";
  const told = messages.filter(({ type }) => type.startsWith("CONFLICT"));
  return told.map(({ type, paths }) => `${type} ${paths.join(" ")}`).join("; ");
}

function describeEngine(conflicts: readonly PathConflict[]): string {
  return conflicts.length === 0 ? "clean" : conflicts.map(({ path, type }) => `${type} ${path}`).join("; ");
}

/** Git's conflicts in this engine's terms: the kinds that each path may be said to have. */
function listGitConflicts(
  { stages, messages }: GitVerdict,
  pair: MergePair,
): ReadonlyMap<string, ReadonlySet<ConflictType>> {
  const conflicts = new Map<string, Set<ConflictType>>();
  for (const [path, [base, ours, theirs]] of stages) {
    // The former name of a file that both sides renamed, to different names.
    if (base && !ours && !theirs) continue;
    const modes = [ours, theirs].map((entry) => entry?.slice(0, 3));
    const told = messages.filter(({ paths }) => paths.includes(path));
    const types = conflicts.get(withoutSide(path, pair)) ?? new Set();
    for (const { type, text } of told) for (const kind of translate(type, text, modes)) types.add(kind);
    conflicts.set(withoutSide(path, pair), types);
  }
  return conflicts;
}

/** Where two things want one place, git puts one of them beside it, as `path~side`. */
function withoutSide(path: string, { ours, theirs }: MergePair): string {
  for (const side of [ours, theirs]) {
    const at = path.lastIndexOf(`~${side.replaceAll("/", "_")}`);
    if (at >= 0) return path.slice(0, at);
  }
  return path;
}

function translate(type: string, text: string, modes: readonly (string | undefined)[]): ConflictType[] {
  switch (type) {
    case "CONFLICT (contents)":
      if (modes.includes("120")) return ["symlink", "add-add"];
      if (text.includes("(submodule)")) return ["submodule", "add-add"];
      return text.includes("(add/add)") ? ["add-add", "mode"] : ["content", "mode"];
    case "CONFLICT (binary)":
      return ["binary"];
    case "CONFLICT (modify/delete)":
      return ["modify-delete"];
    case "CONFLICT (rename/delete)":
      return ["rename-delete"];
    case "CONFLICT (rename/rename)":
      return ["rename-rename"];
    case "CONFLICT (rename involved in collision)":
      return ["add-add"];
    case "CONFLICT (file/directory)":
      return ["file-directory"];
    case "CONFLICT (distinct modes)":
      return ["type", "add-add"];
    default:
      return [];
  }
}

async function compareMarkers(
  reader: ObjectReader,
  verdict: GitVerdict,
  { path, type, markers }: PathConflict,
): Promise<Comparison | null> {
  if (!markers) return null;
  const entry = await findEntry(reader, parseOid(verdict.tree), toByteString(path));
  // Where git gave the file another name, there is nothing to compare with.
  if (!entry) return null;
  const blob = (await reader.readObjects([entry.oid])).found.get(entry.oid);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
  if (blob && text(blob.data) === text(markers)) return null;
  return differ("markers", `${type} ${path}\n${blob ? text(blob.data) : "nothing"}`, text(markers));
}
