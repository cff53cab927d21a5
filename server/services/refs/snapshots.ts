import type { Snapshot } from "../../../sdk/contract/snapshots.ts";
import { formatByteString, toByteString } from "../../git/bytes/text.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import { decodeTag, encodeTag } from "../../git/object/tag.ts";
import type { GitObject, Idempotency, RefReason, RefRecord } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { formatTimestamp } from "../timestamp.ts";
import { checkNewRef } from "./check-new-ref.ts";
import { findEarlierMove } from "./earlier-move.ts";
import { describeMove, findRef, type RefMove, type RefRefusal } from "./move-ref.ts";

/** Refs of snapshots: annotated tags by their objects, but not among the tags. Stock git can fetch them. */
export const SNAPSHOT_PREFIX = "refs/snapshots/";

const TAGGER = { name: toByteString("Coregit"), email: toByteString("noreply@coregit.dev"), zone: "+0000" };

export interface NewSnapshot {
  readonly name: string;
  readonly branch: string;
  readonly metadata: Snapshot["metadata"];
  readonly seconds: number;
  readonly idempotency: Idempotency | null;
}

export type SnapshotCreation =
  | { readonly kind: "created"; readonly snapshot: Snapshot; readonly replayed: boolean }
  | { readonly kind: "no-branch" }
  | RefRefusal;

/** Keeps where a branch is. A name that is taken makes the outcome `stale`. @throws GitError invalid-ref-name */
export async function createSnapshot(
  repo: RepoHandle,
  request: NewSnapshot,
  reason: RefReason,
): Promise<SnapshotCreation> {
  const name = SNAPSHOT_PREFIX + request.name;
  checkNewRef(name);
  const earlier = await findEarlierMove(repo, name, request.idempotency);
  if (earlier?.kind === "moved") {
    await repo.snapshot();
    return describeCreation(repo, name, earlier);
  }
  if (earlier) return earlier;
  const target = await findRef(repo, BRANCH_PREFIX + request.branch);
  if (target === null) return { kind: "no-branch" };
  const data = encodeTag({
    target,
    targetType: "commit",
    name: toByteString(request.name),
    tagger: { ...TAGGER, seconds: request.seconds },
    extra: [],
    message: toByteString(`${JSON.stringify({ branch: request.branch, metadata: request.metadata })}\n`),
  });
  const object: GitObject = { oid: hashObject("tag", data), type: "tag", data };
  const [result] = await repo.store.transact({
    updates: [{ name, next: object.oid, expected: null, peeled: target }],
    atomic: true,
    reason,
    objects: [object],
    ...(request.idempotency ? { idempotency: request.idempotency } : {}),
  });
  const move = describeMove(object.oid, result);
  return move.kind === "moved" ? describeCreation(repo, name, move) : move;
}

async function describeCreation(
  repo: RepoHandle,
  name: string,
  move: Extract<RefMove, { kind: "moved" }>,
): Promise<SnapshotCreation> {
  const [snapshot] = await describeSnapshots(repo, [{ name, oid: move.oid }]);
  return snapshot ? { kind: "created", snapshot, replayed: move.replayed } : { kind: "no-branch" };
}

/** The wire's view of snapshot refs, in their order; refs that somebody pushed there by hand are left out. */
export async function describeSnapshots(
  repo: RepoHandle,
  refs: readonly RefRecord[],
): Promise<readonly Snapshot[]> {
  const { found } = await repo.objects.readObjects(refs.map((ref) => ref.oid));
  return refs.flatMap((ref) => describeSnapshot(ref, found.get(ref.oid)) ?? []);
}

function describeSnapshot(ref: RefRecord, object: GitObject | undefined): Snapshot | null {
  if (object?.type !== "tag") return null;
  const tag = decodeTag(object.data);
  const content = parseContent(formatByteString(tag.message));
  if (content === null) return null;
  return {
    name: ref.name.slice(SNAPSHOT_PREFIX.length),
    sha: tag.target,
    created_at: formatTimestamp(tag.tagger?.seconds ?? 0),
    ...content,
  };
}

/** null for a message that `createSnapshot` did not write. */
function parseContent(message: string): Pick<Snapshot, "branch" | "metadata"> | null {
  try {
    const { branch, metadata } = JSON.parse(message) as Partial<Snapshot>;
    return typeof branch === "string" && typeof metadata === "object" ? { branch, metadata } : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}
