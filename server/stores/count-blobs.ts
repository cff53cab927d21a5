import type { PackReader } from "../git/pack/read-pack.ts";
import type { GitObject } from "../git/ports.ts";

/**
 * Different blobs in packs and loose objects, by their tables alone. A blob that two packs hold is looked for in the
 * packs before it, so nothing is remembered per object.
 */
export function countBlobs(packs: readonly PackReader[], objects: readonly GitObject[]): number {
  let count = 0;
  packs.forEach(({ refs, index }, at) => {
    const before = packs.slice(0, at);
    for (let position = 0; position < refs.count; position++) {
      if (refs.typeAt(position) !== "blob") continue;
      const seen =
        before.length > 0 && before.some((pack) => pack.index.findPosition(index.oidAt(position)) >= 0);
      if (!seen) count++;
    }
  });
  for (const { type, oid } of objects) {
    if (type === "blob" && !packs.some((pack) => pack.index.findPosition(oid) >= 0)) count++;
  }
  return count;
}
