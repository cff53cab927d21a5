/** Two orgs, and in the first a private, a public and a template repository of equal content. */
import type { Situation } from "./policy.ts";
import { must, type ServerUnderTest } from "./server-under-test.ts";

export const HOST = "acme";
export const GUEST = "rival";

/** What may be behind a repository's name. Names of one length: replies that differ would differ for that reason. */
export const SITUATIONS: readonly Situation[] = [
  { org: HOST, repo: "hide", exists: true, isPublic: false, isTemplate: false },
  { org: HOST, repo: "open", exists: true, isPublic: true, isTemplate: false },
  { org: HOST, repo: "mold", exists: true, isPublic: true, isTemplate: true },
  { org: HOST, repo: "none", exists: false, isPublic: false, isTemplate: false },
];

/** A repository that no situation is about, for tokens of other repositories. */
export const ELSEWHERE = "else";

/** The ids of the seeded history; equal in every repository, because the commits are. */
export interface Seed {
  readonly first: string;
  readonly second: string;
  readonly head: string;
  readonly blob: string;
}

export interface World {
  readonly server: ServerUnderTest;
  readonly hostKey: string;
  readonly hostKeyId: string;
  readonly guestKey: string;
  /** By repository; a name without repository has those of the private one. */
  readonly seeds: ReadonlyMap<string, Seed>;
  /** Makes a repository of the host with the seeded history. */
  readonly seed: (situation: Situation) => Promise<Seed>;
}

export async function createWorld(server: ServerUnderTest): Promise<World> {
  const hostKey = await makeOrg(server, HOST);
  const guestKey = await makeOrg(server, GUEST);
  await must(server, {
    method: "POST",
    path: "/repos",
    headers: { "x-api-key": guestKey },
    body: { slug: "mine" },
  });
  const key = { "x-api-key": hostKey };
  await must(server, { method: "POST", path: "/repos", headers: key, body: { slug: ELSEWHERE } });
  const seeds = new Map<string, Seed>();
  const seed = async (situation: Situation) => {
    const made = await makeRepo(server, key, situation);
    seeds.set(situation.repo, made);
    return made;
  };
  for (const situation of SITUATIONS) {
    if (situation.exists) await seed(situation);
    else seeds.set(situation.repo, [...seeds.values()][0] as Seed); // the first situation exists
  }
  return { server, hostKey, hostKeyId: "host master", guestKey, seeds, seed };
}

/** A new org's first master key. */
export async function makeOrg(server: ServerUnderTest, slug: string): Promise<string> {
  const headers = { "x-admin-key": server.adminKey };
  return (await must(server, { method: "POST", path: "/admin/orgs", headers, body: { slug } })).api_key;
}

async function makeRepo(
  server: ServerUnderTest,
  headers: Readonly<Record<string, string>>,
  { repo, isPublic, isTemplate }: Situation,
): Promise<Seed> {
  const post = (path: string, body: unknown) => must(server, { method: "POST", path, headers, body });
  const visibility = isPublic ? "public" : "private";
  await post("/repos", { slug: repo, visibility, is_template: isTemplate, init: false });
  const commit = (paths: readonly string[], content: string) =>
    post(`/repos/${repo}/commits`, {
      branch: "main",
      message: content,
      changes: paths.map((path) => ({ path, content: `${content}\n` })),
    });
  const first = await commit(["src/a.txt", "docs/a.txt"], "one");
  const second = await commit(["docs/a.txt"], "two");
  const head = await commit(["src/a.txt"], "three");
  for (const name of ["agent-work", "other-work"])
    await post(`/repos/${repo}/branches`, { name, from: "main" });
  await post(`/repos/${repo}/tags`, { name: "v1", target: "main" });
  await post(`/repos/${repo}/snapshots`, { name: "base", branch: "main" });
  const { blobs } = await post(`/repos/${repo}/blobs`, { blobs: [{ content: "three\n" }] });
  return { first: first.sha, second: second.sha, head: head.sha, blob: blobs[0].sha };
}
