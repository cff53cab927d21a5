import type { ObjectType } from "../git/hash/object-type.ts";
import type { Oid } from "../git/hash/oid.ts";
import { verifyObject } from "../git/object/verify-object.ts";
import { inspectTree } from "../git/object/verify-tree.ts";
import { holdsClosure } from "../git/pack/closure-walk.ts";
import { type IngestedPack, ingestPack, type OnObject } from "../git/pack/ingest-pack.ts";
import type { GitObject, ObjectReader, PackEntry } from "../git/ports.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { layReaders, readHeld } from "./lay-readers.ts";
import { checkGitmodules, refuseFaults } from "./receive-pack-gitmodules.ts";
import { createPushSpool, type PushSpool } from "./receive-pack-spool.ts";

/** The objects of a push, checked, and not visible to anybody yet. */
export interface ReceivedPack {
  readonly objects: number;
  readonly commits: number;
  readonly bytes: number;
  /** `below` with the new objects over it. */
  layOver(below: ObjectReader): ObjectReader;
  /** Whether all that these tips reach came along, and is of the right type: then nothing else need be looked at. */
  isWhole(tips: readonly Oid[]): boolean;
  /** Puts them where a transaction can make them visible; gives what to add to it. */
  store(): Promise<{ readonly objects?: readonly GitObject[]; readonly pack?: PackEntry }>;
  /** Removes what was written. */
  discard(): Promise<void>;
}

/** A push up to this size goes into the hot tier, in the transaction that moves the ref: no file is written. */
const HOT_OBJECTS = 100;
const HOT_BYTES = 1024 * 1024;
/** A larger pack is written to storage while it arrives. */
const MEMORY_BYTES = 16 * 1024 * 1024;
const LIMITS = {
  maxObjects: 5_000_000,
  maxObjectBytes: 1024 * 1024 * 1024,
  maxPackBytes: 4 * 1024 * 1024 * 1024,
};

/**
 * Takes in the pack of a push and checks each of its objects.
 * @throws GitError corrupt-pack, corrupt-object, missing-object, limit-exceeded, protocol; nothing is left behind then
 */
export async function receiveObjects(
  repo: RepoHandle,
  bytes: AsyncIterable<Uint8Array>,
  now: () => number,
): Promise<ReceivedPack> {
  const small = createSmallPush();
  const gitmodules = new Set<Oid>();
  let commits = 0;
  const spool = createPushSpool(repo, now);
  try {
    const pack = await ingestPack(bytes, {
      limits: LIMITS,
      memoryBytes: MEMORY_BYTES,
      spool,
      findBases: async (oids) => (await repo.objects.readObjects(oids)).found,
      onObject(oid, type, data) {
        if (type === "commit") commits++;
        if (data) checkObject(oid, type, { data, gitmodules });
        small.take(oid, type, data);
      },
    });
    const received = small.objects
      ? receivedSmall(small.objects, spool)
      : receivedLarge(pack, spool, commits);
    await checkGitmodules(received.layOver(repo.objects), gitmodules);
    return received;
  } catch (error) {
    await spool.discard();
    throw error;
  }
}

/**
 * Notes in `gitmodules` which blobs are to be looked at when all has arrived: a tree comes before or after them.
 * @throws GitError corrupt-object with git's name for the fault, as receive.fsckObjects has it
 */
function checkObject(
  oid: Oid,
  type: ObjectType,
  { data, gitmodules }: { readonly data: Uint8Array; readonly gitmodules: Set<Oid> },
): void {
  if (type !== "tree") {
    refuseFaults(oid, verifyObject(type, data));
    return;
  }
  const tree = inspectTree(data);
  refuseFaults(oid, tree.faults);
  for (const blob of tree.gitmodules) gitmodules.add(blob);
}

/** Keeps the objects of a push for as long as it is small. */
function createSmallPush(): { readonly take: OnObject; readonly objects: GitObject[] | null } {
  let objects: GitObject[] | null = [];
  let total = 0;
  return {
    get objects() {
      return objects;
    },
    take(oid: Oid, type: ObjectType, data: Uint8Array | null) {
      if (!objects) return;
      total += data?.length ?? HOT_BYTES;
      if (data === null || total > HOT_BYTES || objects.length >= HOT_OBJECTS) objects = null;
      else objects.push({ oid, type, data: data.slice() });
    },
  };
}

function receivedSmall(objects: readonly GitObject[], spool: PushSpool): ReceivedPack {
  const reader = readHeld(objects);
  return {
    objects: objects.length,
    commits: objects.filter(({ type }) => type === "commit").length,
    bytes: objects.reduce((sum, { data }) => sum + data.length, 0),
    layOver: (below) => layReaders(reader, below),
    isWhole: () => false, // a walk over so few costs nothing
    store: async () => ({ objects: [...new Map(objects.map((object) => [object.oid, object])).values()] }),
    discard: () => spool.discard(),
  };
}

function receivedLarge(pack: IngestedPack, spool: PushSpool, commits: number): ReceivedPack {
  const reader = pack.open();
  return {
    objects: pack.objects - pack.addedBases,
    commits,
    bytes: pack.packBytes,
    layOver: (below) => layReaders(reader, below),
    isWhole: (tips) => pack.typesAgree && holdsClosure(reader, tips),
    store: async () => ({ pack: await spool.storePack(pack) }),
    discard: () => spool.discard(),
  };
}
