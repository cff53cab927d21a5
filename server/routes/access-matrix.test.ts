/**
 * Who may do what: every endpoint of the contract, asked with every kind of credential about a private repository, a
 * public one, a public template and a free name. What is expected follows from the policy (testing/matrix/policy.ts).
 */
import { beforeAll, describe, expect, test } from "vitest";
import { type Caller, createCallers } from "../testing/matrix/callers.ts";
import {
  ask,
  cellsOf,
  ENDPOINTS,
  findFault,
  isAboutRepo,
  moveCell,
  nameCell,
  type Twist,
} from "../testing/matrix/matrix.ts";
import type { Situation } from "../testing/matrix/policy.ts";
import { samplesFor } from "../testing/matrix/samples.ts";
import { createWorld, SITUATIONS, type World } from "../testing/matrix/world.ts";
import { ADMIN_KEY, createMemoryApp, type MemoryApp } from "../testing/memory-app.ts";

let memory: MemoryApp;
let world: World;
let callers: readonly Caller[];

beforeAll(async () => {
  let nowMs = Date.now();
  memory = createMemoryApp({ sessions: "through", now: () => nowMs });
  world = await createWorld({
    request: memory.request,
    adminKey: ADMIN_KEY,
    async expireToken() {
      nowMs += 3_600_000;
    },
  });
  callers = await createCallers(world);
});

/** What is wrong, as far as anybody reads. */
const first = (faults: readonly string[]) => faults.slice(0, 10);

describe("every endpoint lets through and refuses as the policy says", () => {
  test.each(ENDPOINTS)("%s", async (key) => {
    const faults: string[] = [];
    const seen = new Set<unknown>();
    for (const cell of cellsOf(world, callers, key)) {
      const fault = findFault(cell, await ask(cell));
      seen.add(cell.verdict);
      if (fault) faults.push(`${nameCell(cell)}: ${fault}`);
    }
    expect(first(faults)).toEqual([]);
    // Another server proves itself with a secret that nobody here has.
    if (key === "POST /hooks/:provider/:id") return;
    expect(seen).toContain("allowed");
    // The list of an org's public repositories is the one thing that anybody may ask.
    expect(seen.size).toBeGreaterThan(key === "GET /orgs/:org/repos" ? 0 : 1);
  });
});

/** A stream that says whether anybody has read of it. */
function watchBody() {
  let isRead = false;
  const body = new ReadableStream(
    {
      pull(controller) {
        isRead = true;
        controller.enqueue(new TextEncoder().encode("{"));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  return { body, isRead: () => isRead };
}

describe("who is refused is refused before the body is read", () => {
  // That the caller's own org has no connection of this id is no refusal, and is found out with the body at hand.
  const withBody = ENDPOINTS.filter((key) => !key.startsWith("GET ") && !key.includes("/connections/:id"));
  test.each(withBody)("%s", async (key) => {
    const faults: string[] = [];
    for (const cell of cellsOf(world, callers, key)) {
      if (cell.early === "allowed") continue;
      const { body, isRead } = watchBody();
      const answer = await ask(cell, { body });
      if (answer.status !== cell.early) faults.push(`${nameCell(cell)}: ${answer.text}`);
      if (isRead()) faults.push(`${nameCell(cell)}: the body was read`);
    }
    expect(first(faults)).toEqual([]);
  });
});

describe("a private repository that may not be seen is answered, to the byte, as a free name", () => {
  const [hidden] = SITUATIONS as readonly [Situation];
  const free = SITUATIONS.find(({ exists }) => !exists) as Situation;
  const asReads: readonly Twist[] = [{}, { method: "HEAD" }, { headers: { "if-none-match": "*" } }];
  test.each(ENDPOINTS)("%s", async (key) => {
    let compared = 0;
    const faults: string[] = [];
    for (const cell of cellsOf(world, callers, key)) {
      if (cell.at.situation !== hidden || !isAboutRepo(world, key, cell.sample)) continue;
      if (cell.verdict === "allowed" || cell.verdict === 403) continue;
      const other = moveCell(cell, free);
      for (const twist of key.startsWith("GET ") && cell.verdict === 404 ? asReads : [{}]) {
        const [refused, missing] = [await ask(cell, twist), await ask(other, twist)];
        compared++;
        const differs = refused.status !== cell.verdict || refused.shown !== missing.shown;
        if (differs) faults.push(`${nameCell(cell)}: ${refused.shown}\n≠\n${missing.shown}`);
      }
    }
    expect(first(faults)).toEqual([]);
    expect(compared > 0).toBe(samplesFor(key).some((sample) => isAboutRepo(world, key, sample)));
  });
});

test("nothing in all this was an internal error", () => {
  expect(memory.log).toEqual([]);
});
