import type { Tag as TagReply } from "../../../sdk/contract/tags.ts";
import { formatByteString, toByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import { TAG_PREFIX } from "../../git/object/ref-name.ts";
import { decodeTag, encodeTag, type Tag } from "../../git/object/tag.ts";
import type { GitObject, Idempotency, RefRecord, RefTransaction } from "../../git/ports.ts";
import type { CommitIdentity } from "../../ports/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { resolveDefault, resolveName } from "../read-target.ts";
import { formatTimestamp } from "../timestamp.ts";
import { checkNewRef } from "./check-new-ref.ts";
import { findEarlierMove } from "./earlier-move.ts";
import { describeMove, findType, peelTag, type RefMove } from "./move-ref.ts";

export interface NewTag {
  readonly name: string;
  /** Branch, tag, revision or id; null: where HEAD is. */
  readonly target: string | null;
  /** Makes an annotated tag. */
  readonly annotation: {
    readonly message: string;
    readonly tagger: CommitIdentity;
    readonly seconds: number;
  } | null;
  readonly idempotency: Idempotency | null;
}

export type TagCreation =
  | { readonly kind: "created"; readonly tag: TagReply; readonly replayed: boolean }
  | Exclude<RefMove, { kind: "moved" }>
  | { readonly kind: "unknown-target"; readonly target: string }
  | { readonly kind: "empty-repository" };

/**
 * Creates a tag; one that exists makes the outcome `stale`. The tag object becomes visible in the transaction that
 * creates the ref.
 * @throws GitError invalid-ref-name, invalid-identity, invalid-revision
 */
export async function createTag(
  repo: RepoHandle,
  request: NewTag,
  reason: RefTransaction["reason"],
): Promise<TagCreation> {
  const name = TAG_PREFIX + request.name;
  checkNewRef(name);
  const earlier = await findEarlierMove(repo, name, request.idempotency);
  if (earlier?.kind === "moved") {
    await repo.snapshot();
    const [first] = await describeTags(repo, [{ name, oid: earlier.oid }]);
    return first
      ? { kind: "created", tag: first, replayed: true }
      : { kind: "unknown-target", target: request.target ?? request.name };
  }
  if (earlier) return earlier;
  const named =
    request.target === null ? await resolveDefault(repo) : await resolveName(repo, [request.target]);
  if (named.kind === "unborn") return { kind: "empty-repository" };
  const peeled = named.kind === "found" ? await peelTag(repo.objects, named.oid) : null;
  if (named.kind === "unknown" || !peeled) return { kind: "unknown-target", target: named.ref };
  const object = request.annotation ? await makeTagObject(repo, request, named.oid) : null;
  const oid = object?.oid ?? named.oid;
  const [result] = await repo.store.transact({
    updates: [{ name, next: oid, expected: null, ...(peeled.oid === oid ? {} : { peeled: peeled.oid }) }],
    atomic: true,
    reason,
    ...(object ? { objects: [object] } : {}),
    ...(request.idempotency ? { idempotency: request.idempotency } : {}),
  });
  const move = describeMove(oid, result);
  if (move.kind !== "moved") return move;
  const [tag] =
    object && !move.replayed
      ? [describeTag({ name, oid }, object, peeled.oid)]
      : await describeTags(repo, [{ name, oid: move.oid }]);
  return tag
    ? { kind: "created", tag, replayed: move.replayed }
    : { kind: "unknown-target", target: named.ref };
}

async function makeTagObject(repo: RepoHandle, request: NewTag, target: Oid): Promise<GitObject | null> {
  const targetType = await findType(repo.objects, target);
  if (!request.annotation || !targetType) return null;
  const { message, tagger, seconds } = request.annotation;
  const data = encodeTag({
    target,
    targetType,
    name: toByteString(request.name),
    tagger: { name: toByteString(tagger.name), email: toByteString(tagger.email), seconds, zone: "+0000" },
    extra: [],
    message: toByteString(message.endsWith("\n") ? message : `${message}\n`),
  });
  return { oid: hashObject("tag", data), type: "tag", data };
}

/** The wire's view of tag refs, in their order. */
export async function describeTags(repo: RepoHandle, refs: readonly RefRecord[]): Promise<TagReply[]> {
  const oids = [...new Set(refs.map((ref) => ref.oid))];
  const { found: headers } = await repo.objects.readHeaders(oids);
  const annotated = oids.filter((oid) => headers.get(oid)?.type === "tag");
  const { found } =
    annotated.length > 0 ? await repo.objects.readObjects(annotated) : { found: new Map<Oid, GitObject>() };
  const tags: TagReply[] = [];
  for (const ref of refs) {
    const object = found.get(ref.oid) ?? null;
    // Refs that came by push may carry no peeled id; tags of tags are rare enough to be looked up one by one.
    const target = ref.peeled ?? (object ? ((await peelTag(repo.objects, ref.oid))?.oid ?? null) : ref.oid);
    tags.push(describeTag(ref, object, target));
  }
  return tags;
}

function describeTag(ref: RefRecord, object: GitObject | null, target: Oid | null): TagReply {
  const name = ref.name.slice(TAG_PREFIX.length);
  if (!object) return { name, sha: ref.oid, type: "lightweight", target_sha: ref.oid };
  const tag = decodeTag(object.data);
  return {
    name,
    sha: ref.oid,
    type: "annotated",
    target_sha: target ?? tag.target,
    message: formatByteString(tag.message).replace(/\n$/, ""),
    ...describeTagger(tag),
  };
}

function describeTagger({ tagger }: Tag): Pick<TagReply, "tagger"> {
  if (!tagger) return {};
  const { name, email, seconds } = tagger;
  const timestamp = formatTimestamp(seconds);
  return { tagger: { name: formatByteString(name), email: formatByteString(email), timestamp } };
}
