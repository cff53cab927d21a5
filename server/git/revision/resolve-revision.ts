import { GitError } from "../errors.ts";
import type { ObjectType } from "../hash/object-type.ts";
import { isOid, type Oid } from "../hash/oid.ts";
import { decodeCommitLinks } from "../object/commit-links.ts";
import { decodeTag } from "../object/tag.ts";
import type { GitObject, Head, ObjectReader } from "../ports.ts";
import { parseRevision, type Step } from "./parse-revision.ts";

/** Of the full names asked for, those that exist. */
export type FindRefs = (fullNames: string[]) => Promise<ReadonlyMap<string, Oid>>;

const HEX_40 = /^[0-9a-f]{40}$/i;

/**
 * The object that a revision names, in git's order: a full id, HEAD, then `refs/…` as it stands, `refs/<name>`,
 * `refs/tags/<name>`, `refs/heads/<name>`, `refs/remotes/<name>`. null when there is no such ref, object, parent or
 * object of that type. Abbreviated ids are not looked up. Asks for all refs in one call, and for none of an id.
 * @throws GitError invalid-revision; missing-object when a ref or a commit names an object that is not there
 */
export async function resolveRevision(
  reader: ObjectReader,
  findRefs: FindRefs,
  head: Head,
  text: string,
): Promise<Oid | null> {
  const { base, steps } = parseRevision(text);
  const start = HEX_40.test(base)
    ? await findId(reader, base.toLowerCase())
    : await findBase(findRefs, head, base);
  let oid = start;
  for (const step of steps) {
    if (oid === null) return null;
    oid = await takeStep(reader, oid, step);
  }
  return oid;
}

/** The full names that a name may stand for, the first that exists wins. Source: gitrevisions(7), `<refname>`. */
export function listCandidates(name: string): string[] {
  const folders = ["refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
  const full = name.startsWith("refs/") ? [name] : [];
  return [...full, ...folders.map((folder) => folder + name), `refs/remotes/${name}/HEAD`];
}

async function findId(reader: ObjectReader, text: string): Promise<Oid | null> {
  if (!isOid(text)) return null;
  return (await reader.readHeaders([text])).found.has(text) ? text : null;
}

async function findBase(findRefs: FindRefs, head: Head, base: string): Promise<Oid | null> {
  if (base === "HEAD" && head.kind === "detached") return head.oid;
  const names = base === "HEAD" && head.kind === "symbolic" ? [head.target] : listCandidates(base);
  const refs = await findRefs(names);
  for (const name of names) {
    const oid = refs.get(name);
    if (oid) return oid;
  }
  return null;
}

async function takeStep(reader: ObjectReader, oid: Oid, step: Step): Promise<Oid | null> {
  if (step.kind === "peel") return (await peel(reader, oid, step.to))?.oid ?? null;
  let commit = await peel(reader, oid, "commit");
  if (step.kind === "parent") {
    if (!commit || step.number === 0) return commit?.oid ?? null;
    return decodeCommitLinks(commit.data).parents[step.number - 1] ?? null;
  }
  for (let left = step.count; commit && left > 0; left--) {
    const [parent] = decodeCommitLinks(commit.data).parents;
    commit = parent ? await peel(reader, parent, "commit") : null;
  }
  return commit?.oid ?? null;
}

/** Follows tags, and a commit to its tree when a tree is asked for; null when that does not lead to the type. */
async function peel(
  reader: ObjectReader,
  start: Oid,
  to: ObjectType | "any" | "object",
): Promise<GitObject | null> {
  for (let oid = start; ; ) {
    const object = (await reader.readObjects([oid])).found.get(oid);
    if (!object) throw new GitError("missing-object", `object ${oid} is missing`, { oid });
    if (object.type === to || to === "object" || (to === "any" && object.type !== "tag")) return object;
    if (object.type === "tag") oid = decodeTag(object.data).target;
    else if (object.type === "commit" && to === "tree") oid = decodeCommitLinks(object.data).tree;
    else return null;
  }
}
