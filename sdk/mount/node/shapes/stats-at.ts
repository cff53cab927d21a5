import type { CallContext, Located } from "../../calls/call-context.ts";
import type { TreeNode } from "../../tree/nodes.ts";
import { MountStats } from "./stats.ts";

/** The directory above several repositories. */
export const TOP: TreeNode = { kind: "dir", base: null, changes: new Map(), epoch: 0, mtimeMs: 0 };

/** node's Stats of what was found; null is the root of several repositories, a device of its own. */
export function statsAt({ table }: CallContext, found: Located | null): MountStats {
  if (found === null) return new MountStats(TOP, table.volumes.length + 1, 1);
  const { volume, path, node } = found;
  const device = table.single === null ? table.volumes.indexOf(volume) + 1 : 1;
  return new MountStats(node, device, volume.inodes.at(path));
}
