/**
 * The permission matrix against real workerd: one endpoint of each kind, with every credential. All endpoints are asked
 * in server/routes/access-matrix.test.ts, over memory.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EndpointSpec } from "../../../sdk/contract/endpoint.ts";
import { contract, type EndpointKey } from "../../../sdk/contract/index.ts";
import { ATTEMPTS, attemptBy, type OwnHistory } from "../matrix/by-sha.ts";
import { type Caller, createCallers } from "../matrix/callers.ts";
import { ask, cellsOf, ENDPOINTS, findFault, moveCell, nameCell } from "../matrix/matrix.ts";
import type { Situation } from "../matrix/policy.ts";
import { createWorld, HOST, SITUATIONS, type World } from "../matrix/world.ts";
import { startTestServer, type TestServer } from "./local-server.ts";

let server: TestServer;
let world: World;
let callers: readonly Caller[];

beforeAll(async () => {
  server = await startTestServer();
  world = await createWorld({
    request: (path, init) => fetch(`${server.local.url}${path}`, init),
    adminKey: server.local.adminKey,
    // An hour is too long to wait: the store's own tests put its clock on.
    expireToken: async () => undefined,
  });
  callers = (await createCallers(world)).filter(({ name }) => name !== "an expired token");
});
afterAll(() => server?.stop());

/** The first endpoint of each way in: who may call, what the path names, how sessions see it. */
function pickKinds(): readonly EndpointKey[] {
  const kinds = new Map<string, EndpointKey>();
  for (const key of ENDPOINTS) {
    const { access, opensRepos, outsideSessions }: EndpointSpec = contract[key];
    const names = [...key.matchAll(/:(?:repo|org|id)/g)].join();
    const kind = [access, key.startsWith("GET "), names, opensRepos, outsideSessions].join(" ");
    if (!kinds.has(kind)) kinds.set(kind, key);
  }
  return [...kinds.values()];
}

describe("in workerd an endpoint lets through and refuses as the policy says", () => {
  const [hidden] = SITUATIONS as readonly [Situation];
  const free = SITUATIONS.find(({ exists }) => !exists) as Situation;

  test.each(pickKinds())("%s", async (key) => {
    const faults: string[] = [];
    for (const cell of cellsOf(world, callers, key)) {
      // A session takes ten repositories, and the org has more by now.
      if (cell.sample.title === "of every repository" && cell.caller.proof.session) continue;
      const answer = await ask(cell);
      const fault = findFault(cell, answer);
      if (fault) faults.push(`${nameCell(cell)}: ${fault}`);
      if (cell.verdict !== 404 || cell.at.situation !== hidden) continue;
      const missing = await ask(moveCell(cell, free));
      if (withoutDate(answer.shown) !== withoutDate(missing.shown)) faults.push(`${nameCell(cell)}: differs`);
    }
    expect(faults.slice(0, 10)).toEqual([]);
  });
});

/** Node's fetch shows the connection's own headers too. */
const withoutDate = (shown: string) => shown.replace(/^date: .*$/m, "");

describe("in workerd an object of another's is not there", () => {
  const NOWHERE = "5ec1e7".padEnd(40, "0");
  let own: OwnHistory;
  let secret: string;
  let key: string;

  beforeAll(async () => {
    key = await server.createOrg("mallory");
    const commit = async (content: string) => {
      const body = { branch: "main", message: "m", changes: [{ path: "README.md", content }] };
      return (await server.call("POST", "/repos/mine/commits", { key, body })).body.sha;
    };
    await server.call("POST", "/repos", { key, body: { slug: "mine", init: false } });
    own = { first: await commit("one"), head: await commit("two") };
    const snapshot = { name: "base", branch: "main" };
    await server.call("POST", "/repos/mine/snapshots", { key, body: snapshot });
    secret = world.seeds.get((SITUATIONS[0] as Situation).repo)?.head ?? "";
    expect((await server.call("GET", `/repos/hide/commits/${secret}`, { key: world.hostKey })).status).toBe(
      200,
    );
  });

  test.each(ATTEMPTS)(`by %s, for an org that is not ${HOST}`, async (name) => {
    const told = async (sha: string) => {
      const [method, path, body] = attemptBy(name)(sha, own);
      const reply = await server.call(method, `/repos/mine${path}`, { key, body });
      const text = JSON.stringify(reply.body).replace(/\\?"execution_time_ms\\?":\d+/, "");
      return [reply.status, text.replaceAll(sha, "<sha>").replaceAll(sha.slice(0, 10), "<short>")];
    };
    const missing = await told(NOWHERE);
    expect(missing[0]).toBeGreaterThanOrEqual(400);
    expect(await told(secret)).toEqual(missing);
  });
});
