import type { ObjectType } from "../../git/hash/object-type.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX, checkRefName } from "../../git/object/ref-name.ts";
import { decodeTag } from "../../git/object/tag.ts";
import type {
  Idempotency,
  ObjectReader,
  RefTransaction,
  RefUpdate,
  RefUpdateResult,
  ReplyDetail,
} from "../../git/ports.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { checkNewRef } from "./check-new-ref.ts";

export type RefMove =
  | {
      readonly kind: "moved";
      readonly name: string;
      readonly oid: Oid;
      readonly previous: Oid | null;
      /** An earlier request with the same Idempotency-Key did it. */
      readonly replayed: boolean;
      /** What that request kept for this reply. */
      readonly detail: ReplyDetail;
    }
  | RefRefusal;

export type RefRefusal =
  | { readonly kind: "unknown-object"; readonly oid: Oid }
  /** A branch can only be at a commit. */
  | { readonly kind: "not-a-commit"; readonly oid: Oid; readonly type: ObjectType }
  /** The ref is not where the caller thought. */
  | { readonly kind: "stale"; readonly name: string; readonly current: Oid | null }
  /** The default branch neither is deleted nor goes by itself. */
  | { readonly kind: "default-branch"; readonly name: string }
  /** `a` and `a/b` cannot both be refs. */
  | { readonly kind: "name-conflict"; readonly name: string }
  /** The same Idempotency-Key came with another request. */
  | { readonly kind: "idempotency-mismatch" };

export interface RefTarget {
  readonly name: string;
  readonly oid: Oid;
  /** null = must not exist; undefined = whatever it is now. */
  readonly expected?: Oid | null;
  /** When the ref goes by itself; null: never; undefined: as it was. */
  readonly expiresAtMs?: number | null;
  readonly idempotency?: Idempotency | null;
}

/** Tags that point at tags, see read-target: longer chains keep no peeled id. */
const TAG_CHAIN_MAX = 32;

/**
 * Creates or moves a ref to an object of this repository.
 * @throws GitError invalid-ref-name
 */
export async function moveRef(
  repo: RepoHandle,
  target: RefTarget,
  reason: RefTransaction["reason"],
): Promise<RefMove> {
  const { name, oid, expected } = target;
  checkNewRef(name);
  const peeled = await peelForRef(repo.objects, name, oid);
  if (peeled.kind !== "fits") return peeled;
  const update: RefUpdate = {
    name,
    next: oid,
    ...(expected === undefined ? {} : { expected }),
    ...(peeled.peeled ? { peeled: peeled.peeled } : {}),
    ...(target.expiresAtMs === undefined ? {} : { expiresAtMs: target.expiresAtMs }),
  };
  const [result] = await repo.store.transact({
    updates: [update],
    atomic: true,
    reason,
    ...(target.idempotency && { idempotency: target.idempotency }),
  });
  return describeMove(oid, result);
}

/** What a result means for a ref that was to be at `oid`. */
export function describeMove(oid: Oid, result: RefUpdateResult | undefined): RefMove {
  if (result?.kind === "moved") {
    const { name, previous, replayed } = result;
    const detail = replayed?.detail ?? {};
    return {
      kind: "moved",
      name,
      oid: replayed?.oid ?? oid,
      previous,
      replayed: replayed !== undefined,
      detail,
    };
  }
  const name = result?.name ?? "";
  if (result?.reason === "default-branch") return { kind: "default-branch", name };
  if (result?.reason === "name-conflict") return { kind: "name-conflict", name };
  if (result?.reason === "idempotency-mismatch") return { kind: "idempotency-mismatch" };
  if (result?.reason === "missing-object") return { kind: "unknown-object", oid };
  return { kind: "stale", name, current: result?.current ?? null };
}

type Fit = { readonly kind: "fits"; readonly peeled: Oid | null } | RefRefusal;

async function peelForRef(reader: ObjectReader, name: string, oid: Oid): Promise<Fit> {
  const type = await findType(reader, oid);
  if (!type) return { kind: "unknown-object", oid };
  if (name.startsWith(BRANCH_PREFIX) && type !== "commit") return { kind: "not-a-commit", oid, type };
  return { kind: "fits", peeled: type === "tag" ? ((await peelTag(reader, oid))?.oid ?? null) : null };
}

export async function findType(reader: ObjectReader, oid: Oid): Promise<ObjectType | null> {
  return (await reader.readHeaders([oid])).found.get(oid)?.type ?? null;
}

export interface Peeled {
  readonly oid: Oid;
  readonly type: ObjectType;
}

/** The object behind a tag, or the object itself; null when it is missing or the chain of tags has no end. */
export async function peelTag(reader: ObjectReader, oid: Oid): Promise<Peeled | null> {
  let at = oid;
  for (let depth = 0; depth <= TAG_CHAIN_MAX; depth++) {
    const type = await findType(reader, at);
    if (type !== "tag") return type && { oid: at, type };
    const object = (await reader.readObjects([at])).found.get(at);
    if (!object) return null;
    at = decodeTag(object.data).target;
  }
  return null;
}

export type RefDeletion =
  | { readonly kind: "deleted"; readonly previous: Oid }
  | { readonly kind: "missing" }
  | { readonly kind: "default-branch" };

/** @throws GitError invalid-ref-name */
export async function deleteRef(
  repo: RepoHandle,
  name: string,
  reason: RefTransaction["reason"],
): Promise<RefDeletion> {
  checkRefName(name);
  const updates = [{ name, next: null }];
  const [result] = await repo.store.transact({ updates, atomic: true, reason });
  if (result?.kind === "rejected" && result.reason === "default-branch") return { kind: "default-branch" };
  if (result?.kind !== "moved" || result.previous === null) return { kind: "missing" };
  return { kind: "deleted", previous: result.previous };
}

/** Where a ref is, by its full name. @throws GitError invalid-ref-name */
export async function findRef(repo: RepoHandle, name: string): Promise<Oid | null> {
  checkRefName(name);
  return (await repo.snapshot([name])).refs.get(name) ?? null;
}
