import { GitError } from "../errors.ts";
import type { ObjectType } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import { decodeTag } from "../object/tag.ts";
import type { ObjectReader } from "../ports.ts";

/** Objects that a walk starts from, by type. */
export interface Tips {
  readonly commits: readonly Oid[];
  readonly trees: readonly Oid[];
  readonly blobs: readonly Oid[];
  /** Annotated tags on the way to the others, outer ones first. */
  readonly tags: readonly Oid[];
  readonly missing: readonly Oid[];
}

/**
 * Sorts objects by type and follows annotated tags to what they name.
 * @throws GitError wrong-type when a tag names an object of another type than it says; corrupt-object
 */
export async function resolveTips(reader: ObjectReader, oids: Iterable<Oid>): Promise<Tips> {
  const tips = { commits: [] as Oid[], trees: [] as Oid[], blobs: [] as Oid[], tags: [] as Oid[] };
  const lists: Record<ObjectType, Oid[]> = {
    commit: tips.commits,
    tree: tips.trees,
    blob: tips.blobs,
    tag: tips.tags,
  };
  const missing: Oid[] = [];
  const seen = new Set<Oid>();
  let pending = new Map<Oid, ObjectType | null>();
  for (const oid of oids) pending.set(oid, null);
  while (pending.size > 0) {
    for (const oid of pending.keys()) seen.add(oid);
    const headers = await reader.readHeaders([...pending.keys()]);
    missing.push(...headers.missing);
    for (const [oid, { type }] of headers.found) {
      const promised = pending.get(oid);
      if (promised && promised !== type) {
        throw new GitError("wrong-type", `a tag says that ${oid} is a ${promised}, it is a ${type}`, {
          oid,
          type,
        });
      }
      lists[type].push(oid);
    }
    pending = await readTargets(
      reader,
      [...headers.found].filter(([, { type }]) => type === "tag").map(([oid]) => oid),
    );
    for (const oid of pending.keys()) if (seen.has(oid)) pending.delete(oid);
  }
  return { ...tips, missing };
}

async function readTargets(reader: ObjectReader, tags: readonly Oid[]): Promise<Map<Oid, ObjectType>> {
  const targets = new Map<Oid, ObjectType>();
  if (tags.length === 0) return targets;
  for (const { data } of (await reader.readObjects(tags)).found.values()) {
    const tag = decodeTag(data);
    targets.set(tag.target, tag.targetType);
  }
  return targets;
}
