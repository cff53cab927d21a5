/** The matrix itself: every endpoint of the contract, asked by every caller about every situation. */
import type { EndpointSpec } from "../../../sdk/contract/endpoint.ts";
import { contract, type EndpointKey } from "../../../sdk/contract/index.ts";
import type { Caller } from "./callers.ts";
import { type Asked, judge, type Situation, type Verdict } from "./policy.ts";
import { type Place, pathFor, type Sample, samplesFor } from "./samples.ts";
import { type Answer, send } from "./server-under-test.ts";
import { SITUATIONS, type World } from "./world.ts";

export const ENDPOINTS = Object.keys(contract) as readonly EndpointKey[];

export interface Cell {
  readonly key: EndpointKey;
  readonly spec: EndpointSpec;
  readonly sample: Sample;
  readonly caller: Caller;
  readonly at: Place;
  readonly verdict: Verdict;
  /** The verdict before the body is read. */
  readonly early: Verdict;
}

type Side = "inside" | "other-ref" | "other-path";

/** All cells of one endpoint. */
export function* cellsOf(world: World, callers: readonly Caller[], key: EndpointKey): Generator<Cell> {
  for (const sample of samplesFor(key)) {
    const situations = isAboutRepo(world, key, sample) ? situationsFor(key) : SITUATIONS.slice(0, 1);
    for (const situation of situations) {
      for (const caller of callers) {
        for (const side of sidesFor(caller, sample)) {
          yield cellOf({ key, sample, caller }, placeFor(world, situation, side));
        }
      }
    }
  }
}

/** A template is public, and something of its own to those alone who fork. */
function situationsFor(key: EndpointKey): readonly Situation[] {
  return SITUATIONS.filter(({ isTemplate }) => !isTemplate || key.endsWith("/fork"));
}

/** The same question about another name. */
export function moveCell(cell: Cell, situation: Situation): Cell {
  return cellOf(cell, placeFor(cell.at.world, situation, "inside"));
}

function cellOf({ key, sample, caller }: Pick<Cell, "key" | "sample" | "caller">, at: Place): Cell {
  const spec: EndpointSpec = contract[key];
  const namesRepo = key.includes("/:repo");
  const asked: Omit<Asked, "wish"> = {
    access: spec.access,
    namesRepo,
    takesSession: !spec.outsideSessions && (namesRepo || spec.opensRepos === true),
    situation: at.situation,
  };
  const wish = sample.wish?.(at) ?? {};
  const { ofSession, ofOrg } = wish;
  // Whose the thing is that an id names shows when it is looked up; a body that comes along is read before.
  const isNamed = ofOrg !== undefined && !spec.body;
  const addressed = { ...(ofSession !== undefined && { ofSession }), ...(isNamed && { ofOrg }) };
  return {
    key,
    spec,
    sample,
    caller,
    at,
    verdict: judge(caller.proof, { ...asked, wish }),
    early: judge(caller.proof, { ...asked, wish: addressed }),
  };
}

/** What takes the place of the sample's. */
export interface Twist {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: ReadableStream;
}

/** Makes the request of a cell. */
export async function ask(cell: Cell, more: Twist = {}): Promise<Answer> {
  const { key, sample, caller, at, early } = cell;
  const { ofSession, ofOrg } = sample.wish?.(at) ?? {};
  const wishesId = ofSession !== undefined || ofOrg !== undefined;
  // Who is refused at the door finds nothing of it; what is named by an id has to be there all the same.
  const prepared = early === "allowed" || wishesId ? await sample.prepare?.(at) : undefined;
  const answer = await send(at.world.server, {
    method: more.method ?? key.slice(0, key.indexOf(" ")),
    path: pathFor(key, sample, at, prepared),
    headers: { ...caller.headers, ...more.headers },
    body: more.body ?? sample.body?.(at),
  });
  if (answer.status < 300) await sample.restore?.(at);
  return answer;
}

/** What is wrong with an answer, in words; null when it is as the policy says. */
export function findFault({ verdict, spec, sample }: Cell, answer: Answer): string | null {
  const expected = verdict === "allowed" ? (sample.status ?? spec.status) : verdict;
  if (answer.status === expected) return null;
  return `expected ${expected}, got ${answer.status}: ${answer.text.slice(0, 200)}`;
}

export function nameCell({ sample, caller, at }: Cell): string {
  const facts = [at.situation.isTemplate ? "template" : at.situation.isPublic ? "public" : "private"];
  const what = at.situation.exists ? `${facts} repository` : "free name";
  return `${caller.name}, ${what}, ${at.branch} ${at.path}${sample.title ? `, ${sample.title}` : ""}`;
}

/** Whether the address or the body names the situation's repository. */
export function isAboutRepo(world: World, key: EndpointKey, sample: Sample): boolean {
  if (key.includes("/:repo")) return true;
  return sample.wish?.(placeFor(world, SITUATIONS[0] as Situation, "inside")).opens !== undefined;
}

function sidesFor(caller: Caller, sample: Sample): readonly Side[] {
  const { holder, session } = caller.proof;
  const hasGlobs = holder?.hasGlobs || (session !== null && session !== "ended" && session.hasGlobs);
  return hasGlobs && sample.wish ? ["inside", "other-ref", "other-path"] : ["inside"];
}

let made = 0;

function placeFor(world: World, situation: Situation, side: Side): Place {
  const seed = world.seeds.get(situation.repo);
  if (!seed) throw new Error(`nothing was seeded for ${situation.repo}`);
  const who = side === "other-ref" ? "other" : "agent";
  const where = side === "other-path" ? "docs" : "src";
  return {
    ...seed,
    world,
    situation,
    repo: situation.repo,
    fresh: `${who}-${++made}`,
    branch: `${who}-work`,
    path: `${where}/new-${made}.txt`,
    reverts: where === "src" ? seed.head : seed.second,
    reverted: `${where}/a.txt`,
    resetTo: where === "src" ? seed.second : seed.first,
    resetPaths: where === "src" ? ["src/a.txt"] : ["src/a.txt", "docs/a.txt"],
  };
}
