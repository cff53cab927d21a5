import type { historyEndpoints } from "../../sdk/contract/history.ts";
import { LIMITS } from "../../sdk/contract/limits.ts";
import { isOid, type Oid } from "../git/hash/oid.ts";
import {
  conflict,
  invalidField,
  notFound,
  RequestError,
  unprocessable,
} from "../middleware/request-error.ts";
import { findFile } from "../services/files/read-file.ts";
import { blameLines } from "../services/history/blame-lines.ts";
import { type UndoGoal, undoRef } from "../services/history/undo-ref.ts";
import { resolveTarget } from "../services/read-target.ts";
import { expandRef } from "../services/refs/expand-ref.ts";
import { noFile } from "./files.ts";
import { formatListCursor, parseListCursor } from "./list-cursor.ts";
import { actorOf, requireTarget, targetHeaders } from "./read-replies.ts";
import { readRefIdempotency } from "./ref-idempotency.ts";
import { refuseMove, replayHeaders } from "./ref-replies.ts";
import { json } from "./reply.ts";
import type { Handler, HandlersFor } from "./router.ts";

const getReflog: Handler<"GET /repos/:repo/reflog"> = async ({ repo, query }) => {
  const { limit, cursor } = query;
  const ref = query.ref === undefined ? null : expandRef(query.ref);
  const before = cursor === undefined ? null : parseListCursor("reflog", cursor);
  const entries = await repo.store.listReflog({
    ...(ref !== null && { ref }),
    ...(before !== null && { before }),
    // One more than asked for tells whether there are more.
    limit: limit + 1,
  });
  if (ref !== null && entries.length === 0 && before === null)
    throw notFound(`A move of ${ref.slice(0, 200)}`);
  const shown = entries.slice(0, limit);
  const last = shown.at(-1);
  return {
    entries: shown.map(({ id, ref: name, from, to, reason, atMs }) => ({
      id,
      ref: name,
      from,
      to,
      actor: reason.actor,
      reason: reason.message,
      at: new Date(atMs).toISOString(),
    })),
    next_cursor: entries.length > limit && last ? formatListCursor("reflog", last.id) : null,
  };
};

const postUndo: Handler<"POST /repos/:repo/undo"> = async (context) => {
  const { repo, body } = context;
  const ref = expandRef(body.ref);
  if (ref === "HEAD") throw invalidField("ref", "name the branch: HEAD is moved by default_branch");
  const undone = await undoRef(repo, {
    ref,
    goal: readGoal(body),
    // The schema has checked that it is an id.
    expected: body.expected_sha as Oid | null | undefined,
    actor: actorOf(context),
    idempotency: readRefIdempotency("undo", context),
  });
  switch (undone.kind) {
    case "undone": {
      const { oid, previous, replayed } = undone;
      return json({ ref, sha: oid, previous_sha: previous }, { headers: replayHeaders(replayed) });
    }
    case "no-moves":
      throw notFound(`A move of ${ref.slice(0, 200)}`);
    case "too-few-moves":
      throw unprocessable(`${ref} has moved ${undone.moves} times only`, { ref, moves: undone.moves });
    case "unknown-goal":
      throw notFound(`In the reflog of ${ref.slice(0, 200)}, ${body.to}`);
    case "default-branch":
      throw conflict(`${ref} is the default branch: its creation cannot be undone`, {
        ref,
        reason: "default-branch",
      });
    default:
      throw refuseMove(ref, undone);
  }
};

/** @throws RequestError VALIDATION_ERROR */
function readGoal(body: {
  readonly steps?: number | undefined;
  readonly to?: number | string | undefined;
}): UndoGoal {
  const { steps, to } = body;
  if (to === undefined) return { kind: "steps", steps: steps ?? 1 };
  if (steps !== undefined) throw invalidField("to", "steps and to exclude each other");
  return typeof to === "string" && isOid(to)
    ? { kind: "object", oid: to }
    : { kind: "entry", id: Number(to) };
}

const getBlame: Handler<"GET /repos/:repo/blame/:ref/*path"> = async ({ repo, rest, query }) => {
  const { target, path } = requireTarget(await resolveTarget(repo, rest));
  const { commit } = target;
  if (commit === null) throw notFound(`History of ${target.ref}, which is a tree,`);
  const file = await findFile(repo, target, path);
  if (file.kind !== "file") throw noFile(path, file);
  if (file.size > LIMITS.blameFileBytes) {
    const limit = LIMITS.blameFileBytes;
    throw new RequestError(
      "PAYLOAD_TOO_LARGE",
      `${path} has ${file.size} bytes; at most ${limit} are blamed`,
      {
        path,
        size: file.size,
        limit,
      },
    );
  }
  const range = readRange(query.range);
  const blamed = await blameLines(repo, { commit, path, file: { oid: file.oid, mode: file.mode }, range });
  if (blamed.kind === "no-such-line") {
    const message = `${path} has ${blamed.lines} lines`;
    throw new RequestError("RANGE_NOT_SATISFIABLE", message, { path, lines: blamed.lines });
  }
  const { lines, hunks, truncated } = blamed;
  const reply = { ref: target.ref, path, commit_sha: commit, lines, hunks: [...hunks], truncated };
  // What notes say of an old commit may change, so not even an id's blame is kept for ever.
  return json(reply, { headers: targetHeaders(repo, { ...target, pinned: false }) });
};

/** @throws RequestError VALIDATION_ERROR */
function readRange(text: string | undefined): { first: number; last: number } | null {
  if (text === undefined) return null;
  const [first = 0, last = 0] = text.split("-").map(Number);
  if (last < first) throw invalidField("range", "ends before it begins");
  return { first, last };
}

/** What has happened to refs and to lines, and undoing it. */
export const historyHandlers: HandlersFor<typeof historyEndpoints> = {
  "GET /repos/:repo/reflog": getReflog,
  "POST /repos/:repo/undo": postUndo,
  "GET /repos/:repo/blame/:ref/*path": getBlame,
};
