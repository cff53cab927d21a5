import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { RefReason } from "../../git/ports.ts";
import type { ForkFacts, ForkSeed, PackFamilies } from "../../ports/fork.ts";
import type { Idempotency, NewRepo, OrgStore, RepoCreation, RepoRecord } from "../../ports/org.ts";
import type { RepoHandle, RepoLifecycle } from "../../ports/repo.ts";
import { createRepoId } from "../org-keys.ts";
import { copySeed } from "./copy-seed.ts";

/** A fork of a fork of … so many times keeps its root; the next one is copied whole. */
export const FORK_DEPTH_MAX = 16;

/** Well below the time after which the family of packs looks whether a fork got its name. */
const SLOW_MS = 60_000;

export interface ForkRequest {
  readonly slug: string;
  readonly namespace: string | null;
  /** undefined: the source's. */
  readonly description: string | null | undefined;
  /** undefined: the source's. */
  readonly defaultBranch: string | undefined;
  readonly mode: "instant" | "deep";
}

export interface ForkContext {
  /** The org that the fork belongs to. */
  readonly orgId: string;
  readonly actor: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly idempotency?: Idempotency;
}

export interface ForkDeps {
  /** Directory of the org that the fork belongs to. */
  readonly org: OrgStore;
  readonly repos: RepoLifecycle;
  readonly families: PackFamilies;
  /** Opens the store of a repository that has no name yet. */
  readonly openRepo: (record: RepoRecord) => RepoHandle;
}

export type ForkOutcome =
  | {
      readonly kind: "forked";
      readonly repo: RepoRecord;
      readonly replayed: boolean;
    }
  | Exclude<RepoCreation, { kind: "created" }>
  /** The default branch that was asked for is not among the source's. */
  | { readonly kind: "no-branch" };

/**
 * Makes a fork: catalog and refs of this moment, no content, and of what the packs hold no more than the refs reach. It has a store of its own from the start and never looks at
 * its parent again. Store first and name last, as for any repository; a pack is held by the family before the fork can
 * need it.
 */
export async function forkRepo(
  deps: ForkDeps,
  source: RepoHandle,
  { request, context }: { readonly request: ForkRequest; readonly context: ForkContext },
): Promise<ForkOutcome> {
  const { seed, blobs } = await source.trimSeed(await source.store.share());
  const branches = seed.refs.filter((ref) => ref.name.startsWith(BRANCH_PREFIX));
  const defaultBranch = request.defaultBranch ?? findDefaultBranch(source.record, seed);
  if (
    request.defaultBranch !== undefined &&
    !branches.some((ref) => ref.name === BRANCH_PREFIX + defaultBranch)
  ) {
    return { kind: "no-branch" };
  }
  const id = createRepoId();
  const draft: NewRepo = {
    id,
    slug: request.slug,
    namespace: request.namespace,
    description: request.description === undefined ? source.record.description : request.description,
    visibility: "private",
    defaultBranch,
    isTemplate: false,
    autoIndex: false,
    fork: describeFork(source.record, { wanted: request.mode, id, blobs }),
  };
  // The reflog is for everybody who reads the fork, and what it was made from is not.
  const reason: RefReason = { actor: context.actor, message: "fork: created" };
  const planting = { seed, draft, reason, orgId: context.orgId };
  const startedMs = context.now();
  await plant(deps, source, planting);
  const outcome = await deps.org.createRepo(draft, context.idempotency, context.actor);
  // The family gives up those who do not get their name in time: whoever was slow must not have been given up unheard.
  if (context.now() - startedMs > SLOW_MS && draft.fork?.mode === "instant")
    await hold(deps, source, planting);
  if (outcome.kind !== "created" || outcome.repo.id !== id) await deps.repos.destroy(id);
  if (outcome.kind !== "created") return outcome;
  return { kind: "forked", repo: outcome.repo, replayed: outcome.repo.id !== id };
}

interface Planting {
  readonly seed: ForkSeed;
  readonly draft: NewRepo;
  readonly reason: RefReason;
  readonly orgId: string;
}

async function plant(deps: ForkDeps, source: RepoHandle, planting: Planting): Promise<void> {
  const { draft } = planting;
  const adopting = deps.repos.adoptLargeFiles(draft.id, source.record.id);
  const steps = await Promise.allSettled([adopting, plantObjects(deps, source, planting)]);
  const failed = steps.find((step) => step.status === "rejected");
  if (!failed) return;
  await deps.repos.destroy(draft.id);
  throw failed.reason;
}

async function plantObjects(deps: ForkDeps, source: RepoHandle, planting: Planting): Promise<void> {
  const { seed, draft, reason, orgId } = planting;
  const init = { repoId: draft.id, orgId, defaultBranch: draft.defaultBranch };
  if (draft.fork?.mode === "deep") {
    await deps.repos.create(init);
    const target = deps.openRepo({ ...draft, orgId, orgSlug: "", createdAtMs: 0 });
    await copySeed(source.files, target.store, seed, reason);
    return;
  }
  // Side by side, because each takes a sync to disk: nobody can read the fork before it has a name, which comes after both.
  const steps = [hold(deps, source, planting), deps.repos.create({ ...init, fork: { seed, reason } })];
  const failed = (await Promise.allSettled(steps)).find((step) => step.status === "rejected");
  if (failed) throw failed.reason;
}

async function hold(
  { families }: ForkDeps,
  { record }: RepoHandle,
  { seed, draft, orgId }: Planting,
): Promise<void> {
  const keys = seed.packs.map((pack) => pack.key);
  if (keys.length === 0) return;
  const source = { familyId: seed.familyId, repoId: record.id, orgId: record.orgId, keys };
  await families.hold(source, { repoId: draft.id, orgId });
}

function describeFork(
  source: RepoRecord,
  { wanted, id, blobs }: { readonly wanted: "instant" | "deep"; readonly id: string; readonly blobs: number },
): ForkFacts {
  const depth = (source.fork?.depth ?? 0) + 1;
  const mode = depth > FORK_DEPTH_MAX ? "deep" : wanted;
  return {
    sourceRepoId: source.id,
    sourceOrgId: source.orgId,
    sourceSlug: source.slug,
    sourceNamespace: source.namespace,
    mode,
    depth: mode === "deep" ? 0 : depth,
    rootId: mode === "deep" ? id : (source.fork?.rootId ?? source.id),
    blobs,
  };
}

function findDefaultBranch(source: RepoRecord, seed: ForkSeed): string {
  const { head } = seed;
  return head.kind === "symbolic" && head.target.startsWith(BRANCH_PREFIX)
    ? head.target.slice(BRANCH_PREFIX.length)
    : source.defaultBranch;
}
