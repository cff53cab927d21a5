/**
 * A valid request for every endpoint, so that the verdict on it is one of access. An endpoint whose path has only
 * parameters known here, and which takes no body, needs no entry; for any other the matrix fails until it has one.
 */
import type { EndpointSpec } from "../../../sdk/contract/endpoint.ts";
import { contract, type EndpointKey } from "../../../sdk/contract/index.ts";
import type { Situation, Wish } from "./policy.ts";
import { must } from "./server-under-test.ts";
import { HOST, type Seed, type World } from "./world.ts";

/** What one request is about; `inside` and `outside` what tokens with globs may do. */
export interface Place extends Seed {
  readonly world: World;
  readonly situation: Situation;
  readonly repo: string;
  /** A name that nothing has yet. */
  readonly fresh: string;
  /** A branch at the seeded head or later. */
  readonly branch: string;
  readonly path: string;
  /** A commit whose revert changes `reverted`, and where a reset goes that changes `resetPaths`. */
  readonly reverts: string;
  readonly reverted: string;
  readonly resetTo: string;
  readonly resetPaths: readonly string[];
}

export interface Sample {
  /** Says which of several samples of one endpoint this is. */
  readonly title?: string;
  readonly params?: (at: Place) => Readonly<Record<string, string>>;
  readonly query?: (at: Place) => Readonly<Record<string, string>>;
  readonly body?: (at: Place) => unknown;
  /** Makes what the request needs, as the org's keeper; what it gives joins the params. */
  readonly prepare?: (at: Place) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Puts right what a request that was let through has broken for the next. */
  readonly restore?: (at: Place) => Promise<unknown>;
  readonly wish?: (at: Place) => Wish;
  /** Of a request that is let through, and refused for what it is about. Default: the endpoint's own. */
  readonly status?: number;
}

const branchRef = (name: string) => `refs/heads/${name}`;
const movesFresh = (at: Place): Wish => ({ moves: [branchRef(at.fresh)] });
const movesBranch = (at: Place): Wish => ({ moves: [branchRef(at.branch)], changes: [at.path] });
const commitBody = (at: Place) => ({
  branch: at.branch,
  message: "by the matrix",
  changes: [{ path: at.path, content: `${at.fresh}\n` }],
});

async function keep(at: Place, path: string, body?: unknown): Promise<Record<string, string>> {
  const headers = { "x-api-key": at.world.hostKey };
  return must(at.world.server, { method: "POST", path, headers, body });
}

/** Another server's repository; nothing is sent there by what only starts a run. */
const REMOTE = "https://git.example.org/o/r.git";
const connectionBody = () => ({ provider: "github", label: "by the matrix", access_token: "secret" });
/** One at a time: an org has a limited number. */
const makeConnection = async (at: Place) => {
  await dropConnections(at);
  return keep(at, "/connections", connectionBody());
};

async function dropConnections({ world: { server, hostKey } }: Place): Promise<void> {
  const headers = { "x-api-key": hostKey };
  const { connections } = (await must(server, {
    method: "GET",
    path: "/connections",
    headers,
  })) as unknown as {
    readonly connections: readonly { readonly id: string }[];
  };
  for (const { id } of connections)
    await must(server, { method: "DELETE", path: `/connections/${id}`, headers });
}

/** The repository's only link, so that no request need say which. */
const makeLink = async (at: Place) => {
  if (at.situation.exists) await keep(at, `/repos/${at.repo}/sync/config`, { remote: REMOTE });
  return undefined;
};

async function dropLink(at: Place): Promise<void> {
  const headers = { "x-api-key": at.world.hostKey };
  await must(at.world.server, { method: "DELETE", path: `/repos/${at.repo}/sync/config`, headers });
}

/** A branch of the fresh name at a commit, where there is a repository to have it. */
const freshBranch = (of: (at: Place) => string) => async (at: Place) => {
  if (at.situation.exists) await keep(at, `/repos/${at.repo}/branches`, { name: at.fresh, from_sha: of(at) });
  return undefined;
};
const branchAtFirst = freshBranch((at) => at.first);
const branchAtHead = freshBranch((at) => at.head);

const openSession = async (at: Place) => {
  const { session_id: id = "" } = await keep(at, "/session", {});
  return { id };
};
const ofHostKey = ({ world }: Place): Wish => ({ ofSession: world.hostKeyId });

// RFC 8037, A.2
const PUBLIC_KEY = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
let deletedKeys = 0;
const ofHost = (): Wish => ({ ofOrg: HOST });
/** A name that no resolver knows: nothing is ever sent. */
const WEBHOOK = { url: "https://example.invalid/", events: ["tag.created"], secret: null };
const makeWebhook = async (at: Place) => {
  const { id = "" } = await keep(at, "/webhooks", WEBHOOK);
  return { id };
};
const makeDelivery = async (at: Place) => {
  const { id } = await makeWebhook(at);
  const { id: delivery = "" } = await keep(at, `/webhooks/${id}/ping`);
  return { id, delivery };
};
/** An org has a limited number of them. */
const deleteWebhooks = async ({ world }: Place) => {
  const headers = { "x-api-key": world.hostKey };
  const { webhooks } = await must(world.server, { method: "GET", path: "/webhooks", headers });
  for (const { id } of webhooks) {
    await must(world.server, { method: "DELETE", path: `/webhooks/${id}`, headers });
  }
};

const SAMPLES: Partial<Readonly<Record<EndpointKey, Sample | readonly Sample[]>>> = {
  "POST /repos": { body: (at) => ({ slug: at.fresh }) },
  "PATCH /repos/:repo": { body: () => ({ description: "by the matrix" }) },
  "DELETE /repos/:repo": { restore: (at) => at.world.seed(at.situation) },

  "POST /repos/:repo/commits": { body: commitBody, wish: movesBranch },
  "POST /repos/:repo/commits/bulk": { body: commitBody, wish: movesBranch },
  "POST /repos/:repo/blobs": { body: () => ({ blobs: [{ content: "x" }] }) },
  "POST /repos/:repo/blobs/batch": { body: () => ({ paths: ["src/a.txt"] }) },
  "POST /repos/:repo/prefetch": { body: () => ({ globs: ["**"] }) },
  "POST /repos/:repo/grep": { body: () => ({ pattern: "o" }) },

  "GET /repos/:repo/refs/*ref": { params: () => ({ ref: "heads/main" }) },
  "PUT /repos/:repo/refs/*ref": {
    params: (at) => ({ ref: `heads/${at.fresh}` }),
    body: (at) => ({ sha: at.head }),
    wish: movesFresh,
  },
  "DELETE /repos/:repo/refs/*ref": {
    params: (at) => ({ ref: `heads/${at.fresh}` }),
    prepare: branchAtHead,
    wish: movesFresh,
  },

  "POST /repos/:repo/branches": {
    body: (at) => ({ name: at.fresh, from_sha: at.second }),
    wish: movesFresh,
  },
  "GET /repos/:repo/branches/*name": { params: () => ({ name: "main" }) },
  "PATCH /repos/:repo/branches/*name": {
    params: (at) => ({ name: at.fresh }),
    prepare: branchAtHead,
    body: (at) => ({ new_name: `${at.fresh}-new` }),
    wish: (at) => ({ moves: [branchRef(at.fresh), branchRef(`${at.fresh}-new`)] }),
  },
  "POST /repos/:repo/branches/*branch/promote": {
    params: (at) => ({ branch: at.fresh }),
    prepare: branchAtHead,
    body: (at) => ({ as: `${at.fresh}-new` }),
    wish: (at) => ({ moves: [branchRef(at.fresh), branchRef(`${at.fresh}-new`)] }),
  },
  "POST /repos/:repo/undo": {
    prepare: branchAtHead,
    body: (at) => ({ ref: at.fresh }),
    wish: movesFresh,
  },
  "DELETE /repos/:repo/branches/*name": {
    params: (at) => ({ name: at.fresh }),
    prepare: branchAtHead,
    wish: movesFresh,
  },
  "POST /repos/:repo/branches/*target/merge": {
    params: (at) => ({ target: at.fresh }),
    prepare: branchAtFirst,
    body: () => ({ source: "main" }),
    wish: movesFresh,
  },
  "POST /repos/:repo/land": {
    prepare: branchAtFirst,
    body: (at) => ({ source: "main", target: at.fresh }),
    wish: movesFresh,
  },
  "POST /repos/:repo/cherry-pick": {
    prepare: branchAtFirst,
    body: (at) => ({ base: at.second, head: at.head, onto: at.first, branch: at.fresh }),
    wish: movesFresh,
  },
  "POST /repos/:repo/revert": {
    prepare: branchAtHead,
    body: (at) => ({ commit: at.reverts, branch: at.fresh }),
    wish: (at) => ({ ...movesFresh(at), changes: [at.reverted] }),
  },
  "POST /repos/:repo/reset": {
    prepare: branchAtHead,
    body: (at) => ({ branch: at.fresh, sha: at.resetTo }),
    wish: (at) => ({ ...movesFresh(at), changes: at.resetPaths }),
  },
  "GET /repos/:repo/diff": { query: (at) => ({ base: at.first, head: "main" }) },
  "GET /repos/:repo/compare": { query: (at) => ({ base: at.first, head: "main" }) },
  "GET /orgs/:org/repos/:repo/diff": { query: (at) => ({ base: at.first, head: "main" }) },

  "POST /repos/:repo/tags": {
    body: (at) => ({ name: at.fresh }),
    wish: (at) => ({ moves: [`refs/tags/${at.fresh}`] }),
  },
  "GET /repos/:repo/tags/*name": { params: () => ({ name: "v1" }) },
  "DELETE /repos/:repo/tags/*name": {
    params: (at) => ({ name: at.fresh }),
    async prepare(at) {
      if (at.situation.exists) await keep(at, `/repos/${at.repo}/tags`, { name: at.fresh });
      return undefined;
    },
    wish: (at) => ({ moves: [`refs/tags/${at.fresh}`] }),
  },

  "POST /repos/:repo/snapshots": {
    body: (at) => ({ name: at.fresh, branch: "main" }),
    wish: (at) => ({ moves: [`refs/snapshots/${at.fresh}`] }),
  },
  "GET /repos/:repo/snapshots/:name": { params: () => ({ name: "base" }) },
  "DELETE /repos/:repo/snapshots/:name": {
    params: (at) => ({ name: at.fresh }),
    async prepare(at) {
      const body = { name: at.fresh, branch: "main" };
      if (at.situation.exists) await keep(at, `/repos/${at.repo}/snapshots`, body);
      return undefined;
    },
    wish: (at) => ({ moves: [`refs/snapshots/${at.fresh}`] }),
  },
  "POST /repos/:repo/snapshots/:name/restore": {
    params: () => ({ name: "base" }),
    prepare: branchAtFirst,
    body: (at) => ({ target_branch: at.fresh }),
    wish: movesFresh,
  },

  "GET /repos/:repo/rev-parse": { query: () => ({ ref: "main" }) },
  "GET /repos/:repo/objects/:sha": { params: (at) => ({ sha: at.blob }) },

  "POST /repos/:repo/fork": { body: (at) => ({ slug: at.fresh }), wish: (at) => ({ makes: at.fresh }) },
  "POST /orgs/:org/repos/:repo/fork": {
    body: (at) => ({ slug: at.fresh }),
    wish: (at) => ({ makes: at.fresh }),
  },
  // Of a repository that is no fork, as these are, it is refused for that: to those only who may write it.
  "POST /repos/:repo/sync-upstream": { body: () => ({}), status: 422 },

  "POST /session": { body: () => ({}), wish: () => ({ opensSession: true }) },
  "POST /session/open": { body: () => ({}), wish: () => ({ opensSession: true }) },
  "GET /session/:id/status": { prepare: openSession, wish: ofHostKey },
  "POST /session/:id/flush": { prepare: openSession, wish: ofHostKey },
  "DELETE /session/:id": { prepare: openSession, wish: ofHostKey },

  "POST /tokens": { body: () => ({ name: "made", scopes: { "repos:*": ["read"] } }) },
  "DELETE /tokens/:id": {
    prepare: (at) => keep(at, "/tokens", { name: "doomed", scopes: { "repos:*": ["read"] } }),
    wish: () => ({ ofOrg: HOST }),
  },

  // Registering a key twice is registering it once.
  "POST /public-keys": { body: () => ({ kid: "matrix", key: PUBLIC_KEY }) },
  "DELETE /public-keys/:kid": {
    async prepare(at) {
      const { kid = "" } = await keep(at, "/public-keys", { kid: `doomed-${deletedKeys}`, key: PUBLIC_KEY });
      return { kid };
    },
    // A deleted name is not used again.
    async restore() {
      deletedKeys++;
    },
    wish: () => ({ ofOrg: HOST }),
  },
  "POST /revoked-tokens": { body: () => ({ jti: "matrix" }) },
  "POST /webhooks": { body: () => WEBHOOK, restore: deleteWebhooks },
  "GET /webhooks/:id": { prepare: makeWebhook, restore: deleteWebhooks, wish: ofHost },
  "PATCH /webhooks/:id": {
    prepare: makeWebhook,
    body: () => ({ events: ["tag.deleted"] }),
    restore: deleteWebhooks,
    wish: ofHost,
  },
  "DELETE /webhooks/:id": { prepare: makeWebhook, wish: ofHost },
  "POST /webhooks/:id/ping": { prepare: makeWebhook, restore: deleteWebhooks, wish: ofHost },
  "GET /webhooks/:id/deliveries": { prepare: makeWebhook, restore: deleteWebhooks, wish: ofHost },
  "GET /webhooks/:id/deliveries/:delivery": { prepare: makeDelivery, restore: deleteWebhooks, wish: ofHost },
  "POST /webhooks/:id/deliveries/:delivery/redeliver": {
    prepare: makeDelivery,
    restore: deleteWebhooks,
    wish: ofHost,
  },

  "POST /search": [
    { title: "of every repository", body: () => ({ q: "one" }) },
    {
      title: "of one that is named",
      body: (at) => ({ q: "one", repos: [at.repo] }),
      wish: () => ({ opens: "read" }),
    },
  ],
  "POST /repos/:repo/exec": [
    { title: "that reads", body: () => ({ command: "cat src/a.txt" }) },
    {
      title: "that commits",
      body: (at) => ({
        command: `mkdir -p src docs; echo ${at.fresh} > ${at.path}`,
        branch: at.branch,
        commit: true,
      }),
      wish: (at) => ({ ...movesBranch(at), opens: "write" }),
    },
  ],
  "POST /workspace/exec": [
    {
      title: "that reads",
      body: (at) => ({ command: "true", repos: [{ slug: at.repo }] }),
      wish: () => ({ opens: "read" }),
    },
    {
      title: "that commits",
      body: (at) => ({
        command: `echo ${at.fresh} > /${at.repo}/${at.path}`,
        repos: [{ slug: at.repo, branch: at.branch }],
        commit: true,
      }),
      wish: (at) => ({ ...movesBranch(at), opens: "write" }),
    },
  ],

  "POST /connections": { body: connectionBody, restore: (at) => dropConnections(at) },
  "PATCH /connections/:id": {
    body: () => ({ label: "another" }),
    prepare: makeConnection,
    wish: () => ({ ofOrg: HOST }),
  },
  "POST /connections/:id/test": {
    body: () => ({}),
    prepare: makeConnection,
    wish: () => ({ ofOrg: HOST }),
  },
  "DELETE /connections/:id": { prepare: makeConnection, wish: () => ({ ofOrg: HOST }) },
  "POST /import": { body: (at) => ({ slug: at.fresh, url: REMOTE }) },
  "POST /repos/:repo/sync/config": { body: () => ({ remote: REMOTE }), restore: (at) => dropLink(at) },
  "PATCH /repos/:repo/sync/config": {
    body: () => ({ prune: true }),
    prepare: makeLink,
    restore: (at) => dropLink(at),
  },
  "DELETE /repos/:repo/sync/config": { prepare: makeLink },
  "POST /repos/:repo/sync": {
    body: () => ({ wait_seconds: 0 }),
    prepare: makeLink,
    restore: (at) => dropLink(at),
  },
  "POST /repos/:repo/sync/import": { body: () => ({ remote: REMOTE }) },
  "POST /repos/:repo/sync/export": { body: () => ({ remote: REMOTE }) },
  "GET /repos/:repo/sync/runs/:id": {
    params: () => ({ id: "run_unknown" }),
    prepare: async (at) =>
      at.situation.exists ? keep(at, `/repos/${at.repo}/sync/import`, { remote: REMOTE }) : undefined,
  },
  "POST /hooks/:provider/:id": { params: () => ({ provider: "github", id: "sync_unknown" }) },

  "POST /admin/orgs": { body: (at) => ({ slug: at.fresh }) },
  "PATCH /admin/orgs/:org": { body: () => ({}) },
  "DELETE /admin/keys/:id": {
    async prepare({ world: { server } }) {
      const headers = { "x-admin-key": server.adminKey };
      return must(server, { method: "POST", path: `/admin/orgs/${HOST}/keys`, headers });
    },
  },
};

/** What a parameter stands for where the sample says nothing else. */
const PARAMS: Readonly<Record<string, (at: Place) => string>> = {
  repo: (at) => at.repo,
  org: () => HOST,
  ref: () => "main",
  path: () => "src/a.txt",
  sha: (at) => at.head,
};

/** Parameters whose value depends on the endpoint. */
const PATHS: Partial<Readonly<Record<EndpointKey, string>>> = {
  "GET /repos/:repo/tree/:ref/*path": "src",
  "GET /orgs/:org/repos/:repo/tree/:ref/*path": "src",
};

/** The endpoint's samples. @throws Error when there is none and none can be made up */
export function samplesFor(key: EndpointKey): readonly Sample[] {
  const given = SAMPLES[key];
  if (given) return Array.isArray(given) ? given : [given as Sample];
  const spec: EndpointSpec = contract[key];
  const unknown = namesIn(key).filter((name) => PARAMS[name] === undefined);
  if (spec.body || unknown.length > 0) {
    throw new Error(`${key} has no sample request: give it one in server/testing/matrix/samples.ts`);
  }
  return [{}];
}

/** The request's path below /v1. */
export function pathFor(
  key: EndpointKey,
  sample: Sample,
  at: Place,
  prepared: Readonly<Record<string, string>> = {},
): string {
  const params = { ...sample.params?.(at), ...prepared };
  const path = key.slice(key.indexOf("/")).replace(/[:*](\w+)/g, (_, name: string) => {
    const known = name === "path" ? PATHS[key] : undefined;
    return params[name] ?? known ?? PARAMS[name]?.(at) ?? `no-${name}`;
  });
  const query = sample.query ? `?${new URLSearchParams(sample.query(at))}` : "";
  return path + query;
}

function namesIn(key: EndpointKey): readonly string[] {
  return [...key.matchAll(/[:*](\w+)/g)].map(([, name = ""]) => name);
}
