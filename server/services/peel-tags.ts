import { GitError } from "../git/errors.ts";
import type { ObjectType } from "../git/hash/object-type.ts";
import type { Oid } from "../git/hash/oid.ts";
import { decodeTag } from "../git/object/tag.ts";
import type { ObjectReader } from "../git/ports.ts";

export interface PeeledObject {
  /** The first object of the chain that is not an annotated tag. */
  readonly oid: Oid;
  readonly type: ObjectType;
  /** Tags from the outermost to the innermost; empty when the object is no tag. */
  readonly tags: readonly Oid[];
}

/** Tags of tags are legal; nobody has this many. */
const MAX_DEPTH = 100;

/**
 * Follows annotated tags to what they name. Ids that the reader does not have, or whose chain leads to one, are left
 * out. One look-up of headers and one of objects per level of nesting.
 * @throws GitError limit-exceeded for a chain of more than 100 tags
 */
export async function peelTags(
  reader: ObjectReader,
  oids: Iterable<Oid>,
): Promise<ReadonlyMap<Oid, PeeledObject>> {
  const peeled = new Map<Oid, PeeledObject>();
  let open = [...new Set(oids)].map((start) => ({ start, at: start, tags: [] as readonly Oid[] }));
  for (let depth = 0; open.length > 0; depth++) {
    if (depth > MAX_DEPTH) throw new GitError("limit-exceeded", `more than ${MAX_DEPTH} nested tags`);
    const { found } = await reader.readHeaders([...new Set(open.map(({ at }) => at))]);
    const tags = open.filter(({ at }) => found.get(at)?.type === "tag");
    for (const { start, at, tags: chain } of open) {
      const type = found.get(at)?.type;
      if (type && type !== "tag") peeled.set(start, { oid: at, type, tags: chain });
    }
    const objects = (await reader.readObjects([...new Set(tags.map(({ at }) => at))])).found;
    open = tags.flatMap(({ start, at, tags: chain }) => {
      const object = objects.get(at);
      return object ? [{ start, at: decodeTag(object.data).target, tags: [...chain, at] }] : [];
    });
  }
  return peeled;
}
