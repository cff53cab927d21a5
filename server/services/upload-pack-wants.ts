import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { ObjectReader, RefRecord } from "../git/ports.ts";
import { walkHistory } from "../git/walk/history.ts";
import { collectReachable } from "../git/walk/reachable.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { listRefPages, snapshotHead } from "./advertise-refs.ts";
import { peelTags } from "./peel-tags.ts";

/** The refs of one moment, as far as a fetch needs them. */
export interface FetchRefs {
  readonly refs: readonly RefRecord[];
  readonly headOid: Oid | null;
}

/** More refs than this do not fit into an isolate beside the rest of a fetch. */
const MAX_REFS = 500_000;

/** @throws GitError limit-exceeded */
export async function readFetchRefs(repo: RepoHandle): Promise<FetchRefs> {
  const { headOid } = await snapshotHead(repo);
  const refs: RefRecord[] = [];
  for await (const page of listRefPages(repo, "refs/")) {
    for (const ref of page) refs.push(ref);
    if (refs.length > MAX_REFS) throw new GitError("limit-exceeded", `more than ${MAX_REFS} refs`);
  }
  return { refs, headOid };
}

/**
 * Refuses wants that no ref leads to: what was deleted or force-pushed away cannot be fetched by its id. Tips cost
 * nothing, older commits a walk over the history, trees and blobs (a partial clone asks for them) the whole closure.
 * @throws GitError missing-object with git's words
 */
export async function checkWants(
  objects: ObjectReader,
  wants: readonly Oid[],
  refs: FetchRefs,
): Promise<void> {
  const tips = listTips(refs);
  const open = new Set(wants.filter((want) => !tips.has(want)));
  if (open.size === 0) return;
  const headers = await objects.readHeaders([...open]);
  for (const missing of headers.missing) throw notOurRef(missing);
  await dropReachableCommits(objects, tips, open);
  if ([...open].some((want) => headers.found.get(want)?.type !== "commit")) {
    for (const { oid } of await collectReachable(objects, { wants: [...tips], haves: [] })) open.delete(oid);
  }
  for (const unreachable of open) throw notOurRef(unreachable);
}

function listTips({ refs, headOid }: FetchRefs): ReadonlySet<Oid> {
  const tips = new Set<Oid>(headOid ? [headOid] : []);
  for (const { oid, peeled } of refs) {
    tips.add(oid);
    if (peeled) tips.add(peeled);
  }
  return tips;
}

async function dropReachableCommits(
  objects: ObjectReader,
  tips: ReadonlySet<Oid>,
  open: Set<Oid>,
): Promise<void> {
  const from = [...(await peelTags(objects, tips)).values()].filter(({ type }) => type === "commit");
  for await (const { oid } of walkHistory(objects, {
    from: [...new Set(from.map((peeled) => peeled.oid))],
  })) {
    open.delete(oid);
    if (open.size === 0) return;
  }
}

function notOurRef(oid: Oid): GitError {
  return new GitError("missing-object", `upload-pack: not our ref ${oid}`, { oid });
}
