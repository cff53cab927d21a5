import { type ConflictVersion, type MountConflict, MountConflictError } from "../../errors.ts";
import { errnoOf, formatErrno, remoteError } from "../kernel/errno.ts";
import type { RemoteCommitOutcome, RemoteConflict } from "../kernel/remote.ts";
import { decodeText } from "../kernel/text.ts";
import { findNode, knownShaOf } from "../tree/nodes.ts";
import type { Attempt, BufferParts } from "./commit-parts.ts";

/** A refused commit as the caller gets it: each path with all three versions. */
export function createConflictError(
  parts: BufferParts,
  outcome: Extract<RemoteCommitOutcome, { kind: "conflict" }>,
  attempt: Attempt,
): MountConflictError {
  const conflicts = outcome.conflicts.map((conflict) => describeConflict(parts, conflict, attempt));
  const path = conflicts[0]?.path ?? parts.table.format(parts.volume, "");
  const site = { syscall: "commit", path };
  const more =
    conflicts.length > 1
      ? `changed on the branch since it was read, as ${conflicts.length - 1} more`
      : undefined;
  const detail = conflicts.length === 0 ? outcome.message : more;
  return new MountConflictError(formatErrno("ECONFLICT", site, detail), {
    ...site,
    errno: errnoOf("ECONFLICT"),
    conflicts,
    cause: outcome.cause,
  });
}

function describeConflict(
  parts: BufferParts,
  { path, type, theirsSha, markers }: RemoteConflict,
  attempt: Attempt,
): MountConflict {
  const sent = attempt.commit.changes.find((change) => change.path === path);
  const baseSha = sent === undefined || sent.kind === "move" ? null : (sent.ifMatch ?? null);
  const ours = findNode(attempt.saved, path);
  const unsaved = ours?.kind === "file" && ours.content.kind === "bytes" ? ours.content.bytes : null;
  const mountPath = parts.table.format(parts.volume, path);
  return {
    path: mountPath,
    type,
    base: createVersion(parts, { path: mountPath, sha: baseSha }),
    ours: createVersion(parts, { path: mountPath, sha: ours === null ? null : knownShaOf(ours) }, unsaved),
    theirs: createVersion(parts, { path: mountPath, sha: theirsSha }),
    merged: markers,
    baseSha,
    currentSha: theirsSha,
  };
}

/** One of the three versions of a conflict, read when it is asked for. */
export function createVersion(
  { remote, volume, content }: Pick<BufferParts, "remote" | "volume" | "content">,
  { path, sha }: { readonly path: string; readonly sha: string | null },
  unsaved: Uint8Array | null = null,
): ConflictVersion {
  const read = async () => {
    if (unsaved !== null) return unsaved;
    if (sha === null) return null;
    const cached = content.find(sha);
    if (cached !== null) return cached.bytes;
    try {
      const bytes = await remote.readBlob(volume.repo, sha);
      content.put({ sha, bytes, text: null });
      return bytes;
    } catch (error) {
      throw remoteError(error, { syscall: "open", path });
    }
  };
  return {
    sha,
    bytes: async () => (await read())?.slice() ?? null,
    async text() {
      const bytes = await read();
      return bytes === null ? null : decodeText(bytes);
    },
  };
}
