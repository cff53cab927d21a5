import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import { streamPack } from "../../git/pack/write-pack.ts";
import type { GitObject, ObjectReader, PackEntry } from "../../git/ports.ts";
import { collectReachable } from "../../git/walk/reachable.ts";
import type { RepoHandle, RepoLifecycle } from "../../ports/repo.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { type ReceivedPack, receiveObjects } from "../receive-pack-objects.ts";
import { findViewedRepo } from "../sessions/session-id.ts";
import { readPackEntries } from "../upload-pack-entries.ts";
import type { PackedObject } from "../upload-pack-objects.ts";

/** Objects that one merge brings from another repository: some 250 bytes of memory each. More come by `git push`. */
export const CARRY_OBJECTS_MAX = 100_000;

/** Ids whose headers are read in one call. */
const HEADERS_PER_READ = 4_096;

/** What a write adds to its transaction so that what was brought is seen together with the ref. */
export interface CarriedObjects {
  readonly objects: readonly GitObject[];
  readonly pack?: PackEntry;
}

export interface CarryQuery {
  /** The tip that is to be whole in the target. */
  readonly to: Oid;
  /** Where the target's branch is; null when it does not exist. */
  readonly from: Oid | null;
  /** Objects that the write brings itself. */
  readonly made: readonly GitObject[];
}

/** Another repository's commits on their way into a repository. */
export interface Carrier {
  /** Whose commits are taken in. */
  readonly source: RepoHandle;
  /** Objects of both, the target's first; nothing is written by reading. */
  readonly objects: ObjectReader;
  /**
   * Stores what `to` reaches and the target lacks, seen by nobody before the transaction that the result is added to.
   * Asked again for nothing more, it gives what it stored before.
   * @throws GitError limit-exceeded above {@link CARRY_OBJECTS_MAX} objects; what a push of them throws
   */
  bring(query: CarryQuery): Promise<CarriedObjects>;
  /** Removes what was stored: the transaction was refused. What a crash leaves is swept like an unfinished push. */
  discard(): Promise<void>;
}

export interface CarryOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Default {@link CARRY_OBJECTS_MAX}. */
  readonly maxObjects?: number;
  /** Gives the target what large files the source has, before a ref leads to their pointers. */
  readonly adoptLargeFiles?: RepoLifecycle["adoptLargeFiles"];
}

/** A carrier from one repository into another. The cost is that of what the target lacks, not of either repository. */
export function createCarrier(
  target: RepoHandle,
  source: RepoHandle,
  { now, maxObjects = CARRY_OBJECTS_MAX, adoptLargeFiles }: CarryOptions,
): Carrier {
  const objects = readBoth(target, source);
  let stored: {
    readonly oids: ReadonlySet<Oid>;
    readonly pack: ReceivedPack;
    readonly carried: CarriedObjects;
  } | null = null;
  const discard = async () => {
    const { pack } = stored ?? {};
    stored = null;
    await pack?.discard();
  };
  return {
    source,
    objects,
    discard,
    async bring(query) {
      const list = await listLacking(target, objects, { ...query, maxObjects });
      if (list.length === 0) return { objects: [] };
      if (stored && list.every(({ oid }) => stored?.oids.has(oid))) return stored.carried;
      await discard();
      const entries = readPackEntries(source.objects, { list, bases: new Set() });
      await adoptLargeFiles?.(findViewedRepo(target.record.id), findViewedRepo(source.record.id));
      const pack = await receiveObjects(target, streamPack(entries, { count: list.length }), now);
      const carried = { objects: [], ...(await pack.store()) };
      stored = { oids: new Set(list.map(({ oid }) => oid)), pack, carried };
      return carried;
    },
  };
}

/** What the one does not have is mostly in the other: only what neither has is worth looking for anew. */
function readBoth(target: RepoHandle, source: RepoHandle): ObjectReader {
  return layReaders(layReaders(target.settled, source.settled), layReaders(target.objects, source.objects));
}

/** Below the branches of the target everything is there; what is found above them is looked up one by one. */
async function listLacking(
  target: RepoHandle,
  objects: ObjectReader,
  { to, from, made, maxObjects }: CarryQuery & { readonly maxObjects: number },
): Promise<readonly PackedObject[]> {
  const name = BRANCH_PREFIX + target.record.defaultBranch;
  const standard = (await target.snapshot([name])).refs.get(name);
  const reached = await collectReachable(layReaders(readHeld(made), objects), {
    wants: [to],
    haves: [from, standard].flatMap((oid) => oid ?? []),
    maxObjects,
  }).catch((error: unknown) => nameLimit(error, maxObjects));
  const own = new Set(made.map(({ oid }) => oid));
  const open = reached.filter(({ oid }) => !own.has(oid));
  const lacking: PackedObject[] = [];
  for (let at = 0; at < open.length; at += HEADERS_PER_READ) {
    const part = open.slice(at, at + HEADERS_PER_READ);
    const { found } = await target.settled.readHeaders(part.map(({ oid }) => oid));
    for (const object of part) if (!found.has(object.oid)) lacking.push(object);
  }
  return lacking;
}

function nameLimit(error: unknown, limit: number): never {
  if (!(error instanceof GitError) || error.code !== "limit-exceeded") throw error;
  const message = `more than ${limit} objects would be brought from the other repository; push them with git`;
  throw new GitError("limit-exceeded", message, { limit });
}
