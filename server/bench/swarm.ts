/** What a swarm of agents costs, by the way it works: `npm run bench:swarm`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalServer, startLocal } from "../local/start-local.ts";
import { describeMachine } from "./report.ts";
import { FILE_BYTES, makePath, makeText } from "./sample-files.ts";
import { formatFigures, SwarmCalls, type SwarmFigures } from "./swarm-calls.ts";
import { benchForks } from "./swarm-forks.ts";
import { measureGitSwarm } from "./swarm-git.ts";

const AGENTS = 50;
const COMMITS = 10;
const LAND_COMMITS = 3;
/** Of git's pushers each refused push is two processes more, and all of them share this machine. */
const GIT = { agents: 10, commits: 5 };
/** Files that are there before: a swarm works on something. */
const FILES = 500;

async function makeRepo(calls: SwarmCalls, slug: string): Promise<string> {
  await calls.post("/repos", { slug });
  const changes = Array.from({ length: FILES }, (_, i) => ({ path: makePath(i), content: makeText(i) }));
  await calls.post(`/repos/${slug}/commits`, { branch: "main", message: "Files", changes });
  return slug;
}

interface Place {
  readonly branch: string;
  readonly agent: number;
  readonly turn: number;
  readonly session?: string;
}

function commit(calls: SwarmCalls, slug: string, { branch, agent, turn, session }: Place) {
  const change = { path: `work/${agent}/${turn}.txt`, content: makeText(agent * 1_000 + turn) };
  const body = { branch, message: `agent ${agent} ${turn}`, changes: [change] };
  return calls.post(`/repos/${slug}/commits`, body, session === undefined ? {} : { session });
}

async function measureOneBranch(
  calls: SwarmCalls,
  { agents, commits }: { readonly agents: number; readonly commits: number },
): Promise<SwarmFigures> {
  const slug = await makeRepo(calls, `one-branch-${agents}`);
  return calls.run(`one branch, ${agents} writers`, agents, async (agent, measure) => {
    for (let turn = 0; turn < commits; turn++)
      await measure(() => commit(calls, slug, { branch: "main", agent, turn }));
  });
}

async function measureBranches(calls: SwarmCalls): Promise<SwarmFigures> {
  const slug = await makeRepo(calls, "branches");
  for (let agent = 0; agent < AGENTS; agent++)
    await calls.post(`/repos/${slug}/branches`, { name: `agent/${agent}` });
  return calls.run(`${AGENTS} branches of one repository`, AGENTS, async (agent, measure) => {
    for (let turn = 0; turn < COMMITS; turn++)
      await measure(() => commit(calls, slug, { branch: `agent/${agent}`, agent, turn }));
  });
}

async function measureRepos(calls: SwarmCalls): Promise<SwarmFigures> {
  const parent = await makeRepo(calls, "parent");
  for (let agent = 0; agent < AGENTS; agent++)
    await calls.post(`/repos/${parent}/fork`, { slug: `fork-${agent}` });
  return calls.run(`${AGENTS} forks, one writer each`, AGENTS, async (agent, measure) => {
    for (let turn = 0; turn < COMMITS; turn++)
      await measure(() => commit(calls, `fork-${agent}`, { branch: "main", agent, turn }));
  });
}

/** The commits inside, and how long closing takes: fifty at once merge into one branch. */
async function measureSessions(calls: SwarmCalls): Promise<readonly SwarmFigures[]> {
  const slug = await makeRepo(calls, "sessions");
  const opened = await Promise.all(
    Array.from({ length: AGENTS }, () => calls.post("/session", { repo: slug })),
  );
  const sessions = opened.map(({ session_id }) => session_id ?? "");
  const inside = await calls.run(`${AGENTS} sessions, commits inside`, AGENTS, async (agent, measure) => {
    const session = sessions[agent] ?? "";
    for (let turn = 0; turn < COMMITS; turn++)
      await measure(() => commit(calls, slug, { branch: "main", agent, turn, session }));
  });
  const closing = await calls.run(`closing ${AGENTS} sessions at once`, AGENTS, async (agent, measure) => {
    await measure(() => calls.post(`/session/${sessions[agent]}`, null, { method: "DELETE" }));
  });
  return [inside, closing];
}

async function measureLands(calls: SwarmCalls): Promise<SwarmFigures> {
  const slug = await makeRepo(calls, "lands");
  for (let agent = 0; agent < AGENTS; agent++) {
    const branch = `agent/${agent}`;
    await calls.post(`/repos/${slug}/branches`, { name: branch });
    for (let turn = 0; turn < LAND_COMMITS; turn++) await commit(calls, slug, { branch, agent, turn });
  }
  const name = `landing ${AGENTS} branches of ${LAND_COMMITS} commits at once`;
  return calls.run(name, AGENTS, async (agent, measure) => {
    await measure(() => calls.post(`/repos/${slug}/land`, { source: `agent/${agent}`, target: "main" }));
  });
}

async function benchSwarm(server: LocalServer, folder: string): Promise<void> {
  const calls = new SwarmCalls(server);
  // Compiled code is what a server runs on.
  await measureOneBranch(calls, { agents: 5, commits: 20 });
  const alone = await measureOneBranch(calls, { agents: 1, commits: AGENTS * COMMITS });
  const oneBranch = await measureOneBranch(calls, { agents: AGENTS, commits: COMMITS });
  const branches = await measureBranches(calls);
  const forks = await measureRepos(calls);
  const [inside, closing] = (await measureSessions(calls)) as [SwarmFigures, SwarmFigures];
  const lands = await measureLands(calls);
  const few = await measureOneBranch(calls, GIT);
  const git = await measureGitSwarm(folder, GIT);
  const rows = [alone, oneBranch, branches, forks, inside, closing, lands, few, ...(git ? [git] : [])];
  console.log(`${formatFigures(rows)}\n`);
  const rate = ({ commits, seconds }: SwarmFigures) => commits / seconds;
  const ratio = (name: string, of: number, over: number) =>
    console.log(`- ${name}: ${(of / over).toFixed(2)}×`);
  ratio("50 branches against one, commits a second", rate(branches), rate(oneBranch));
  ratio("50 forks against one branch, commits a second", rate(forks), rate(oneBranch));
  ratio("commits inside sessions against plain ones, a second", rate(inside), rate(oneBranch));
  const whole = inside.commits / (inside.seconds + closing.seconds);
  ratio("the same with closing them", whole, rate(oneBranch));
  const landed = (AGENTS * LAND_COMMITS) / lands.seconds;
  console.log(`- commits landed a second: ${landed.toFixed(0)}`);
  if (!git) return;
  ratio(
    `${GIT.agents} writers here against ${GIT.agents} pushers of git, commits a second`,
    rate(few),
    rate(git),
  );
  console.log(`- pushes of git for a commit that landed: ${(git.requests / git.commits).toFixed(1)}`);
}

const folder = await mkdtemp(join(tmpdir(), "coregit-swarm-"));
try {
  const server = await startLocal({ dataDir: join(folder, "data"), limits: "off" });
  try {
    console.log(
      `Files of ${FILE_BYTES} bytes, repositories of ${FILES} files before.\n${describeMachine()}\n`,
    );
    await benchSwarm(server, folder);
  } finally {
    await server.stop();
  }
  console.log(`\n${await benchForks()}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
