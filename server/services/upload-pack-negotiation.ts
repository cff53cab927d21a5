import type { Oid } from "../git/hash/oid.ts";
import { decodeCommit } from "../git/object/commit.ts";
import type { ObjectReader } from "../git/ports.ts";
import { walkHistory } from "../git/walk/history.ts";
import { peelTags } from "./peel-tags.ts";

/** Commits looked at before the answer is "not yet", which only costs the client another round. */
const MAX_STEPS = 200_000;

/** Of the client's haves, those that this repository has, in the client's order. */
export async function findCommon(objects: ObjectReader, haves: readonly Oid[]): Promise<Oid[]> {
  if (haves.length === 0) return [];
  const { found } = await objects.readHeaders(haves);
  return haves.filter((oid) => found.has(oid));
}

/**
 * Whether every wanted commit has one of `common` among its ancestors (or is one): git's `ok_to_give_up`. Looking
 * for more common commits could then only make the pack a little smaller. Wants that are no commits do not count.
 */
export async function isNegotiationDone(
  objects: ObjectReader,
  wants: readonly Oid[],
  common: readonly Oid[],
): Promise<boolean> {
  if (common.length === 0) return false;
  const reaching = new Set(common);
  const oldestSeconds = await findOldestSeconds(objects, common);
  const peeled = await peelTags(objects, wants);
  let steps = 0;
  for (const { oid, type } of peeled.values()) {
    if (type !== "commit" || reaching.has(oid)) continue;
    let reached = false;
    for await (const step of walkHistory(objects, { from: [oid] })) {
      reached = reaching.has(step.oid);
      // An ancestor of nothing but older commits than the oldest common one leads to none of them.
      if (reached || step.commit.committer.seconds < oldestSeconds || ++steps > MAX_STEPS) break;
    }
    if (!reached) return false;
    reaching.add(oid);
  }
  return true;
}

async function findOldestSeconds(objects: ObjectReader, oids: readonly Oid[]): Promise<number> {
  let oldest = Number.POSITIVE_INFINITY;
  const headers = (await objects.readHeaders(oids)).found;
  const commits = oids.filter((oid) => headers.get(oid)?.type === "commit");
  const { found } = await objects.readObjects(commits);
  for (const { data } of found.values()) oldest = Math.min(oldest, decodeCommit(data).committer.seconds);
  return oldest;
}
