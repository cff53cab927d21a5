import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoregitClient, createCoregitClient } from "../../sdk/index.ts";
import { verifyWebhook } from "../../sdk/webhooks.ts";
import { isRunning, listRuntimesOf, prepareBuild, type Ready, startReady } from "./cli-process.ts";
import { type Receiver, startReceiver } from "./webhook-receiver.ts";

const KILLS = 4;
const WRITERS = 3;
const SECRET = "a secret of the test";

let folder: string;
let receiver: Receiver;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coregit-webhooks-kill-"));
  receiver = await startReceiver();
  process.env.OUTBOUND_HOSTS = receiver.host;
  process.env.WEBHOOK_RETRY_SECONDS = "0.2,0.2,0.2,0.2,0.2,0.2,0.2";
  await prepareBuild();
});
afterAll(async () => {
  delete process.env.OUTBOUND_HOSTS;
  delete process.env.WEBHOOK_RETRY_SECONDS;
  await receiver.stop();
  await rm(folder, { recursive: true, force: true });
});

function connect(ready: Ready): CoregitClient {
  return createCoregitClient({ apiKey: ready.api_key, baseUrl: ready.url, retry: false });
}

/** Commits until the server is gone; what it said yes to goes to `acknowledged`. */
async function commitInLoop(cg: CoregitClient, acknowledged: Set<string>): Promise<void> {
  for (;;) {
    const made = await cg.commits.create("loop", {
      branch: "main",
      message: "m",
      changes: [{ path: `${acknowledged.size}.txt`, content: `${Math.random()}\n` }],
    });
    if (!made.data) return;
    acknowledged.add(made.data.sha);
  }
}

async function killHard(pid: number): Promise<void> {
  const victims = [...listRuntimesOf(pid), pid];
  for (const victim of victims) if (isRunning(victim)) process.kill(victim, "SIGKILL");
  while (victims.some(isRunning)) await delay(5);
}

describe.runIf(process.platform === "linux")("a server that is killed in the middle of deliveries", () => {
  test("tells of every commit that it acknowledged, and keeps one log entry of each", {
    timeout: 60_000,
  }, async () => {
    const data = join(folder, "data");
    const acknowledged = new Set<string>();
    // Every third delivery fails, so that kills also fall between attempts.
    let count = 0;
    receiver.answer("/hook", (response) => response.writeHead(count++ % 3 === 0 ? 503 : 204).end());

    for (let round = 0; round <= KILLS; round++) {
      const { cli, ready } = await startReady(["--data", data]);
      const cg = connect(ready);
      if (round === 0) {
        expect((await cg.repos.create({ slug: "loop" })).status).toBe(201);
        const hook = { url: `${receiver.url}/hook`, events: ["push" as const], secret: SECRET };
        expect((await cg.webhooks.create(hook)).status).toBe(201);
      }
      const before = [acknowledged.size, receiver.received.length];
      if (round === KILLS) {
        const told = ({ json }: { json: { after: string } }) => acknowledged.has(json.after);
        // Looking at the repository wakes its object; else its alarm does, half a minute after the write.
        await cg.repos.get("loop");
        while (
          new Set(receiver.received.filter(told).map(({ json }) => json.after)).size < acknowledged.size
        ) {
          await delay(20);
        }
        await checkLog(cg, acknowledged);
        cli.child.kill("SIGTERM");
        await cli.exit;
        break;
      }
      const writers = Array.from({ length: WRITERS }, () => commitInLoop(cg, acknowledged));
      // A kill between commit and hand-over, and one while deliveries are under way, by turns.
      while (acknowledged.size < (before[0] ?? 0) + 5) await delay(2);
      if (round % 2 === 1) while (receiver.received.length < (before[1] ?? 0) + 3) await delay(2);
      await killHard(cli.child.pid ?? 0);
      await cli.exit;
      await Promise.all(writers);
    }

    expect(acknowledged.size).toBeGreaterThanOrEqual(5 * KILLS);
    const ids = new Map<string, Set<string>>();
    for (const one of receiver.received) {
      const verdict = await verifyWebhook({ ...one, secret: SECRET });
      expect(verdict.kind).toBe("verified");
      const known = ids.get(one.json.after) ?? new Set();
      ids.set(one.json.after, known.add(one.headers["x-coregit-delivery"] ?? ""));
    }
    // However often an event was sent: always under one id.
    expect([...ids.values()].filter((set) => set.size !== 1)).toEqual([]);
  });
});

/** Each acknowledged commit stands in the log exactly once. */
async function checkLog(cg: CoregitClient, acknowledged: ReadonlySet<string>): Promise<void> {
  const logged: unknown[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await cg.audit.list({ action: "commit", limit: 100, ...(cursor && { cursor }) });
    logged.push(...(page.data?.entries ?? []).map(({ details }) => details.to));
    if (!page.data?.next_cursor) break;
    cursor = page.data.next_cursor;
  }
  expect(new Set(logged).size).toBe(logged.length);
  expect([...acknowledged].filter((sha) => !logged.includes(sha))).toEqual([]);
}
