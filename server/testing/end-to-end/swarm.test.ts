/**
 * Fifty agents on one parent, over real sockets against workerd, through a network that cuts, repeats, delays and
 * denies what it has done. Everything acknowledged is looked for in a clone by stock git.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CoregitClient, createCoregitClient, MountConflictError } from "../../../sdk/index.ts";
import { createBadNetwork, createRandom } from "../mount/bad-network.ts";
import { git, hasGit, makeFolder } from "../real-git.ts";
import { startTestServer, type TestServer } from "./local-server.ts";

const AGENTS = 50;
const COMMITS = 5;
/** Of the requests that write, spoiled in one way or another. */
const SPOILED = 0.25;
const WRITES = /\/(commits|land|flush|branches|merge)$|\/session\/ses_\w+$/;

let server: TestServer;
let folder: string;
beforeAll(async () => {
  server = await startTestServer();
  folder = await makeFolder();
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const agents = Array.from({ length: AGENTS }, (_, i) => `agent-${String(i).padStart(2, "0")}`);
/** Each fork costs a process of stock git to bring back, each overlapping writer a round for all the others. */
const few = agents.slice(0, 20);
const turns = Array.from({ length: COMMITS }, (_, i) => i);
const fileOf = (agent: string, turn: number) => `work/${agent}/${turn}.txt`;
const subjectOf = (agent: string, turn: number) => `${agent} does ${turn}`;
const contentOf = (agent: string, turn: number) => `${agent} ${turn}\n`;

interface Swarm {
  readonly cg: CoregitClient;
  /** Delivers what was given up on the way, and says what the network did. */
  readonly settle: () => Promise<void>;
}

function connect(seed: number): Swarm {
  const network = createBadNetwork(
    createRandom(seed),
    SPOILED,
    ({ method, url }) => method !== "GET" && WRITES.test(url),
  );
  const cg = createCoregitClient({
    apiKey: server.local.apiKey,
    baseUrl: server.local.url,
    fetch: network.wrap((input, init) => fetch(input, init)),
    retry: { attempts: 12, baseMs: 5, maxMs: 50 },
  });
  return {
    cg,
    async settle() {
      for (let i = 0; i < 20; i++) await network.deliverLate();
      // A network that spoiled nothing proves nothing.
      for (const fault of ["cut-before", "cut-after", "duplicate", "late", "failed-after"] as const)
        expect(network.counts.get(fault) ?? 0, fault).toBeGreaterThan(0);
    },
  };
}

async function makeRepo({ cg }: Swarm, slug: string): Promise<void> {
  expect((await cg.repos.create({ slug }, { idempotencyKey: slug })).error).toBeNull();
}

/** Runs every agent at once, and prints the rate: figures belong to docs/swarms.md, so none is asserted. */
async function runAll(
  name: string,
  work: (agent: string) => Promise<unknown>,
  who: readonly string[] = agents,
): Promise<void> {
  const startedAt = performance.now();
  await Promise.all(who.map(work));
  const seconds = (performance.now() - startedAt) / 1_000;
  const count = who.length * COMMITS;
  console.log(
    `${name}: ${count} commits in ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} a second`,
  );
}

/** A connection that was idle may be closed under a request; what carries no key is not repeated by the client. */
async function openSession(cg: CoregitClient, repo: string): Promise<string> {
  for (;;) {
    const { data, error } = await cg.session.open({ repo });
    if (data) return data.session_id;
    expect(error.code).toBe("NETWORK_ERROR");
  }
}

async function clone(slug: string): Promise<string> {
  const { url, apiKey, org } = server.local;
  const at = join(folder, slug);
  await git(["clone", "-q", `${url.replace("://", `://x:${apiKey}@`)}/${org}/${slug}.git`, at]);
  const fsck = await git(["fsck", "--strict", "--full"], { cwd: at });
  expect(`${fsck.text}${fsck.stderr}`).toBe("");
  return at;
}

/** Each change exactly once, as a commit that touches its own file alone, and every file as its agent left it. */
async function expectAllLanded(slug: string, who: readonly string[] = agents): Promise<string> {
  const at = await clone(slug);
  const log = await git(["log", "--no-merges", "--format=%x00%s", "--name-only"], { cwd: at });
  const commits = log.text.split("\0").flatMap((entry) => {
    const [subject = "", ...paths] = entry.split("\n").filter(Boolean);
    return subject.startsWith("agent-") ? [`${subject}: ${paths.join()}`] : [];
  });
  const wanted = who.flatMap((agent) =>
    turns.map((turn) => `${subjectOf(agent, turn)}: ${fileOf(agent, turn)}`),
  );
  expect(commits.sort()).toEqual(wanted.sort());
  const { text } = await git(["ls-files", "work"], { cwd: at });
  expect(text.split("\n")).toHaveLength(who.length * COMMITS);
  for (const agent of who) {
    for (const turn of turns)
      expect(await readFile(join(at, fileOf(agent, turn)), "utf8")).toBe(contentOf(agent, turn));
  }
  return at;
}

async function expectLinear(at: string, who: readonly string[] = agents): Promise<void> {
  expect((await git(["rev-list", "--merges", "HEAD"], { cwd: at })).text).toBe("");
  const { text } = await git(["rev-list", "--count", "--first-parent", "HEAD"], { cwd: at });
  expect(Number(text)).toBe(who.length * COMMITS + 1);
}

async function commitTurn(
  cg: CoregitClient,
  slug: string,
  at: { readonly agent: string; readonly turn: number; readonly branch?: string; readonly session?: string },
): Promise<string> {
  const { agent, turn, branch = "main", session } = at;
  const body = {
    branch,
    message: subjectOf(agent, turn),
    changes: [{ path: fileOf(agent, turn), content: contentOf(agent, turn) }],
  };
  const made = await cg.commits.create(slug, body, session === undefined ? {} : { session });
  expect(made.error).toBeNull();
  return made.data?.sha ?? "";
}

describe.runIf(hasGit)(`${AGENTS} agents with ${COMMITS} commits each on files of their own`, () => {
  test("all land in one line of history by commits without parent_sha", async () => {
    const swarm = connect(1);
    const { cg, settle } = swarm;
    await makeRepo(swarm, "plain");
    await runAll("one branch", async (agent) => {
      for (const turn of turns) await commitTurn(cg, "plain", { agent, turn });
    });
    await settle();
    await expectLinear(await expectAllLanded("plain"));
  });

  test("all land in one line of history through a mount each", async () => {
    const swarm = connect(2);
    const { cg, settle } = swarm;
    await makeRepo(swarm, "mounts");
    await runAll("mounts", async (agent) => {
      const fs = await cg.fs.mount({ repos: [{ slug: "mounts", as: "/" }], branch: "main" });
      for (const turn of turns) {
        await fs.writeFile(`/${fileOf(agent, turn)}`, contentOf(agent, turn));
        await fs.commit({ message: subjectOf(agent, turn) });
      }
      await fs.unmount();
    });
    await settle();
    await expectLinear(await expectAllLanded("mounts"));
  });

  test("all land, joined by true merges, through a session each", async () => {
    const swarm = connect(3);
    const { cg, settle } = swarm;
    await makeRepo(swarm, "sessions");
    const acknowledged: string[] = [];
    await runAll("sessions", async (agent) => {
      const session = await openSession(cg, "sessions");
      for (const turn of turns) acknowledged.push(await commitTurn(cg, "sessions", { agent, turn, session }));
      const closed = await cg.session.close(session);
      expect(closed.error).toBeNull();
    });
    await settle();
    const at = await expectAllLanded("sessions");
    // Not one commit was rewritten.
    const history = new Set((await git(["rev-list", "HEAD"], { cwd: at })).text.split("\n"));
    expect(acknowledged.filter((sha) => !history.has(sha))).toEqual([]);
    const merges = (await git(["rev-list", "--merges", "HEAD"], { cwd: at })).text.split("\n");
    for (const merge of merges.slice(0, 5)) {
      const { text } = await git(["rev-parse", `${merge}^1`, `${merge}^2`, `${merge}^{tree}`], { cwd: at });
      const [ours = "", theirs = "", tree] = text.split("\n");
      expect((await git(["merge-tree", "--write-tree", ours, theirs], { cwd: at })).text).toBe(tree);
    }
  });

  test("all land in one line of history from a branch each", async () => {
    const swarm = connect(4);
    const { cg, settle } = swarm;
    await makeRepo(swarm, "lands");
    await runAll("land", async (agent) => {
      const branch = `work/${agent}`;
      const made = await cg.branches.create("lands", { name: branch }, { idempotencyKey: branch });
      expect(made.error).toBeNull();
      for (const turn of turns) await commitTurn(cg, "lands", { agent, turn, branch });
      const landed = await cg.branches.land("lands", { source: branch, target: "main" });
      expect(landed.error).toBeNull();
    });
    await settle();
    await expectLinear(await expectAllLanded("lands"));
  });

  test("all land from a fork each, brought back by stock git and landed", async () => {
    const swarm = connect(5);
    const { cg, settle } = swarm;
    await makeRepo(swarm, "parent");
    const work = async (agent: string) => {
      const slug = `fork-${agent}`;
      expect((await cg.repos.fork("parent", { slug }, { idempotencyKey: slug })).error).toBeNull();
      for (const turn of turns) await commitTurn(cg, slug, { agent, turn });
    };
    await runAll("forks", work, few);
    const { url, apiKey, org } = server.local;
    const remote = `${url.replace("://", `://x:${apiKey}@`)}/${org}`;
    const bare = join(folder, "collect");
    await git(["init", "-q", "--bare", bare]);
    for (const agent of few)
      await git(["fetch", "-q", `${remote}/fork-${agent}.git`, `main:work/${agent}`], { cwd: bare });
    await git(["push", "-q", `${remote}/parent.git`, "refs/heads/work/*"], { cwd: bare });
    await Promise.all(
      few.map(async (agent) => {
        const landed = await cg.branches.land("parent", { source: `work/${agent}`, target: "main" });
        expect(landed.error).toBeNull();
      }),
    );
    await settle();
    await expectLinear(await expectAllLanded("parent", few), few);
  });
});

describe.runIf(hasGit)(`agents on the same lines of one file`, () => {
  const LINES = 10;
  const start = Array.from({ length: LINES }, (_, i) => `line ${i}: nobody\n`).join("");

  async function makeShared(swarm: Swarm, slug: string): Promise<string> {
    await makeRepo(swarm, slug);
    const changes = [{ path: "shared.txt", content: start }];
    const made = await swarm.cg.commits.create(slug, { branch: "main", message: "start", changes });
    return made.data?.sha ?? "";
  }

  /** A landed line stands in the file until somebody who saw it replaces it: then it stands in the diff of that. */
  async function expectNoneLost(slug: string, landed: readonly string[]): Promise<void> {
    const at = await clone(slug);
    const patches = (await git(["log", "-p", "--format=", "--", "shared.txt"], { cwd: at })).text.split("\n");
    const count = (line: string) => patches.filter((found) => found === line).length;
    const final = (await readFile(join(at, "shared.txt"), "utf8")).split("\n");
    for (const line of landed) {
      expect([line, count(`+${line}`)]).toEqual([line, 1]);
      expect([line, count(`-${line}`) + final.filter((found) => found === line).length]).toEqual([line, 1]);
    }
    expect(final.filter(Boolean)).toHaveLength(LINES);
  }

  test("lose no line by commits: who saw an old line is told, and who saw the last one lands", async () => {
    const swarm = connect(6);
    const { cg, settle } = swarm;
    const parent = await makeShared(swarm, "overlap");
    const outcomes = await Promise.all(
      agents.map(async (agent, i) => {
        const line = `line ${i % LINES}: ${agent}`;
        const content = start.replace(`line ${i % LINES}: nobody`, line);
        const changes = [{ path: "shared.txt", content }];
        const body = { branch: "main", message: agent, parent_sha: parent, rebase: true, changes };
        const made = await cg.commits.create("overlap", body);
        if (made.error)
          expect(made.error).toMatchObject({ status: 409, data: { conflicts: ["shared.txt"] } });
        return made.error ? null : line;
      }),
    );
    await settle();
    const landed = outcomes.filter((line) => line !== null);
    // Neighbouring lines conflict too, as in git; so at most every other line has a winner.
    expect(landed.length).toBeGreaterThan(0);
    expect(landed.length).toBeLessThanOrEqual(LINES);
    await expectNoneLost("overlap", landed);
    const at = join(folder, "overlap");
    const final = await readFile(join(at, "shared.txt"), "utf8");
    for (const line of landed) expect(final).toContain(`${line}\n`);
  });

  test("lose no line through mounts: a conflict keeps the unsaved work until its agent has decided", async () => {
    const swarm = connect(7);
    const { cg, settle } = swarm;
    await makeShared(swarm, "mounted");
    let conflicts = 0;
    const landed = await Promise.all(
      few.map(async (agent, i) => {
        const fs = await cg.fs.mount({ repos: [{ slug: "mounted", as: "/" }], branch: "main" });
        const line = `line ${i % LINES}: ${agent}`;
        for (;;) {
          const text = await fs.readFile("/shared.txt");
          await fs.writeFile("/shared.txt", text.replace(new RegExp(`line ${i % LINES}: .*`), line));
          try {
            await fs.commit({ message: agent });
            await fs.unmount();
            return line;
          } catch (error) {
            if (!(error instanceof MountConflictError)) throw error;
            conflicts++;
            expect(error.conflicts[0]?.path).toContain("shared.txt");
            expect(await fs.readFile("/shared.txt")).toContain(line);
            await fs.discard();
            await fs.refresh();
          }
        }
      }),
    );
    await settle();
    expect(conflicts).toBeGreaterThan(0);
    await expectNoneLost("mounted", landed);
  });
});
