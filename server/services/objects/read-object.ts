import { LIMITS } from "../../../sdk/contract/limits.ts";
import type { GitObjectReply, Revision } from "../../../sdk/contract/objects.ts";
import type { Oid } from "../../git/hash/oid.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { type EncodedReply, encodeReply } from "../files/encode-reply.ts";
import { findRevision } from "../read-target.ts";
import { findType } from "../refs/move-ref.ts";

/**
 * What a revision names, not peeled; null when nothing.
 * @throws GitError invalid-revision
 */
export async function readRevision(repo: RepoHandle, ref: string): Promise<Revision | null> {
  const oid = await findRevision(repo, await repo.snapshot(), ref);
  const type = oid && (await findType(repo.objects, oid));
  return oid && type ? { ref, sha: oid, type } : null;
}

type ObjectFacts = Pick<GitObjectReply, "sha" | "type" | "size">;

export type ObjectRead =
  | EncodedReply<ObjectFacts>
  | { readonly kind: "missing" }
  | { readonly kind: "too-large"; readonly size: number; readonly limit: number };

/** One object of this repository. Trees are base64 always: their ids are bytes. */
export async function readObject(repo: RepoHandle, oid: Oid): Promise<ObjectRead> {
  await repo.snapshot();
  const header = (await repo.objects.readHeaders([oid])).found.get(oid);
  if (!header) return { kind: "missing" };
  const { type, size } = header;
  if (size > LIMITS.blobBytes) return { kind: "too-large", size, limit: LIMITS.blobBytes };
  return encodeReply(repo.objects, { oid, size }, { sha: oid, type, size }, { binary: type === "tree" });
}
