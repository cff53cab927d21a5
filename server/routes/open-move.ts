import { createHash } from "node:crypto";
import { isOid, type Oid } from "../git/hash/oid.ts";
import { invalidFields } from "../middleware/request-error.ts";
import type { RepoLifecycle } from "../ports/repo.ts";
import { type Carrier, createCarrier } from "../services/merge/carry-objects.ts";
import type { MoveContext } from "../services/merge/move-branch.ts";
import type { StoreObjects } from "../services/place-objects.ts";
import { checkIdentity, checkMessage } from "./identity.ts";
import { parseRepoName } from "./parse-repo-name.ts";
import { actorOf } from "./read-replies.ts";
import type { RequestContext } from "./router.ts";

/** Endpoints that move a branch to commits which they make or take in. */
export type MoveKey =
  | "POST /repos/:repo/branches/*target/merge"
  | "POST /repos/:repo/land"
  | "POST /repos/:repo/cherry-pick"
  | "POST /repos/:repo/revert"
  | "POST /repos/:repo/reset"
  | "POST /repos/:repo/sync-upstream";

/** What the services behind these endpoints work on; `kind` tells the Idempotency-Keys of the endpoints apart. */
export function openMove(
  storeObjects: StoreObjects,
  context: RequestContext<MoveKey>,
  kind: string,
): MoveContext {
  const { repo, idempotencyKey, body, params } = context;
  const fingerprint = createHash("sha256")
    .update(`${kind}\n${JSON.stringify(params)}\n${JSON.stringify(body)}`)
    .digest("hex");
  return {
    repo,
    storeObjects,
    actor: actorOf(context),
    nowMs: context.now(),
    idempotency: idempotencyKey === null ? null : { key: idempotencyKey, fingerprint },
  };
}

/**
 * The way from another repository of the org, which the caller must be able to read; null when none is named.
 * `repos` for those who write.
 * @throws RequestError NOT_FOUND, for one that is not there and for one that is not shown alike
 */
export async function openCarrier(
  context: Pick<RequestContext<MoveKey>, "openRepos" | "repo" | "now">,
  name: Parameters<typeof parseRepoName>[0] | undefined,
  repos?: RepoLifecycle,
): Promise<Carrier | null> {
  if (name === undefined) return null;
  const [source] = await context.openRepos([parseRepoName(name)]);
  return source
    ? createCarrier(context.repo, source, {
        now: context.now,
        ...(repos && { adoptLargeFiles: repos.adoptLargeFiles }),
      })
    : null;
}

/** @throws RequestError VALIDATION_ERROR for words that cannot stand in a commit */
export function checkWords(body: {
  readonly message?: string | undefined;
  readonly author?: { readonly name: string; readonly email: string } | undefined;
}): void {
  const fields = [
    ...(body.message === undefined ? [] : checkMessage(body.message)),
    ...(body.author ? checkIdentity("author", body.author) : []),
  ];
  if (fields.length > 0) throw invalidFields(fields);
}

/** An id of a body, whose digits the schema has checked. */
export function toOid(text: string | undefined): Oid | undefined {
  return text !== undefined && isOid(text) ? text : undefined;
}
