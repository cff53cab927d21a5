/** The Worker that tests of the `workers` project run beside: its Durable Objects, and ones that can be made to fail. */
import { LfsDO } from "../durable/lfs-do.ts";
import { OrgDO } from "../durable/org-do.ts";
import { PackFamilyDO } from "../durable/pack-family-do.ts";
import { RepoDO, type RepoEnv } from "../durable/repo-do.ts";
import { SessionDO } from "../durable/session-do.ts";
import { SyncDO } from "../durable/sync-do.ts";
import type { FileStore } from "../git/ports.ts";
import { platformIds } from "../stores/pack-id.ts";
import { createR2Files } from "../stores/r2-files.ts";

export { LfsDO, OrgDO, PackFamilyDO, RepoDO, SessionDO, SyncDO };

/** Calls of a FaultyRepoDO's files that fail from now on, by method; empty: none. */
export interface FileFaults {
  readonly fail: Set<keyof FileStore>;
  /** Runs before a call goes through. */
  onCall: ((method: keyof FileStore) => Promise<void>) | null;
  calls: (keyof FileStore)[];
  /** How far the object's clock is ahead. */
  aheadMs: number;
  /** The families of packs cannot be reached. */
  familyDown: boolean;
}

/** A RepoDO whose storage of packs fails, and whose clock advances, on demand. */
export class FaultyRepoDO extends RepoDO {
  readonly faults: FileFaults;

  constructor(ctx: DurableObjectState, env: RepoEnv) {
    const faults: FileFaults = { fail: new Set(), onCall: null, calls: [], aheadMs: 0, familyDown: false };
    const unreachable = () => Promise.reject(new Error("injected: the family cannot be reached"));
    const FAMILY: RepoEnv["FAMILY"] = {
      getByName: (name) =>
        faults.familyDown ? { hold: unreachable, release: unreachable } : env.FAMILY.getByName(name),
    };
    super(
      ctx,
      { ...env, FAMILY },
      {
        files: makeFaulty(createR2Files(env.PACKS), faults),
        ids: { ...platformIds, now: () => Date.now() + faults.aheadMs },
      },
    );
    this.faults = faults;
  }
}

function makeFaulty(files: FileStore, faults: FileFaults): FileStore {
  const guard = async (method: keyof FileStore) => {
    faults.calls.push(method);
    await faults.onCall?.(method);
    if (faults.fail.has(method)) throw new Error(`injected: ${method} fails`);
  };
  return {
    open: async (key) => guard("open").then(() => files.open(key)),
    readFile: async (key) => guard("readFile").then(() => files.readFile(key)),
    readRange: async (key, offset, length) =>
      guard("readRange").then(() => files.readRange(key, offset, length)),
    // Fails after the file is stored: the lost reply, worse than no file.
    async writeFile(key, bytes) {
      await files.writeFile(key, bytes);
      await guard("writeFile");
    },
    createFile: async (key) => guard("createFile").then(() => files.createFile(key)),
    deleteFiles: async (keys) => guard("deleteFiles").then(() => files.deleteFiles(keys)),
  };
}

export default {
  fetch: () => new Response("tests only", { status: 404 }),
};
