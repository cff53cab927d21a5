import { createHash } from "node:crypto";
import type { NewTag } from "../services/refs/tags.ts";

/** The Idempotency-Key of a request that creates a ref. `kind` keeps a branch's key from standing for a tag's. */
export function readRefIdempotency(
  kind: "branch" | "tag" | "snapshot",
  { idempotencyKey, body }: { readonly idempotencyKey: string | null; readonly body: unknown },
): NewTag["idempotency"] {
  if (idempotencyKey === null) return null;
  const fingerprint = createHash("sha256")
    .update(`${kind}\n${JSON.stringify(body)}`)
    .digest("hex");
  return { key: idempotencyKey, fingerprint };
}
