import { createHash } from "node:crypto";
import { markReachable } from "../git/pack/mark-reachable.ts";
import type { PackReader } from "../git/pack/read-pack.ts";
import type { PackEntry } from "../git/ports.ts";
import type { ForkSeed, TrimmedSeed } from "../ports/fork.ts";
import type { ObjectCache } from "./object-cache.ts";

/** What was found out about one state of a repository: true for every fork of it. */
interface Survey {
  readonly hidden: readonly (Uint8Array | null)[];
  readonly loose: ReadonlySet<string>;
  readonly blobs: number;
}

export interface TrimDeps {
  readonly cache: ObjectCache;
  readonly openPacks: (entries: readonly PackEntry[]) => Promise<readonly PackReader[]>;
}

/**
 * The seed less what its refs do not reach. Packs never change, so what one walk found for a state of a repository is
 * remembered for a thousand forks of it.
 */
export async function trimSeed({ cache, openPacks }: TrimDeps, seed: ForkSeed): Promise<TrimmedSeed> {
  const key = `reach of ${digestState(seed)}`;
  // Kept below, under a key of its own kind.
  const known = cache.findPart(key) as Survey | undefined;
  const survey = known ?? takeSurvey(await openPacks(seed.packs), seed);
  if (!known) cache.keepPart(key, survey, sizeOf(survey));
  const packs = seed.packs.map(({ hidden: _, ...pack }, at) => {
    const hidden = survey.hidden[at];
    return hidden ? { ...pack, hidden } : pack;
  });
  const objects = seed.objects.filter(({ oid }) => survey.loose.has(oid));
  return { seed: { ...seed, packs, objects }, blobs: survey.blobs };
}

function takeSurvey(packs: readonly PackReader[], { objects, refs, head }: ForkSeed): Survey {
  const tips = refs.map(({ oid }) => oid);
  if (head.kind === "detached") tips.push(head.oid);
  const { hidden, loose, blobs } = markReachable(packs, objects, tips);
  return { hidden, loose: new Set(loose.map(({ oid }) => oid)), blobs };
}

function digestState({ packs, objects, refs, head }: ForkSeed): string {
  const hash = createHash("sha256");
  for (const { key, hidden } of packs) hash.update(`${key}\n`).update(hidden ?? "");
  for (const { oid } of objects) hash.update(oid);
  for (const oid of [...new Set(refs.map((ref) => ref.oid))].sort()) hash.update(oid);
  if (head.kind === "detached") hash.update(head.oid);
  return hash.digest("hex");
}

function sizeOf({ hidden, loose }: Survey): number {
  return hidden.reduce((sum, bits) => sum + (bits?.length ?? 0), 100) + loose.size * 100;
}
