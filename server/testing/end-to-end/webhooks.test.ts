/** Webhooks from the outside: the local server as users run it, and a real receiver. */
import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoregitClient, createCoregitClient } from "../../../sdk/index.ts";
import { verifyWebhook } from "../../../sdk/webhooks.ts";
import { type LocalServer, startLocal } from "../../local/start-local.ts";
import { prepareBuild } from "../cli-process.ts";
import { git, hasGit } from "../real-git.ts";
import { type Received, type Receiver, startReceiver } from "../webhook-receiver.ts";

let folder: string;
let server: LocalServer;
let receiver: Receiver;
let cg: CoregitClient;
const SECRET = "a secret of the test";

beforeAll(async () => {
  await prepareBuild();
  folder = await mkdtemp(join(tmpdir(), "coregit-webhooks-"));
  receiver = await startReceiver();
  server = await startLocal({
    dataDir: join(folder, "data"),
    limits: "off",
    vars: { OUTBOUND_HOSTS: receiver.host, WEBHOOK_RETRY_SECONDS: "0.05,0.05,0.05" },
  });
  cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
});
afterAll(async () => {
  await server?.stop();
  await receiver?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A webhook of a path of its own. */
async function listen(path: string, events: string[], more: object = {}) {
  const made = await cg.webhooks.create({
    url: receiver.url + path,
    // Tests name events as the API does.
    events: events as ["push"],
    secret: SECRET,
    ...more,
  });
  expect(made.status).toBe(201);
  return made.data?.id ?? "";
}

async function makeRepo(slug: string, more: { init?: boolean } = {}): Promise<void> {
  expect((await cg.repos.create({ slug, ...more })).status).toBe(201);
}

async function commit(repo: string, path: string, message = "m"): Promise<string> {
  const changes = [{ path, content: `${path}\n` }];
  const made = await cg.commits.create(repo, { branch: "main", message, changes });
  return made.data?.sha ?? "";
}

/** Waits until a delivery of the webhook has come to an end. */
async function waitForEnd(webhook: string, event: string) {
  for (;;) {
    const page = await cg.webhooks.deliveries(webhook);
    const ended = page.data?.deliveries.find((one) => one.event === event && one.state !== "pending");
    if (ended) return (await cg.webhooks.delivery(webhook, ended.id)).data;
    await delay(20);
  }
}

describe("a push event", () => {
  test("tells of a commit, signed over its body", async () => {
    await makeRepo("told");
    const webhook = await listen("/told", ["push"]);
    const first = await commit("told", "a.txt", "first\n\nwith a body, é");
    const [push] = await receiver.waitFor("/told");
    if (!push) throw new Error("waitFor gives at least one");
    expect(push.json).toMatchObject({
      event: "push",
      ref: "refs/heads/main",
      after: first,
      created: false,
      deleted: false,
      reason: "commit: first",
      organization: { slug: "local" },
      repository: { slug: "told", namespace: null, default_branch: "main", visibility: "private" },
      actor: { type: "key", id: expect.stringMatching(/^key_/) },
      commits: [{ sha: first, message: "first\n\nwith a body, é" }],
      commits_truncated: false,
    });
    expect(push.json.before).toMatch(/^[0-9a-f]{40}$/);
    expect(push.headers).toMatchObject({
      "content-type": "application/json",
      "x-coregit-event": "push",
      "x-coregit-webhook-id": webhook,
      "x-coregit-signature": `sha256=${createHmac("sha256", SECRET).update(push.body).digest("hex")}`,
    });
    const verdict = await verifyWebhook({ ...push, secret: SECRET });
    expect(verdict).toMatchObject({
      kind: "verified",
      deliveryId: push.headers["x-coregit-delivery"],
      payload: { event: "push", after: first },
    });
  });

  test.runIf(hasGit)("tells of what git pushed: newest commits first, and not more than twenty", async () => {
    await makeRepo("pushed", { init: false });
    await listen("/pushed", ["push", "branch.created", "branch.deleted", "tag.created"]);
    const work = join(folder, "pushed");
    const url = `${server.url.replace("://", `://x:${server.apiKey}@`)}/local/pushed.git`;
    await git(["init", "--quiet", "-b", "main", work]);
    for (let i = 0; i < 23; i++) {
      await writeFile(join(work, "n.txt"), `${i}\n`);
      await git(["add", "."], { cwd: work });
      await git(["commit", "--quiet", "-m", `c${i}`], { cwd: work });
    }
    await git(["branch", "side", "HEAD~3"], { cwd: work });
    await git(["tag", "v1"], { cwd: work });
    const push = (...refs: string[]) => git(["push", "--quiet", "--force", url, ...refs], { cwd: work });
    const listed = async (range: string) => (await git(["rev-list", range], { cwd: work })).text.split("\n");
    const shas = (one: Received | undefined) => one?.json.commits.map(({ sha }: { sha: string }) => sha);
    /** The event of a move of main that nothing else has told. */
    const moved = async (from: string | null, to: string) => {
      const before = from && (await listed(from))[0];
      const after = (await listed(to))[0];
      const fits = ({ json }: Received) =>
        json.ref === "refs/heads/main" && json.before === before && json.after === after;
      return (await receiver.waitFor("/pushed", 1, fits))[0];
    };
    await push("HEAD~21:refs/heads/main");
    const made = await moved(null, "HEAD~21");
    expect([made?.json.created, shas(made)]).toEqual([true, await listed("HEAD~21")]);
    await push("HEAD~1:refs/heads/main", "side", "v1");
    const grown = await moved("HEAD~21", "HEAD~1");
    expect(grown?.json).toMatchObject({ reason: "push", commits_truncated: false });
    expect(shas(grown)).toEqual(await listed("HEAD~21..HEAD~1"));
    const of = async (event: string) =>
      (
        await receiver.waitFor("/pushed", 1, (one) => one.json.event === event && one.json.name !== "main")
      )[0];
    expect((await of("branch.created"))?.json).toMatchObject({
      name: "side",
      sha: (await listed("side"))[0],
    });
    expect((await of("tag.created"))?.json).toMatchObject({ ref: "refs/tags/v1", name: "v1" });
    await push("HEAD~22:refs/heads/main", ":side");
    expect((await of("branch.deleted"))?.json).toMatchObject({ name: "side" });
    expect((await moved("HEAD~1", "HEAD~22"))?.json).toMatchObject({ commits: [], commits_truncated: false });
    await push("HEAD:refs/heads/main");
    const whole = await moved("HEAD~22", "HEAD");
    expect(shas(whole)).toEqual((await listed("HEAD~22..HEAD")).slice(0, 20));
    expect(whole?.json.commits_truncated).toBe(true);
  });
});

describe("events of repositories", () => {
  test("tell of creation, change and deletion, and of the last moves of what is deleted", async () => {
    await listen("/life", ["*"]);
    await makeRepo("life");
    await cg.repos.update("life", { visibility: "public" });
    await commit("life", "last.txt");
    await cg.repos.delete("life");
    const mine = await receiver.waitFor("/life", 4, (one) => one.json.repository?.slug === "life");
    const byEvent = new Map(mine.map(({ json }) => [json.event, json]));
    expect([...byEvent.keys()].sort()).toEqual(["push", "repo.created", "repo.deleted", "repo.updated"]);
    expect(byEvent.get("repo.created").changes).toMatchObject({
      visibility: "private",
      default_branch: "main",
    });
    expect(byEvent.get("repo.updated").changes).toEqual({ visibility: "public" });
    expect(byEvent.get("push")).toMatchObject({
      ref: "refs/heads/main",
      commits: [],
      commits_truncated: true,
    });
  });

  test("tell of a fork once, not of each ref that it begins with", async () => {
    await makeRepo("source");
    await cg.branches.create("source", { name: "other" });
    await listen("/fork", ["*"]);
    await cg.repos.fork("source", { slug: "forked" });
    const sha = await commit("forked", "f.txt");
    const ofFork = ({ json }: Received) => json.repository.slug === "forked";
    const told = await receiver.waitFor("/fork", 2, ofFork);
    expect(told.map(({ json }) => json.event).sort()).toEqual(["push", "repo.created"]);
    expect(told.find(({ json }) => json.event === "push")?.json.after).toBe(sha);
    // The commit's move comes after those that the fork began with: had they been told, they would be here.
    expect(receiver.received.filter((one) => one.path === "/fork" && ofFork(one))).toHaveLength(2);
  });
});

describe("a receiver", () => {
  test("that fails is tried again, under the same id and with the same body", async () => {
    let failures = 2;
    receiver.answer("/flaky", (response) => {
      response.writeHead(failures-- > 0 ? 503 : 200).end("thanks");
    });
    const webhook = await listen("/flaky", ["push"]);
    await makeRepo("flaky");
    await commit("flaky", "a.txt");
    const tries = await receiver.waitFor("/flaky", 3);
    expect(new Set(tries.map(({ headers }) => headers["x-coregit-delivery"])).size).toBe(1);
    expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
    const end = await waitForEnd(webhook, "push");
    expect(end).toMatchObject({
      state: "delivered",
      attempts: 3,
      response_status: 200,
      response_body: "thanks",
      error: null,
      request_body: tries[0]?.body,
    });
    expect((await cg.webhooks.get(webhook)).data).toMatchObject({ failures: 0, failing_since: null });
  });

  test("that never takes it gets it four times with three delays, and again by redeliver", async () => {
    let status = 500;
    receiver.answer("/broken", (response) => response.writeHead(status).end("no"));
    const webhook = await listen("/broken", ["repo.created"]);
    await makeRepo("broken");
    const failed = await waitForEnd(webhook, "repo.created");
    expect(failed).toMatchObject({
      state: "failed",
      attempts: 4,
      error: "answered 500",
      response_body: "no",
    });
    expect((await cg.webhooks.get(webhook)).data).toMatchObject({ active: true, failures: 4 });
    status = 200;
    const again = await cg.webhooks.redeliver(webhook, failed?.id ?? "");
    expect(again.data).toMatchObject({ id: failed?.id, state: "pending", attempts: 0 });
    const tries = await receiver.waitFor("/broken", 5);
    expect(tries[4]?.body).toBe(tries[0]?.body);
    expect(tries[4]?.headers["x-coregit-delivery"]).toBe(failed?.id);
  });

  test("that redirects is not followed, wherever it points", async () => {
    receiver.answer("/redirects", (response) => {
      response.writeHead(307, { location: `${receiver.url}/never` }).end();
    });
    const webhook = await listen("/redirects", ["repo.created"]);
    await makeRepo("redirects");
    expect(await waitForEnd(webhook, "repo.created")).toMatchObject({
      state: "failed",
      response_status: 307,
      error: expect.stringContaining("redirects are not followed"),
    });
    expect(receiver.received.filter(({ path }) => path === "/never")).toEqual([]);
  });

  test("that answers without end is cut off, and its status counts", async () => {
    let closed: () => void = () => undefined;
    const closing = new Promise<void>((done) => {
      closed = done;
    });
    receiver.answer("/endless", (response) => {
      response.writeHead(200);
      const flow = () => {
        while (!response.destroyed && response.write("x".repeat(16_384)));
      };
      response.on("drain", flow).once("close", closed);
      flow();
    });
    const webhook = await listen("/endless", ["repo.created"]);
    await makeRepo("endless");
    const end = await waitForEnd(webhook, "repo.created");
    expect(end).toMatchObject({ state: "delivered", response_body: "x".repeat(1_024) });
    await closing;
  });
});

test("a ping is sent whatever the webhook listens to, once for one Idempotency-Key", async () => {
  const webhook = await listen("/ping", ["tag.created"]);
  const options = { idempotencyKey: "one-ping" };
  const [one, two] = [await cg.webhooks.ping(webhook, options), await cg.webhooks.ping(webhook, options)];
  expect(two.data?.id).toBe(one.data?.id);
  await waitForEnd(webhook, "ping");
  const pings = await receiver.waitFor("/ping");
  expect(pings).toHaveLength(1);
  expect(pings[0]?.json).toMatchObject({ event: "ping", webhook: { id: webhook, events: ["tag.created"] } });
});

test("a webhook without a secret sends no signature", async () => {
  const webhook = await listen("/unsigned", ["*"], { secret: null });
  await cg.webhooks.ping(webhook);
  const [ping] = await receiver.waitFor("/unsigned", 1, (one) => one.json.event === "ping");
  expect(ping?.headers["x-coregit-delivery"]).toMatch(/^dlv_/);
  expect(ping?.headers["x-coregit-signature"]).toBeUndefined();
  expect(
    await verifyWebhook({ body: ping?.body ?? "", headers: ping?.headers ?? {}, secret: SECRET }),
  ).toEqual({
    kind: "refused",
    reason: "unsigned",
  });
  await cg.webhooks.delete(webhook);
});

test("a secret that was rotated signs from then on", async () => {
  const webhook = await listen("/rotated", ["tag.created"]);
  const rotated = await cg.webhooks.update(webhook, { rotate_secret: true });
  const secret = rotated.data?.secret ?? "";
  expect(secret).toMatch(/^whsec_[0-9A-Za-z]{40}$/);
  await cg.webhooks.ping(webhook);
  const [ping] = await receiver.waitFor("/rotated");
  const received = { body: ping?.body ?? "", headers: ping?.headers ?? {} };
  expect((await verifyWebhook({ ...received, secret })).kind).toBe("verified");
  expect((await verifyWebhook({ ...received, secret: SECRET })).kind).toBe("refused");
});

/** Last, because the simulated queue gives out nothing while a batch is under way. */
test("a receiver that hangs fails after ten seconds and keeps nobody else from being told", async () => {
  receiver.answer("/hangs", () => undefined);
  const webhook = await listen("/hangs", ["repo.created"]);
  const other = await listen("/beside", ["repo.created"]);
  await makeRepo("hangs");
  await waitForEnd(other, "repo.created");
  const [first] = await receiver.waitFor("/hangs");
  expect(first?.json.repository.slug).toBe("hangs");
  await cg.webhooks.delete(other);
  await receiver.waitFor("/hangs", 2);
  const tried = (await cg.webhooks.deliveries(webhook)).data?.deliveries[0];
  expect(tried).toMatchObject({ state: "pending", error: "no answer within 10 s", response_status: null });
  await cg.webhooks.delete(webhook);
});
