import { createHash } from "node:crypto";
import { HEADERS } from "../../sdk/contract/limits.ts";
import type { Repo, RepoDetails, repoEndpoints } from "../../sdk/contract/repos.ts";
import { BRANCH_PREFIX } from "../git/object/ref-name.ts";
import { nameField } from "../middleware/name-field.ts";
import { quotaExceeded } from "../middleware/quota.ts";
import { conflict, invalidField, notFound, unprocessable } from "../middleware/request-error.ts";
import type { ForkFacts } from "../ports/fork.ts";
import type { Idempotency, OrgStore, Principal, RepoName, RepoPatch, RepoRecord } from "../ports/org.ts";
import type { RepoLifecycle } from "../ports/repo.ts";
import { listReadable } from "../services/access/grant.ts";
import { createRepo, type RepoRequest } from "../services/create-repo.ts";
import { maySeeOrigin } from "../services/forks/see-origin.ts";
import { checkNewRef } from "../services/refs/check-new-ref.ts";
import { updateRepo } from "../services/update-repo.ts";
import { formatListCursor, parseListCursor } from "./list-cursor.ts";
import { json } from "./reply.ts";
import { isRepoNoun } from "./reserved-names.ts";
import type { Handler, HandlersFor, RequestContext } from "./router.ts";

/** Repositories themselves: create, list, get, update, delete. */
export function createRepoHandlers({
  repos,
  openOrg,
}: {
  readonly repos: RepoLifecycle;
  readonly openOrg: (orgId: string) => OrgStore;
}): HandlersFor<typeof repoEndpoints> {
  return {
    "POST /repos": (context) => postRepo(repos, context),
    "GET /repos": listRepos,
    "GET /repos/:repo": (context) => getRepo(openOrg, context),
    "PATCH /repos/:repo": patchRepo,
    "DELETE /repos/:repo": (context) => deleteRepo(repos, context),
  };
}

/** A repository as the API shows it. */
export function formatRepo(record: RepoRecord, publicUrl: string): Repo {
  const name = record.namespace === null ? record.slug : `${record.namespace}/${record.slug}`;
  return {
    id: record.id,
    namespace: record.namespace,
    slug: record.slug,
    description: record.description,
    visibility: record.visibility,
    default_branch: record.defaultBranch,
    is_template: record.isTemplate,
    auto_index: record.autoIndex,
    git_url: `${publicUrl}/${record.orgSlug}/${name}.git`,
    api_url: `${publicUrl}/v1/repos/${name}`,
    created_at: new Date(record.createdAtMs).toISOString(),
  };
}

async function postRepo(repos: RepoLifecycle, context: RequestContext<"POST /repos">): Promise<Response> {
  const { body } = context;
  const namespace = body.namespace ?? null;
  checkNamespacedSlug({ namespace, slug: body.slug });
  checkBranch(body.default_branch);
  const request: RepoRequest = {
    namespace,
    slug: body.slug,
    description: body.description ?? null,
    visibility: body.visibility,
    defaultBranch: body.default_branch,
    isTemplate: body.is_template,
    autoIndex: body.auto_index,
    init: body.init,
    fork: null,
  };
  const caller = {
    orgId: context.org.id,
    actor: actorOf(context),
    nowMs: context.now(),
    ...readOrgIdempotency(context, ""),
  };
  const outcome = await context.timing.measure("store", () =>
    createRepo({ org: context.org.store, repos }, request, caller),
  );
  if (outcome.kind === "taken") {
    const name = namespace === null ? body.slug : `${namespace}/${body.slug}`;
    throw conflict(`Repository ${name} exists already`);
  }
  if (outcome.kind === "quota-exceeded") throw quotaExceeded(outcome.excess);
  if (outcome.kind === "idempotency-mismatch") {
    throw unprocessable("This Idempotency-Key was used for another request");
  }
  return json(formatRepo(outcome.repo, context.publicUrl), {
    status: 201,
    ...(outcome.replayed && { headers: { [HEADERS.idempotentReplay]: "true" } }),
  });
}

const listRepos: Handler<"GET /repos"> = async (context) => {
  const { limit, offset, cursor, namespace, is_template } = context.query;
  const page = await context.org.store.listRepos({
    limit,
    offset,
    publicOnly: context.principal === null,
    ...readableNames(context.principal),
    ...(cursor !== undefined && { after: parseListCursor("repos", cursor) }),
    ...(namespace !== undefined && { namespace }),
    ...(is_template !== undefined && { isTemplate: is_template }),
  });
  return {
    repos: page.repos.map((record) => formatRepo(record, context.publicUrl)),
    limit,
    offset,
    next_cursor: page.next === null ? null : formatListCursor("repos", page.next),
  };
};

async function getRepo(
  openOrg: (orgId: string) => OrgStore,
  { repo, principal, publicUrl }: RequestContext<"GET /repos/:repo">,
): Promise<RepoDetails> {
  const { fork } = repo.record;
  const [refs, isShown] = await Promise.all([
    repo.store.countRefs("refs/"),
    fork !== null && maySeeOrigin(openOrg, { reader: principal, repo: repo.record, fork }),
  ]);
  const facts = formatFork(fork);
  return {
    ...formatRepo(repo.record, publicUrl),
    is_empty: refs === 0,
    ...(isShown ? facts : { ...facts, forked_from: null, fork_root: null }),
  };
}

const patchRepo: Handler<"PATCH /repos/:repo"> = async (context) => {
  const { body } = context;
  if (body.default_branch !== undefined) checkBranch(body.default_branch);
  const patch: RepoPatch = {
    ...(body.description !== undefined && { description: body.description }),
    ...(body.visibility !== undefined && { visibility: body.visibility }),
    ...(body.default_branch !== undefined && { defaultBranch: body.default_branch }),
    ...(body.is_template !== undefined && { isTemplate: body.is_template }),
    ...(body.auto_index !== undefined && { autoIndex: body.auto_index }),
  };
  const outcome = await updateRepo({ org: context.org.store, repo: context.repo }, patch, actorOf(context));
  if (outcome.kind === "no-branch") {
    throw invalidField("default_branch", `branch "${body.default_branch}" does not exist`);
  }
  if (outcome.kind === "gone") throw notFound("Repository");
  return formatRepo(outcome.repo, context.publicUrl);
};

async function deleteRepo(
  repos: RepoLifecycle,
  context: RequestContext<"DELETE /repos/:repo">,
): Promise<{ deleted: true }> {
  const { id } = context.repo.record;
  if (!(await context.org.store.deleteRepo(id, actorOf(context)))) throw notFound("Repository");
  await repos.destroy(id);
  return { deleted: true };
}

/** A repository inside a namespace cannot have the name of something that repositories have. @throws RequestError */
export function checkNamespacedSlug({ namespace, slug }: RepoName): void {
  if (namespace === null || !isRepoNoun(slug)) return;
  throw invalidField("slug", `"${slug}" is part of the API and cannot be a name inside a namespace`);
}

/** A repository's origin as the API shows it. */
export function formatFork(fork: ForkFacts | null) {
  if (fork === null) return { forked_from: null, fork_mode: null, fork_depth: 0, fork_root: null };
  return {
    forked_from: {
      repo_id: fork.sourceRepoId,
      org_id: fork.sourceOrgId,
      slug: fork.sourceSlug,
      namespace: fork.sourceNamespace,
    },
    fork_mode: fork.mode,
    fork_depth: fork.depth,
    fork_root: fork.rootId,
  };
}

function checkBranch(name: string): void {
  nameField("default_branch", () => checkNewRef(BRANCH_PREFIX + name));
}

/** The caller's Idempotency-Key for something new in its org; `subject` is what else says what was asked for. */
export function readOrgIdempotency(
  context: Pick<RequestContext<"POST /repos">, "idempotencyKey" | "principal"> & { readonly body: unknown },
  subject: string,
): { readonly idempotency?: Idempotency } {
  if (context.idempotencyKey === null) return {};
  const fingerprint = createHash("sha256")
    .update(subject + JSON.stringify(context.body))
    .digest("hex");
  return { idempotency: { scope: actorOf(context), key: context.idempotencyKey, fingerprint } };
}

function actorOf(context: { readonly principal: { readonly actor: string } | null }): string {
  return context.principal?.actor ?? "anonymous";
}

/** A token lists what it may read. */
export function readableNames(principal: Principal | null): { readonly names?: readonly RepoName[] } {
  const names = principal === null ? null : listReadable(principal.scopes);
  return names === null ? {} : { names };
}
