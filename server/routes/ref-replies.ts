import { HEADERS } from "../../sdk/contract/limits.ts";
import {
  conflict,
  invalidField,
  notFound,
  type RequestError,
  unprocessable,
} from "../middleware/request-error.ts";
import type { RefRefusal } from "../services/refs/move-ref.ts";
import { formatRefCursor, parseRefCursor } from "../services/refs/ref-cursor.ts";

/** Why a ref was not moved; `what` is the ref as the caller knows it. */
export function refuseMove(what: string, refusal: RefRefusal): RequestError {
  switch (refusal.kind) {
    case "unknown-object":
      return notFound(`Object ${refusal.oid}`);
    case "not-a-commit":
      return unprocessable(`A branch is at a commit, and ${refusal.oid} is a ${refusal.type}`, {
        sha: refusal.oid,
        type: refusal.type,
      });
    case "stale": {
      const where = refusal.current === null ? "does not exist" : `is at ${refusal.current}`;
      return conflict(`${what} ${where}`, { ref: refusal.name, current_sha: refusal.current });
    }
    case "idempotency-mismatch":
      return unprocessable("This Idempotency-Key was used for another request");
    case "default-branch":
      return conflict(`${what} is the default branch: it is neither deleted nor ephemeral`, {
        ref: refusal.name,
        reason: "default-branch",
      });
    case "name-conflict":
      return conflict(`${what} clashes with a ref whose name is a folder of the other`, {
        ref: refusal.name,
        current_sha: null,
      });
  }
}

/** The last name of the former page of refs with one of these prefixes, or null on the first. @throws RequestError VALIDATION_ERROR */
export function readRefCursor(text: string | undefined, ...prefixes: readonly string[]): string | null {
  if (text === undefined) return null;
  const name = parseRefCursor(text);
  // Any other name, that of another list's page too, would end this list without a word.
  if (name === null || !prefixes.some((prefix) => name.startsWith(prefix)))
    throw invalidField("cursor", "not a cursor of this list");
  return name;
}

export function nextRefCursor(name: string | null): string | null {
  return name === null ? null : formatRefCursor(name);
}

/** Headers of a reply that creates a ref. */
export function replayHeaders(replayed: boolean): Record<string, string> {
  return replayed ? { [HEADERS.idempotentReplay]: "true" } : {};
}
