import type { snapshotEndpoints } from "../../sdk/contract/snapshots.ts";
import { parseOid } from "../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import { nameField } from "../middleware/name-field.ts";
import { notFound } from "../middleware/request-error.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { checkNewRef } from "../services/refs/check-new-ref.ts";
import { findEarlierMove } from "../services/refs/earlier-move.ts";
import { listRefs } from "../services/refs/list-refs.ts";
import { deleteRef, findRef, moveRef, type RefMove } from "../services/refs/move-ref.ts";
import { createSnapshot, describeSnapshots, SNAPSHOT_PREFIX } from "../services/refs/snapshots.ts";
import { actorOf } from "./read-replies.ts";
import { readRefIdempotency } from "./ref-idempotency.ts";
import { nextRefCursor, readRefCursor, refuseMove, replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { HandlersFor } from "./router.ts";

/** Snapshots: named places of branches, with metadata. */
export const snapshotHandlers: HandlersFor<typeof snapshotEndpoints> = {
  async "POST /repos/:repo/snapshots"(context) {
    const { repo, body, now } = context;
    const request = {
      name: body.name,
      branch: body.branch,
      metadata: body.metadata ?? {},
      seconds: Math.floor(now() / 1_000),
      idempotency: readRefIdempotency("snapshot", context),
    };
    const reason = { actor: actorOf(context), message: `snapshot: of ${body.branch}` };
    nameField("name", () => checkNewRef(SNAPSHOT_PREFIX + body.name));
    const created = await createSnapshot(repo, request, reason);
    if (created.kind === "no-branch") throw notFound(`Branch ${body.branch}`);
    if (created.kind !== "created") throw refuseMove(`Snapshot ${body.name}`, created);
    return json(created.snapshot, { status: 201, headers: replayHeaders(created.replayed) });
  },
  async "GET /repos/:repo/snapshots"({ repo, query }) {
    const after = readRefCursor(query.cursor, SNAPSHOT_PREFIX);
    const page = await listRefs(repo, [SNAPSHOT_PREFIX], { limit: query.limit, after });
    return {
      snapshots: [...(await describeSnapshots(repo, page.refs))],
      total: page.total,
      next_cursor: nextRefCursor(page.next),
    };
  },
  "GET /repos/:repo/snapshots/:name": ({ repo, params }) => readSnapshot(repo, params.name),
  async "DELETE /repos/:repo/snapshots/:name"(context) {
    const { repo, params } = context;
    const reason = { actor: actorOf(context), message: "snapshot: deleted" };
    const deletion = await deleteRef(repo, SNAPSHOT_PREFIX + params.name, reason);
    if (deletion.kind !== "deleted") throw notFound(`Snapshot ${params.name}`);
    return { deleted: true };
  },
  async "POST /repos/:repo/snapshots/:name/restore"(context) {
    const { repo, params, body } = context;
    const name = BRANCH_PREFIX + body.target_branch;
    nameField("target_branch", () => checkNewRef(name));
    const idempotency = readRefIdempotency("restore", context);
    const earlier = await findEarlierMove(repo, name, idempotency);
    if (earlier) return answerRestore(body.target_branch, earlier);
    const snapshot = await readSnapshot(repo, params.name);
    const moved = await moveRef(
      repo,
      {
        name,
        oid: parseOid(snapshot.sha),
        idempotency,
        ...(body.expected_sha !== undefined && {
          expected: body.expected_sha === null ? null : parseOid(body.expected_sha),
        }),
      },
      { actor: actorOf(context), message: `snapshot: restored ${params.name}` },
    );
    return answerRestore(body.target_branch, moved);
  },
};

function answerRestore(branch: string, moved: RefMove): Response {
  if (moved.kind !== "moved") throw refuseMove(`Branch ${branch}`, moved);
  const reply = { sha: moved.oid, branch, previous_sha: moved.previous };
  return json(reply, { headers: replayHeaders(moved.replayed) });
}

async function readSnapshot(repo: RepoHandle, short: string) {
  const name = SNAPSHOT_PREFIX + short;
  const oid = await findRef(repo, name);
  const [snapshot] = oid ? await describeSnapshots(repo, [{ name, oid }]) : [];
  if (!snapshot) throw notFound(`Snapshot ${short}`);
  return snapshot;
}
