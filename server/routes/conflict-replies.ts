import type { PathConflict as WireConflict } from "../../sdk/contract/commits.ts";
import { findUtf8 } from "../git/bytes/text.ts";
import type { PathConflict } from "../ports/commit.ts";

/** What a 409 says of paths that do not merge: their names, and each with its three blobs. */
export function describeConflicts(conflicts: readonly PathConflict[]): {
  readonly conflicts: readonly string[];
  readonly details: readonly WireConflict[];
} {
  return {
    conflicts: [...new Set(conflicts.map(({ path }) => path))],
    details: conflicts.map(({ path, type, base, ours, theirs, markers }) => ({
      path,
      type,
      base_sha: base,
      ours_sha: ours,
      theirs_sha: theirs,
      ...(markers && encodeMarkers(markers)),
    })),
  };
}

function encodeMarkers(bytes: Uint8Array): Pick<WireConflict, "markers" | "markers_encoding"> {
  const text = findUtf8(bytes);
  return text === null
    ? { markers: Buffer.from(bytes).toString("base64"), markers_encoding: "base64" }
    : { markers: text, markers_encoding: "utf-8" };
}
