import type { FieldError } from "../../../sdk/contract/errors.ts";
import type { BodyOf } from "../../../sdk/contract/index.ts";
import { LIMITS } from "../../../sdk/contract/limits.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import type { GitObject } from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { StoreObjects } from "../place-objects.ts";
import { decodeContent } from "./decode-content.ts";

type WireBlob = BodyOf<"POST /repos/:repo/blobs">["blobs"][number];

export type DecodedUpload =
  | { readonly kind: "decoded"; readonly blobs: readonly GitObject[] }
  | { readonly kind: "invalid"; readonly fields: readonly FieldError[] }
  | {
      readonly kind: "too-large";
      readonly field: string;
      readonly path: string;
      readonly size: number;
      readonly limit: number;
    };

/** Contents as sent, hashed, in their order. What is wrong ends the look. */
export function decodeUpload(sent: Iterable<WireBlob>): DecodedUpload {
  const blobs: GitObject[] = [];
  for (const { content, encoding = "utf-8" } of sent) {
    const field = `blobs.${blobs.length}.content`;
    const limit = LIMITS.fileBytes;
    const decoded = decodeContent(content, encoding);
    if (decoded.kind === "invalid") return { kind: "invalid", fields: [{ field, message: decoded.message }] };
    const { data } = decoded;
    if (data.length > limit) return { kind: "too-large", field, path: field, size: data.length, limit };
    blobs.push({ oid: hashObject("blob", data), type: "blob", data });
  }
  return { kind: "decoded", blobs };
}

/**
 * Stores blobs as one pack that no ref leads to yet, so that a commit can name them. Only what the repository does not
 * have is stored: an upload that is repeated after a lost answer leaves nothing behind.
 */
export async function storeBlobs(
  storeObjects: StoreObjects,
  repo: RepoHandle,
  blobs: readonly GitObject[],
  by: { readonly actor: string; readonly nowMs: number },
): Promise<void> {
  await repo.snapshot();
  const distinct = new Map<Oid, GitObject>(blobs.map((blob) => [blob.oid, blob]));
  const { missing } = await repo.objects.readHeaders([...distinct.keys()]);
  const absent = missing.flatMap((oid) => distinct.get(oid) ?? []);
  if (absent.length === 0) return;
  const reserved = await repo.store.beginPack();
  const pack = await storeObjects(repo.files, { ...reserved, createdAtMs: by.nowMs }, absent);
  const reason = { actor: by.actor, message: "blobs" };
  await repo.store.transact({ updates: [], atomic: true, reason, pack });
}
