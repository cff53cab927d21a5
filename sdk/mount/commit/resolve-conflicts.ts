import type { MountConflict } from "../../errors.ts";
import { argumentError } from "../kernel/errno.ts";
import { encodeText } from "../kernel/text.ts";
import { MODE } from "../tree/base-tree.ts";
import { isSameNode } from "../tree/compare.ts";
import { isDirectory, modeOf, type TreeNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import type { BufferParts, ConflictResolver, Resolution } from "./commit-parts.ts";

interface Decision {
  readonly path: string;
  readonly resolution: Resolution;
  readonly theirsSha: string | null;
  readonly ours: TreeNode | null;
}

/**
 * Puts resolutions into the mount's tree, on the newest commit. A resolution takes into account the version that the
 * conflict showed and no other: if the branch has moved on again, the next commit merges or conflicts anew. A path that
 * was written meanwhile is left as it is.
 */
export async function resolveConflicts(
  { volume, table, refresh }: BufferParts & { readonly refresh: () => Promise<void> },
  conflicts: readonly MountConflict[],
  resolver: ConflictResolver,
): Promise<void> {
  const decisions: Decision[] = [];
  for (const conflict of conflicts) {
    const path = table.route(conflict.path)?.path ?? "";
    const ours = volume.find(path);
    const resolution = typeof resolver === "string" ? resolver : await resolver(conflict);
    checkResolution(resolution);
    decisions.push({ path, resolution, theirsSha: conflict.currentSha, ours });
  }
  await refresh();
  for (const decision of decisions) {
    if (isSameNode(volume.find(decision.path), decision.ours)) applyDecision(volume, decision);
  }
}

function checkResolution(resolution: unknown): void {
  const isKnown = resolution === null || typeof resolution === "string" || resolution instanceof Uint8Array;
  if (isKnown) return;
  throw argumentError(
    "ERR_INVALID_ARG_TYPE",
    'onConflict must give "ours", "theirs", a string, a Uint8Array, or null',
  );
}

function applyDecision(volume: Volume, { path, resolution, theirsSha, ours }: Decision): void {
  if (resolution === "theirs") {
    volume.discard(path);
    return;
  }
  volume.standOn(path, theirsSha);
  if (resolution === "ours") return;
  if (resolution === null) {
    if (volume.find(path) !== null) volume.editor.set(path, null);
    return;
  }
  const bytes = typeof resolution === "string" ? encodeText(resolution) : resolution.slice();
  volume.editor.openParents(path);
  const mode = ours === null || isDirectory(ours) ? MODE.file : modeOf(ours);
  volume.editor.set(path, {
    kind: "file",
    mode,
    mtimeMs: Date.now(),
    content: { kind: "bytes", bytes, sha: null },
  });
}
