/** What of its parent's packs a fork shows: what its refs reach, by whatever door one asks. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { encodePkt, FLUSH_PKT } from "../git/protocol/pkt-line.ts";
import { connectRepo, workersEnv } from "../testing/workers-env.ts";
import { createApp, type Env } from "../wiring.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const app = createApp(env as unknown as Env);
let key = "";

interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
}

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const response = await app.request(`/v1${path}`, {
    method,
    headers: { "x-api-key": key, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("application/json");
  return { status: response.status, json: isJson ? JSON.parse(text) : {} };
}

const storeOf = (repoId: string) => connectRepo(workersEnv.REPO.get(workersEnv.REPO.idFromName(repoId)));

async function commit(
  slug: string,
  branch: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const changes = Object.entries(files).map(([path, content]) => ({ path, content }));
  const made = await call("POST", `/repos/${slug}/commits`, { branch, message: branch, changes });
  expect(made.status).toBe(201);
  return String(made.json.sha);
}

async function make(slug: string): Promise<string> {
  return String((await call("POST", "/repos", { slug, init: false })).json.id);
}

async function fork(from: string, slug: string, mode = "instant"): Promise<Record<string, unknown>> {
  const made = await call("POST", `/repos/${from}/fork`, { slug, mode });
  expect(made.status).toBe(201);
  return made.json;
}

/** What was committed to a branch that is gone. */
interface Secret {
  readonly commit: string;
  readonly tree: string;
  readonly blob: string;
}

/** A repository with a file on main and a secret on a branch that was deleted. */
async function makeParent(
  slug: string,
): Promise<{ readonly id: string; readonly secret: Secret; readonly main: string }> {
  const id = await make(slug);
  await commit(slug, "main", { "a.txt": "a\n" });
  await call("POST", `/repos/${slug}/branches`, { name: "secret", from: "main" });
  const sha = await commit(slug, "secret", { "dir/key.txt": `key of ${slug}\n`, "a.txt": "a\nplus\n" });
  const main = await commit(slug, "main", { "b.txt": "b\n" });
  const tree = await call("GET", `/repos/${slug}/tree/${sha}?recursive=true`);
  const items = tree.json.items as { path: string; sha: string }[];
  const shaOf = (path: string) => items.find((item) => item.path === path)?.sha ?? "";
  expect((await call("DELETE", `/repos/${slug}/branches/secret`)).status).toBe(200);
  return { id, main, secret: { commit: sha, tree: shaOf("dir"), blob: shaOf("dir/key.txt") } };
}

/** Every way to name an object by its id, and what it answers. */
async function askEverything(
  slug: string,
  { commit: sha, tree, blob }: Secret,
): Promise<Readonly<Record<string, number>>> {
  const get = async (path: string) => (await call("GET", `/repos/${slug}/${path}`)).status;
  const post = async (path: string, body: object) =>
    (await call("POST", `/repos/${slug}/${path}`, body)).status;
  return {
    commit: await get(`commits/${sha}`),
    log: await get(`commits?ref=${sha}`),
    objectCommit: await get(`objects/${sha}`),
    objectTree: await get(`objects/${tree}`),
    objectBlob: await get(`objects/${blob}`),
    treeOfCommit: await get(`tree/${sha}`),
    treeOfTree: await get(`tree/${tree}`),
    raw: await get(`raw/${sha}/dir/key.txt`),
    rawOfTree: await get(`raw/${tree}/key.txt`),
    blob: await get(`blob/${sha}/dir/key.txt`),
    revParse: await get(`rev-parse?ref=${sha}`),
    revision: await get(`rev-parse?ref=${sha}~1`),
    diff: await get(`diff?base=main&head=${sha}&patch=true`),
    diffOfTree: await get(`diff?base=main&head=${tree}&patch=true`),
    compare: await get(`compare?base=main&head=${sha}`),
    batch: await post("blobs/batch", { ref: sha, paths: ["dir/key.txt"] }),
    prefetch: await post("prefetch", { ref: sha, globs: ["**"] }),
    branch: await post("branches", { name: "again", from_sha: sha }),
    tag: await post("tags", { name: "v", target: sha }),
    pick: await post("cherry-pick", { base: "main", head: sha, onto: "main" }),
    merge: await post("branches/main/merge", { source: sha, strategy: "squash", dry_run: true }),
    reset: await post("reset", { branch: "main", sha }),
    putRef: (await call("PUT", `/repos/${slug}/refs/heads/x`, { sha })).status,
  };
}

beforeAll(async () => {
  const org = await app.request("/v1/admin/orgs", {
    method: "POST",
    headers: { "x-admin-key": "test-admin-key", "content-type": "application/json" },
    body: JSON.stringify({ slug: "reach" }),
  });
  key = ((await org.json()) as { api_key: string }).api_key;
});

describe("what no ref of a fork leads to", () => {
  test.each([
    ["not packed", false, "instant"],
    ["in a shared pack", true, "instant"],
    ["in a copied pack", true, "deep"],
  ] as const)("is not there when it is %s", async (name, packed, mode) => {
    const slug = `parent-${name.replaceAll(" ", "-")}`;
    const { id, secret } = await makeParent(slug);
    if (packed) await storeOf(id).flush();
    const made = await fork(slug, `${slug}-fork`, mode);
    expect(mode === "deep" ? made.owned_blobs : made.shared_blobs).toBe(2);
    const answers = await askEverything(`${slug}-fork`, secret);
    expect(Object.fromEntries(Object.entries(answers).filter(([, status]) => status !== 404))).toEqual({});
    // The questions are good ones: where the objects are, they are answered.
    const ofParent = Object.values(await askEverything(slug, secret));
    expect(ofParent.filter((status) => status === 404)).toEqual([]);
  });

  test("is not there for git either: not as a want, not as a have, not as the base of a push", async () => {
    const { id, secret, main } = await makeParent("git-parent");
    await storeOf(id).flush();
    await fork("git-parent", "git-fork");
    const fetchPack = async (lines: readonly string[]) => {
      const request = ["command=fetch", ...lines].map((line) => `${line}\n`);
      const parts = [encodePkt(request[0] ?? ""), new TextEncoder().encode("0001")];
      const body = [...parts, ...request.slice(1).map((line) => encodePkt(line)), FLUSH_PKT];
      const reply = await app.request("/reach/git-fork.git/git-upload-pack", {
        method: "POST",
        headers: {
          authorization: `Basic ${btoa(`x:${key}`)}`,
          "git-protocol": "version=2",
          "content-type": "application/x-git-upload-pack-request",
        },
        body: Buffer.concat(body),
      });
      return Buffer.from(await reply.arrayBuffer()).toString("latin1");
    };
    for (const oid of [secret.commit, secret.tree, secret.blob]) {
      expect(await fetchPack([`want ${oid}`, "done"])).toContain("not our ref");
    }
    expect(await fetchPack([`want ${main}`, `have ${secret.commit}`])).not.toContain(`ACK ${secret.commit}`);
    expect(await fetchPack([`want ${main}`, "done"])).toContain("packfile");
  });

  test("comes into the fork by writing it there oneself", async () => {
    const { id, secret } = await makeParent("rewritten");
    await storeOf(id).flush();
    const { id: forkId } = await fork("rewritten", "rewriter");
    await commit("rewriter", "main", { "dir/key.txt": "key of rewritten\n" });
    expect((await call("GET", `/repos/rewriter/objects/${secret.blob}`)).status).toBe(200);
    await storeOf(String(forkId)).flush();
    expect((await call("GET", "/repos/rewriter/blob/main/dir/key.txt")).json.content).toBe(
      "key of rewritten\n",
    );
    expect((await call("GET", `/repos/rewriter/commits/${secret.commit}`)).status).toBe(404);
  });

  test("stays away in forks of forks, and when the fork's packs are merged", async () => {
    const { id, secret } = await makeParent("line");
    await storeOf(id).flush();
    let from = "line";
    for (let depth = 1; depth <= 3; depth++) {
      const { id: forkId, shared_blobs } = await fork(from, `line-${depth}`);
      expect(shared_blobs).toBe(1 + depth);
      from = `line-${depth}`;
      await commit(from, "main", { [`own-${depth}.txt`]: `${depth}` });
      await storeOf(String(forkId)).flush();
    }
    for (const slug of ["line-1", "line-3"]) {
      expect((await call("GET", `/repos/${slug}/commits/${secret.commit}`)).status).toBe(404);
      expect((await call("GET", `/repos/${slug}/objects/${secret.blob}`)).status).toBe(404);
      expect((await call("GET", `/repos/${slug}/blob/main/b.txt`)).json.content).toBe("b\n");
    }
  });

  test("is not brought along when the parent's own branch is merged into its fork", async () => {
    const { id, secret } = await makeParent("synced");
    await storeOf(id).flush();
    await fork("synced", "syncer");
    const tip = await commit("synced", "main", { "c.txt": "c\n" });
    expect((await call("POST", "/repos/syncer/sync-upstream", {})).json.sha).toBe(tip);
    expect((await call("GET", `/repos/syncer/objects/${secret.blob}`)).status).toBe(404);
    // A branch that has the hidden objects again brings them again.
    await call("POST", "/repos/synced/branches", { name: "back", from_sha: secret.commit });
    expect((await call("POST", "/repos/syncer/sync-upstream", { branch: "back" })).status).toBe(200);
    expect((await call("GET", "/repos/syncer/blob/back/dir/key.txt")).json.content).toBe("key of synced\n");
  });

  test("takes nothing from a fork of a repository whose refs reach everything", async () => {
    const id = await make("whole");
    await commit("whole", "main", { "a.txt": "a" });
    await storeOf(id).flush();
    const made = await fork("whole", "whole-fork");
    const { packs } = await storeOf(String(made.id)).snapshot({});
    expect(packs?.map(({ hidden }) => hidden)).toEqual([undefined]);
    await runDurableObjectAlarm(workersEnv.REPO.get(workersEnv.REPO.idFromName(String(made.id))));
    expect((await call("GET", "/repos/whole-fork/blob/main/a.txt")).json.content).toBe("a");
  });
});

test("what is landed out of a fork in a session is seen there first, and by others when it is flushed", async () => {
  await make("in-session");
  await commit("in-session", "main", { "a.txt": "a" });
  await fork("in-session", "in-session-fork");
  await commit("in-session-fork", "main", { "b.txt": "b" });
  const session = String((await call("POST", "/session", {})).json.session_id);
  const outside = { "x-api-key": key };
  const inside = { ...outside, "x-session-id": session, "content-type": "application/json" };
  const landed = await app.request("/v1/repos/in-session/land", {
    method: "POST",
    headers: inside,
    body: JSON.stringify({ source_repo: "in-session-fork", source: "main", target: "main" }),
  });
  expect(landed.status).toBe(200);
  const read = async (headers: Record<string, string>) =>
    (await app.request("/v1/repos/in-session/raw/main/b.txt", { headers })).status;
  expect([await read(inside), await read(outside)]).toEqual([200, 404]);
  expect((await call("POST", `/session/${session}/flush`)).status).toBe(200);
  expect(await read(outside)).toBe(200);
});
