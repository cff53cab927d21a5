/** The four kinds of git object, as named in an object header. */
export type ObjectType = "commit" | "tree" | "blob" | "tag";

/** Type numbers of pack entries (git-pack-format); 6 and 7 are deltas and have no object type. */
export const PACK_TYPE: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 };

const BY_NUMBER: readonly (ObjectType | undefined)[] = [undefined, "commit", "tree", "blob", "tag"];

/** The object type of a pack entry's type number, or null for deltas and unused numbers. */
export function findObjectType(packType: number): ObjectType | null {
  return BY_NUMBER[packType] ?? null;
}

export function isObjectType(text: string): text is ObjectType {
  return text === "commit" || text === "tree" || text === "blob" || text === "tag";
}
