import { createHash } from "node:crypto";
import type { NewTag } from "../services/refs/tags.ts";

/** Those that are about what their path names. */
const NAMED_BY_PATH: ReadonlySet<string> = new Set(["restore", "promote"]);

/** The Idempotency-Key of a request that moves a ref. `kind` keeps a branch's key from standing for a tag's. */
export function readRefIdempotency(
  kind: "branch" | "tag" | "snapshot" | "restore" | "promote" | "undo",
  {
    idempotencyKey,
    body,
    params,
  }: {
    readonly idempotencyKey: string | null;
    readonly body: unknown;
    /** What the path says, when it says what is meant. */
    readonly params?: unknown;
  },
): NewTag["idempotency"] {
  if (idempotencyKey === null) return null;
  const fingerprint = createHash("sha256")
    .update(`${kind}\n${JSON.stringify(body)}${NAMED_BY_PATH.has(kind) ? JSON.stringify(params) : ""}`)
    .digest("hex");
  return { key: idempotencyKey, fingerprint };
}
