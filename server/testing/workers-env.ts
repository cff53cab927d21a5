/// <reference types="@cloudflare/vitest-pool-workers/types" />
import { env } from "cloudflare:workers";
import type { LfsDO } from "../durable/lfs-do.ts";
import type { PackFamilyDO } from "../durable/pack-family-do.ts";
import type { RepoDO } from "../durable/repo-do.ts";
import { createDurableRepoStore, type DurableRepoStore } from "../stores/durable-repo-store.ts";
import type { RepoRpc } from "../stores/repo-rpc.ts";
import type { FaultyRepoDO } from "./workers-entry.ts";

/** Bindings of the `workers` project in vitest.config.ts. */
interface WorkersEnv {
  readonly REPO: DurableObjectNamespace<RepoDO>;
  readonly FAULTY_REPO: DurableObjectNamespace<FaultyRepoDO>;
  readonly FAMILY: DurableObjectNamespace<PackFamilyDO>;
  readonly LFS: DurableObjectNamespace<LfsDO>;
  readonly PACKS: R2Bucket;
}

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
export const workersEnv = env as unknown as WorkersEnv;

let made = 0;

/** An id that no other test has. */
export function makeRepoId(): string {
  return `repo-${Date.now()}-${++made}`;
}

/** A new repository in a real Durable Object. */
export async function makeDurableRepo(
  namespace: DurableObjectNamespace<RepoDO> = workersEnv.REPO,
  repoId = makeRepoId(),
): Promise<{ store: DurableRepoStore; stub: DurableObjectStub<RepoDO>; repoId: string }> {
  const stub = namespace.get(namespace.idFromName(repoId));
  const store = connectRepo(stub);
  await store.create({ repoId, defaultBranch: "main" });
  return { store, stub, repoId };
}

/** The store behind a stub. */
export function connectRepo(stub: DurableObjectStub<RepoDO>): DurableRepoStore {
  // The stub's own type wraps every value in what RPC could make of it; RepoDO implements RepoRpc by declaration.
  return createDurableRepoStore(() => stub as unknown as RepoRpc);
}
