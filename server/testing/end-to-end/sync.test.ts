import { createHmac, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GitHost, serveGitHost } from "../git-http-backend.ts";
import { makeRandomHistory } from "../random-history.ts";
import { git, hasGit, makeFolder, type RealRepo } from "../real-git.ts";
import { type Reply, startTestServer, type TestServer } from "./local-server.ts";

const TOKEN = "glpat-very-secret";

let root: string;
let openHost: GitHost;
let closedHost: GitHost;
let server: TestServer;

beforeAll(async () => {
  if (!hasGit) return;
  root = await makeFolder();
  openHost = await serveGitHost(root);
  closedHost = await serveGitHost(root, { credential: `oauth2:${TOKEN}` });
  server = await startTestServer({ outboundHosts: [openHost.host, closedHost.host] });
});
afterAll(async () => {
  await server?.stop();
  await openHost?.close();
  await closedHost?.close();
});

/** A bare repository behind both hosts. */
async function makeRemote(name: string): Promise<RealRepo> {
  const dir = join(root, `${name}.git`);
  await mkdir(dir, { recursive: true });
  await git(["init", "-q", "--bare", "-b", "main", dir]);
  await git(["config", "http.receivepack", "true"], { cwd: dir });
  const run: RealRepo["git"] = (args, options = {}) => git(args, { ...options, cwd: dir });
  const remove = async () => undefined;
  return { dir, git: run, remove, [Symbol.asyncDispose]: remove };
}

/** A bare repository with a random history on `main`, and some of it on `c7`. */
async function makeHistory(name: string, seed: number, commits: number): Promise<RealRepo> {
  const repo = await makeRemote(name);
  await makeRandomHistory(repo, { seed, commits, dates: "rising" });
  // A merge of everything, so that all of it is reachable.
  const tips = (await repo.git(["for-each-ref", "--format=%(objectname)", "refs/heads"])).text.split("\n");
  const parents = tips.flatMap((tip) => ["-p", tip]);
  const tree = (await repo.git(["rev-parse", `c${commits - 1}^{tree}`])).text;
  const merge = (await repo.git(["commit-tree", tree, ...parents, "-m", "all"])).text;
  const names = Array.from({ length: commits }, (_, i) => i).filter((i) => i !== 7);
  const lines = [`update refs/heads/main ${merge}`, ...names.map((i) => `delete refs/heads/c${i}`)];
  await repo.git(["update-ref", "--stdin"], { input: `${lines.join("\n")}\n` });
  return repo;
}

/** Commits one file to a branch of a bare repository, and gives the commit. */
async function commitTo(repo: RealRepo, branch: string, text: string): Promise<string> {
  const blob = (await repo.git(["hash-object", "-w", "--stdin"], { input: text })).text;
  const tree = (await repo.git(["mktree"], { input: `100644 blob ${blob}\tfile.txt\n` })).text;
  const ref = `refs/heads/${branch}`;
  const before = await repo.git(["rev-parse", "-q", "--verify", ref], { allowFailure: true });
  const parents = before.status === 0 ? ["-p", before.text] : [];
  const commit = (await repo.git(["commit-tree", tree, ...parents, "-m", text.slice(0, 100)])).text;
  await repo.git(["update-ref", ref, commit]);
  return commit;
}

/** Commits one file through the API, and gives the commit. */
async function commitHere(slug: string, branch: string, text: string): Promise<string> {
  const body = { branch, message: text, changes: [{ path: "here.txt", content: text }] };
  const reply = await server.call("POST", `/repos/${slug}/commits`, { body });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return reply.body.sha;
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  server.call("POST", path, { body, headers });
const ourUrl = (slug: string) =>
  `http://x:${server.local.apiKey}@${new URL(server.local.url).host}/${server.local.org}/${slug}.git`;
const theirUrl = (name: string, host = openHost) => `${host.url}/${name}.git`;

async function lsRemote(url: string): Promise<string> {
  return (await git(["ls-remote", url])).text
    .split("\n")
    .filter((line) => line !== "")
    .sort()
    .join("\n");
}

async function importNew(slug: string, name = slug, more: Record<string, unknown> = {}): Promise<Reply> {
  const reply = await post("/import", { slug, url: theirUrl(name), wait_seconds: 30, ...more });
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  return reply;
}

async function connect(more: Record<string, unknown> = {}): Promise<string> {
  const reply = await post("/connections", {
    provider: "gitlab",
    label: "closed",
    access_token: TOKEN,
    base_url: closedHost.url,
    ...more,
  });
  expect(reply.status, JSON.stringify(reply.body)).toBe(201);
  return reply.body.id;
}

const statusOf = (run: { refs: { ref: string; status: string }[] }, ref: string) =>
  run.refs.filter((line) => line.ref === ref).map(({ status }) => status);

/** The run that is the newest one when no link waits and nothing runs any more. */
async function settle(slug: string): Promise<{ runs: number; last: Reply["body"] }> {
  for (;;) {
    const { body } = await server.call("GET", `/repos/${slug}/sync/history?limit=100`);
    const open = body.runs.find(({ ended_at }: { ended_at: string | null }) => ended_at === null);
    if (open) {
      await server.call("GET", `/repos/${slug}/sync/runs/${open.id}?wait_seconds=10`);
      continue;
    }
    const { configs } = (await server.call("GET", `/repos/${slug}/sync/config`)).body;
    const due = configs.map(({ next_run_at }: { next_run_at: string | null }) => next_run_at).find(Boolean);
    if (!due) return { runs: body.runs.length, last: body.runs[0] };
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

/** As {@link settle}, when a push has made the link run again since the run `before`. */
async function settleAfterPush(slug: string, before: string): Promise<Awaited<ReturnType<typeof settle>>> {
  for (;;) {
    const settled = await settle(slug);
    if (settled.last.trigger === "push" && settled.last.id !== before) return settled;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

describe.runIf(hasGit)("an import into a new repository", () => {
  test("brings no more than the org may store", async () => {
    await commitTo(await makeRemote("weighty"), "main", randomBytes(100_000).toString("base64"));
    const setQuota = (storage_bytes: number | null) =>
      server.call("PATCH", `/admin/orgs/${server.local.org}`, {
        key: null,
        headers: { "x-admin-key": server.local.adminKey },
        body: { quotas: { storage_bytes } },
      });
    expect((await setQuota(50_000)).status).toBe(200);
    const tight = (await importNew("tight", "weighty")).body.run;
    expect([tight.status, tight.error.code]).toEqual(["failed", "too-large"]);
    expect((await setQuota(0)).status).toBe(200);
    const full = (await importNew("full", "weighty")).body.run;
    expect([full.status, full.error.code]).toEqual(["failed", "quota-exceeded"]);
    for (const slug of ["tight", "full"]) expect(await lsRemote(ourUrl(slug))).toBe("");
    expect((await setQuota(null)).status).toBe(200);
    expect((await importNew("roomy", "weighty")).body.run.status).toBe("succeeded");
  });

  test("brings branches, tags, HEAD and all objects, as git itself would", async () => {
    const remote = await makeHistory("whole", 11, 120);
    await remote.git(["tag", "-a", "-m", "one", "v1", "HEAD"]);
    await remote.git(["tag", "light", "c7"]);
    await remote.git(["branch", "feature/x", "c7"]);
    await remote.git(["update-ref", "refs/pull/1/head", "c7"]);
    await remote.git(["branch", "-m", "main", "trunk"]);
    const { body } = await importNew("whole");
    expect(body.run).toMatchObject({ status: "succeeded", error: null, direction: "import" });
    const theirs = (await lsRemote(theirUrl("whole")))
      .split("\n")
      .filter((line) => !line.includes("refs/pull/"));
    expect((await lsRemote(ourUrl("whole"))).split("\n")).toEqual(theirs);
    const clone = await makeFolder();
    await git(["clone", "-q", "--mirror", ourUrl("whole"), clone]);
    await git(["fsck", "--strict", "--full"], { cwd: clone });
    const list = (cwd: string) => git(["rev-list", "--objects", "--all", "--no-object-names"], { cwd });
    const ours = (await list(clone)).text.split("\n").sort();
    const kept = (
      await git(["rev-list", "--objects", "--branches", "--tags", "--no-object-names"], { cwd: remote.dir })
    ).text;
    expect(ours).toEqual(kept.split("\n").sort());
    expect(body.run.objects).toBe(ours.length);
    const repo = await server.call("GET", "/repos/whole");
    expect(repo.body.default_branch).toBe((await remote.git(["symbolic-ref", "--short", "HEAD"])).text);
  });

  test("is answered again for the same Idempotency-Key, and refused for a name that is taken", async () => {
    await commitTo(await makeRemote("once"), "main", "one");
    const body = { slug: "once", url: theirUrl("once"), wait_seconds: 30 };
    const first = await post("/import", body, { "idempotency-key": "k1" });
    const again = await post("/import", body, { "idempotency-key": "k1" });
    expect([first.status, again.status]).toEqual([202, 202]);
    expect([again.body.repo.id, again.body.run.id]).toEqual([first.body.repo.id, first.body.run.id]);
    expect((await post("/import", body)).status).toBe(409);
  });

  test("of an empty repository is an empty repository", async () => {
    await makeRemote("void");
    const { body } = await importNew("void");
    expect(body.run).toMatchObject({ status: "succeeded", refs_total: 0 });
  });

  test("takes only the branches that are named", async () => {
    const remote = await makeRemote("some");
    for (const branch of ["main", "release/1", "release/2", "topic"]) await commitTo(remote, branch, branch);
    await remote.git(["tag", "t", "topic"]);
    await importNew("some", "some", { branches: ["main", "release/*"] });
    const { body } = await server.call("GET", "/repos/some/refs");
    expect(body.refs.map(({ ref }: { ref: string }) => ref)).toEqual([
      "refs/heads/main",
      "refs/heads/release/1",
      "refs/heads/release/2",
    ]);
  });

  test("works with a server that only speaks version 0", async () => {
    const remote = await makeHistory("old", 5, 40);
    const oldHost = await serveGitHost(root, { protocol: 0 });
    const other = await startTestServer({ outboundHosts: [oldHost.host] });
    try {
      const reply = await other.call("POST", "/import", {
        body: { slug: "old", url: `${oldHost.url}/old.git`, wait_seconds: 30 },
      });
      expect(reply.body.run).toMatchObject({ status: "succeeded" });
      const more = await commitTo(remote, "main", "more");
      const run = await other.call("POST", "/repos/old/sync/import", {
        body: { remote: `${oldHost.url}/old.git`, wait_seconds: 30 },
      });
      expect(run.body).toMatchObject({ status: "succeeded", objects: 3 });
      expect(run.body.refs[0]).toMatchObject({ status: "updated", new_sha: more });
    } finally {
      await other.stop();
      await oldHost.close();
    }
  });
});

describe.runIf(hasGit)("a link that imports", () => {
  let remote: RealRepo;
  beforeAll(async () => {
    remote = await makeHistory("linked", 3, 60);
    await importNew("linked", "linked", { sync: { direction: "import" } });
  });
  const run = async (body: Record<string, unknown> = {}) =>
    (await post("/repos/linked/sync/import", { wait_seconds: 30, ...body })).body;

  test("brings only what is new", async () => {
    const commit = await commitTo(remote, "main", "new");
    const done = await run();
    // A commit, a tree, a blob.
    expect(done).toMatchObject({ status: "succeeded", objects: 3 });
    expect(done.refs[0]).toMatchObject({ ref: "refs/heads/main", status: "updated", new_sha: commit });
    expect((await run()).refs.map(({ status }: { status: string }) => status)).toEqual([
      "up-to-date",
      "up-to-date",
    ]);
  });

  test("leaves what has diverged as it is, and says so; moves it when told to", async () => {
    const ours = await commitHere("linked", "main", "work here");
    const theirs = await commitTo(remote, "main", "work there");
    const done = await run();
    expect(done.status).toBe("partial");
    expect(done.refs[0]).toMatchObject({ status: "diverged", old_sha: ours, new_sha: theirs });
    expect((await server.call("GET", "/repos/linked/branches/main")).body.sha).toBe(ours);
    const { configs } = (await server.call("GET", "/repos/linked/sync")).body;
    expect(configs[0].last_error).toContain("refs/heads/main: both sides have commits");
    expect(statusOf(await run({ force: true }), "refs/heads/main")).toEqual(["forced"]);
    expect((await server.call("GET", "/repos/linked/branches/main")).body.sha).toBe(theirs);
  });

  test("does not take back a branch that has more here", async () => {
    const ours = await commitHere("linked", "main", "ahead");
    expect(statusOf(await run(), "refs/heads/main")).toEqual(["ahead"]);
    expect((await server.call("GET", "/repos/linked/branches/main")).body.sha).toBe(ours);
    expect(statusOf(await run({ force: true }), "refs/heads/main")).toEqual(["forced"]);
  });

  test("deletes what it brought only when told to, and nothing that was changed here", async () => {
    await commitTo(remote, "gone", "g");
    await commitTo(remote, "touched", "t");
    await run();
    await commitHere("linked", "touched", "mine");
    await commitHere("linked", "main", "local");
    await post("/repos/linked/branches", { name: "own", from: "main" });
    await remote.git(["update-ref", "-d", "refs/heads/gone"]);
    await remote.git(["update-ref", "-d", "refs/heads/touched"]);
    const kept = await run();
    expect([statusOf(kept, "refs/heads/gone"), statusOf(kept, "refs/heads/touched")]).toEqual([
      ["kept"],
      ["kept"],
    ]);
    const pruned = await run({ prune: true });
    expect(statusOf(pruned, "refs/heads/gone")).toEqual(["deleted"]);
    expect(statusOf(pruned, "refs/heads/touched")).toEqual(["kept"]);
    const { branches } = (await server.call("GET", "/repos/linked/branches")).body;
    expect(branches.map(({ name }: { name: string }) => name)).toEqual(["c7", "main", "own", "touched"]);
  });

  test("is shown with its state", async () => {
    const config = (await server.call("GET", "/repos/linked/sync/config")).body.config;
    expect(config).toMatchObject({ provider: "git", direction: "import", state: "active", auto_sync: false });
    expect(config.id).toMatch(/^sync_[0-9A-Za-z]{22}_[0-9A-Za-z]{12}$/);
  });

  test("is triggered and answered as in the API that it follows", async () => {
    const commit = await commitTo(remote, "other", "o");
    const config = (await server.call("GET", "/repos/linked/sync/config")).body.config;
    const done = await post("/repos/linked/sync", { sync_id: config.id, branch: "other" });
    expect(done.status, JSON.stringify(done.body)).toBe(200);
    expect(done.body).toMatchObject({
      synced: true,
      remote_sha: commit,
      commit_sha: commit,
      files_changed: 1,
      deleted: 0,
    });
    const again = await post("/repos/linked/sync", { sync_id: config.id, branch: "other" });
    expect(again.body).toMatchObject({ synced: false, remote_sha: commit, commit_sha: null });
  });
});

describe.runIf(hasGit)("an export", () => {
  test("sends history once, then only what is new, and says of each ref what the server said", async () => {
    const target = await makeRemote("target");
    const source = await makeHistory("source", 8, 50);
    await source.git(["tag", "-a", "-m", "one", "v1", "main"]);
    await importNew("out", "source");
    const once = { remote: theirUrl("target"), wait_seconds: 30 };
    const first = (await post("/repos/out/sync/export", once)).body;
    expect(first, JSON.stringify(first.error)).toMatchObject({ status: "succeeded" });
    expect(await lsRemote(theirUrl("target"))).toBe(await lsRemote(ourUrl("out")));
    await target.git(["fsck", "--strict", "--full"]);
    await commitHere("out", "main", "more");
    const second = (await post("/repos/out/sync/export", once)).body;
    expect(second.refs[0]).toMatchObject({ ref: "refs/heads/main", status: "updated" });
    expect(second.objects).toBe(3);
    await target.git(["fsck", "--strict", "--full"]);
  });

  test("never overwrites what the remote has more, unless told to", async () => {
    const target = await makeRemote("target");
    const theirs = await commitTo(target, "main", "theirs");
    await commitHere("out", "main", "ours");
    const once = { remote: theirUrl("target"), wait_seconds: 30 };
    const done = (await post("/repos/out/sync/export", once)).body;
    expect(done).toMatchObject({ status: "partial" });
    expect(done.refs[0]).toMatchObject({ status: "diverged", old_sha: theirs });
    expect((await target.git(["rev-parse", "main"])).text).toBe(theirs);
    const forced = (await post("/repos/out/sync/export", { ...once, force: true })).body;
    expect(statusOf(forced, "refs/heads/main")).toEqual(["forced"]);
    expect(await lsRemote(theirUrl("target"))).toBe(await lsRemote(ourUrl("out")));
  });

  test("names the ref that a hook of the remote refuses; the others land", async () => {
    const target = await makeRemote("guarded");
    const hook = join(target.dir, "hooks/update");
    await git(["config", "core.hooksPath", "hooks"], { cwd: target.dir });
    await writeFile(hook, '#!/bin/sh\ntest "$1" != refs/heads/main\n', { mode: 0o755 });
    await post("/repos/out/branches", { name: "free", from: "main" });
    const once = { remote: theirUrl("guarded"), wait_seconds: 30 };
    const done = (await post("/repos/out/sync/export", once)).body;
    expect(done).toMatchObject({ status: "partial", error: null });
    const main = done.refs.find(({ ref }: { ref: string }) => ref === "refs/heads/main");
    expect(main).toMatchObject({ status: "rejected", message: "hook declined" });
    expect(statusOf(done, "refs/heads/free")).toEqual(["created"]);
    const atomic = (await post("/repos/out/sync/export", { ...once, atomic: true, branches: ["*", "main"] }))
      .body;
    expect(statusOf(atomic, "refs/heads/main")).toEqual(["rejected"]);
  });

  test("of more than a megabyte goes as a stream", async () => {
    const target = await makeRemote("large");
    await post("/repos", { slug: "large" });
    const content = randomBytes(3_000_000).toString("base64");
    const change = { path: "large.bin", content, encoding: "base64" };
    await post("/repos/large/commits", { branch: "main", message: "large", changes: [change] });
    const done = (await post("/repos/large/sync/export", { remote: theirUrl("large"), wait_seconds: 30 }))
      .body;
    expect(done, JSON.stringify(done.error)).toMatchObject({ status: "succeeded" });
    expect(done.pack_bytes).toBeGreaterThan(3_000_000);
    await target.git(["fsck", "--strict", "--full"]);
  });
});

describe.runIf(hasGit)("a credential", () => {
  test("is asked for by the host and sent as its provider wants it; it is never shown", async () => {
    await commitTo(await makeRemote("group/private"), "main", "p");
    const id = await connect();
    const list = await server.call("GET", "/connections");
    expect(JSON.stringify(list.body)).not.toContain(TOKEN);
    const tested = await post(`/connections/${id}/test`, { remote: "group/private" });
    expect(tested.body).toMatchObject({ valid: true });
    const done = await importNew("private", "group/private", { url: "group/private", connection_id: id });
    expect(done.body.run).toMatchObject({ status: "succeeded", url: `${closedHost.url}/group/private.git` });
    expect(closedHost.requests.at(-1)?.authorization).toBe(
      `Basic ${Buffer.from(`oauth2:${TOKEN}`).toString("base64")}`,
    );
    expect((await server.call("GET", "/connections")).body.connections[0].last_synced_at).not.toBeNull();
  });

  test("that is refused stops its link, and a new one lets it go on", async () => {
    const id = await connect({ label: "wrong", access_token: "wrong" });
    expect((await post(`/connections/${id}/test`, { remote: "group/private" })).body).toMatchObject({
      valid: false,
      error: "the remote answered 401",
    });
    const done = await importNew("stopped", "", {
      url: "group/private",
      connection_id: id,
      sync: { interval_seconds: 3_600 },
    });
    expect(done.body.run).toMatchObject({ status: "failed", error: { code: "unauthorized" } });
    const read = async () => (await server.call("GET", "/repos/stopped/sync/config")).body.config;
    expect(await read()).toMatchObject({ state: "stopped", failures: 1, next_run_at: null });
    await server.call("PATCH", `/connections/${id}`, { body: { access_token: TOKEN } });
    await post("/repos/stopped/sync", {});
    expect(await read()).toMatchObject({ state: "active", failures: 0, last_error: null });
  });

  test("that was deleted ends what used it, with a reason", async () => {
    const id = await connect();
    await post("/repos", { slug: "orphan" });
    await post("/repos/orphan/sync/config", { connection_id: id, remote: "group/private" });
    expect((await server.call("DELETE", `/connections/${id}`)).body).toEqual({ deleted: true });
    const done = await post("/repos/orphan/sync/import", { wait_seconds: 30 });
    // The link names a connection that is gone.
    expect(done.status).toBe(400);
    expect(done.body.error).toContain("there is no such connection");
  });
});

describe.runIf(hasGit)("a hook", () => {
  const call = async (url: string, headers: Record<string, string>, body = '{"ref":"refs/heads/main"}') => {
    const response = await fetch(url, { method: "POST", headers, body });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const sign = (secret: string, body: string) =>
    `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const body = '{"ref":"refs/heads/main"}';
  let remote: RealRepo;
  let config: { id: string; webhook_url: string; webhook_secret: string };
  beforeAll(async () => {
    remote = await makeRemote("hooked");
    await commitTo(remote, "main", "one");
    config = (await importNew("hooked", "hooked", { sync: { on: ["webhook"] } })).body.config;
  });

  test("that is signed as GitHub signs makes the link run", async () => {
    const commit = await commitTo(remote, "main", "two");
    const signature = sign(config.webhook_secret, body);
    const taken = await call(config.webhook_url, {
      "x-hub-signature-256": signature,
      "x-github-event": "push",
    });
    expect(taken).toEqual({ status: 202, body: { accepted: true } });
    const { last } = await settle("hooked");
    expect(last).toMatchObject({ trigger: "webhook", status: "succeeded" });
    expect((await server.call("GET", "/repos/hooked/branches/main")).body.sha).toBe(commit);
  });

  test("with GitLab's token does so too; a ping does nothing", async () => {
    const commit = await commitTo(remote, "main", "three");
    const token = { "x-gitlab-token": config.webhook_secret, "x-gitlab-event": "Push Hook" };
    expect((await call(config.webhook_url, token)).body).toEqual({ accepted: true });
    await settle("hooked");
    expect((await server.call("GET", "/repos/hooked/branches/main")).body.sha).toBe(commit);
    const ping = { "x-hub-signature-256": sign(config.webhook_secret, body), "x-github-event": "ping" };
    expect(await call(config.webhook_url, ping)).toEqual({ status: 202, body: { accepted: false } });
  });

  test("without the secret is one answer, whether the link exists or not", async () => {
    const unknown = config.webhook_url.replace(/.{12}$/, "000000000000");
    const wrong = { "x-hub-signature-256": sign("wrong", body) };
    const answers = [];
    for (const [url, headers] of [
      [config.webhook_url, {}],
      [config.webhook_url, wrong],
      [config.webhook_url, { "x-gitlab-token": "wrong" }],
      [config.webhook_url, { "x-hub-signature-256": sign(config.webhook_secret, `${body} `) }],
      [unknown, wrong],
      [unknown, { "x-hub-signature-256": sign(config.webhook_secret, body) }],
      [`${server.local.url}/v1/hooks/github/x`, wrong],
    ] as const) {
      const answer = await call(url, headers);
      answers.push(JSON.stringify(answer));
    }
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0] ?? "")).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
  });

  test("shows its secret once", async () => {
    const shown = JSON.stringify((await server.call("GET", "/repos/hooked/sync")).body);
    expect(shown).toContain(config.webhook_url);
    expect(shown).not.toContain(config.webhook_secret);
  });
});

describe.runIf(hasGit)("an address that is not for this server", () => {
  test.each([
    "http://127.0.0.1:1/r.git",
    "http://localhost/r.git",
    "http://2130706433/r.git",
    "http://169.254.169.254/latest/meta-data",
    "http://[::ffff:127.0.0.1]/r.git",
    "https://u:p@github.com/o/r.git",
    "file:///etc/passwd",
    "ssh://git@github.com/o/r.git",
    "git@github.com:o/r.git",
    "-oProxyCommand=x",
  ])("is refused before anything is made: %s", async (url) => {
    const reply = await post("/import", { slug: "ssrf", url });
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ code: "VALIDATION_ERROR", fields: [{ field: "remote" }] });
    expect((await server.call("GET", "/repos/ssrf")).status).toBe(404);
  });

  test("is not reached by a redirect of a remote that may be called", async () => {
    openHost.intercept = (incoming, outgoing) => {
      if (!incoming.url?.startsWith("/redirects.git")) return false;
      outgoing
        .writeHead(302, { location: `${server.local.url}/v1/x.git/info/refs?service=git-upload-pack` })
        .end();
      return true;
    };
    const { body } = await importNew("redirected", "redirects");
    expect(body.run).toMatchObject({ status: "failed", error: { code: "refused-address" } });
    openHost.intercept = null;
  });

  test("cannot be the base of a connection", async () => {
    const make = (base_url: string) =>
      post("/connections", { provider: "git", label: "x", access_token: "t", base_url });
    for (const base of ["http://10.0.0.1", "http://example.org", "https://u@example.org", "nonsense"]) {
      expect((await make(base)).body).toMatchObject({
        code: "VALIDATION_ERROR",
        fields: [{ field: "base_url" }],
      });
    }
    const reply = await post("/connections", { provider: "git", label: "x", access_token: "t" });
    expect(reply.body.fields).toEqual([{ field: "base_url", message: "is required for this provider" }]);
  });

  test("cannot be named beside a connection", async () => {
    const connection_id = await connect({ label: "other" });
    await post("/repos", { slug: "elsewhere" });
    for (const remote of [
      "https://evil.example.org/o/r",
      "../../x",
      "a/../b",
      "a//b",
      "group",
      "a b/c",
      "a/b?x",
    ]) {
      const reply = await post("/repos/elsewhere/sync/config", { connection_id, remote });
      expect([remote, reply.status, reply.body.fields?.[0]?.field]).toEqual([remote, 400, "remote"]);
    }
  });
});

describe.runIf(hasGit)("links", () => {
  test("are refused when they make no sense", async () => {
    await post("/repos", { slug: "nonsense" });
    const remote = theirUrl("whole");
    for (const [body, field] of [
      [{ remote, direction: "both", force: true }, "force"],
      [{ remote, on: ["push"] }, "on"],
      [{ remote, direction: "export", on: ["webhook"] }, "on"],
      [{ remote, branch: "a", branches: ["b"] }, "branch"],
      [{ remote, interval_seconds: 1 }, "interval_seconds"],
      [{ remote, connection_id: "conn_none" }, "connection_id"],
    ] as const) {
      const reply = await post("/repos/nonsense/sync/config", body);
      expect([field, reply.status, reply.body.fields?.[0]?.field]).toEqual([field, 400, field]);
    }
    expect((await server.call("GET", "/repos/nonsense/sync/config")).body).toEqual({
      config: null,
      configs: [],
    });
    expect((await post("/repos/nonsense/sync", {})).status).toBe(404);
  });

  test("are told apart by id when there are several, and can be changed and removed", async () => {
    await post("/repos", { slug: "several" });
    const make = (branch: string) =>
      post("/repos/several/sync/config", { remote: theirUrl("whole"), branch });
    const [first, second] = [await make("a"), await make("b")];
    expect(first.body).toMatchObject({ branch: "a", tags: false, webhook_id: null });
    expect((await server.call("PATCH", "/repos/several/sync/config", { body: { tags: true } })).status).toBe(
      400,
    );
    const path = `/repos/several/sync/config?sync_id=${second.body.id}`;
    const changed = await server.call("PATCH", path, { body: { tags: true, prune: true } });
    expect(changed.body).toMatchObject({ updated: true, branch: "b", tags: true, prune: true });
    expect((await server.call("DELETE", path)).body).toEqual({ deleted: true });
    const left = (await server.call("GET", "/repos/several/sync/config")).body;
    expect(left.configs.map(({ id }: { id: string }) => id)).toEqual([first.body.id]);
  });

  test("are the master key's to make and run, and anybody's to see who may read", async () => {
    const made = await post("/tokens", { name: "t", scopes: { "repos:several": ["read", "write"] } });
    const key = made.body.token;
    for (const path of ["sync", "sync/import", "sync/export", "sync/config"]) {
      const reply = await server.call("POST", `/repos/several/${path}`, {
        key,
        body: { remote: theirUrl("whole") },
      });
      expect([path, reply.status]).toEqual([path, 403]);
    }
    expect((await server.call("GET", "/repos/several/sync", { key })).status).toBe(200);
    expect((await server.call("GET", "/connections", { key })).status).toBe(403);
  });

  test("go with their repository", async () => {
    await post("/repos", { slug: "doomed" });
    const { body } = await post("/repos/doomed/sync/config", {
      remote: theirUrl("whole"),
      interval_seconds: 60,
    });
    expect(body.next_run_at).not.toBeNull();
    await server.call("DELETE", "/repos/doomed");
    expect((await server.call("GET", "/repos/doomed/sync")).status).toBe(404);
  });
});

describe.runIf(hasGit)("a link in both directions", () => {
  test("follows pushes to either side, and comes to rest", async () => {
    const remote = await makeRemote("both");
    await commitTo(remote, "main", "one");
    await importNew("both", "both", { sync: { direction: "both", auto_sync: true } });
    const started = await settleAfterPush("both", "");
    const ours = await commitHere("both", "main", "from here");
    const quiet = await settleAfterPush("both", started.last.id);
    expect((await remote.git(["rev-parse", "main"])).text).toBe(ours);
    expect(quiet.last).toMatchObject({ trigger: "push", status: "succeeded" });
    const theirs = await commitTo(remote, "main", "from there");
    const { config } = (await server.call("GET", "/repos/both/sync/config")).body;
    expect(config.on).toEqual(["push", "webhook"]);
    await post("/repos/both/sync", {});
    const rested = await settleAfterPush("both", quiet.last.id);
    expect((await server.call("GET", "/repos/both/branches/main")).body.sha).toBe(theirs);
    // The import moved a ref here, so there was one more run, which found nothing to do, and no further one.
    expect(rested.last.refs.every(({ status }: { status: string }) => status === "up-to-date")).toBe(true);
    expect(rested.runs).toBeLessThanOrEqual(quiet.runs + 2);
  });

  test("between two servers of this kind ends as well", async () => {
    const other = await startTestServer();
    try {
      await other.call("POST", "/repos", { body: { slug: "twin" } });
      const self = await startTestServer({ outboundHosts: [new URL(other.local.url).host] });
      try {
        const made = await self.call("POST", "/connections", {
          body: {
            provider: "git",
            label: "twin",
            access_token: other.local.apiKey,
            base_url: `${other.local.url}/${other.local.org}`,
          },
        });
        const started = await self.call("POST", "/import", {
          body: {
            slug: "twin",
            url: "twin.git",
            connection_id: made.body.id,
            sync: { direction: "both", auto_sync: true },
            wait_seconds: 30,
          },
        });
        expect(started.body.run, JSON.stringify(started.body)).toMatchObject({ status: "succeeded" });
        const body = { branch: "main", message: "m", changes: [{ path: "a", content: "a" }] };
        const { sha } = (await self.call("POST", "/repos/twin/commits", { body })).body;
        await self.call("POST", "/repos/twin/sync", { body: {} });
        expect((await other.call("GET", "/repos/twin/branches/main")).body.sha).toBe(sha);
      } finally {
        await self.stop();
      }
    } finally {
      await other.stop();
    }
  });
});
