/** Sessions over real sockets: a mount in one, and a runtime that is killed while another is at work. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCoregitClient } from "../../../sdk/index.ts";
import { type LocalServer, startLocal } from "../../local/start-local.ts";

let dataDir = "";
let server: LocalServer;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "coregit-session-"));
  server = await startLocal({ dataDir, limits: "off" });
});
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

function connect(seen: Request[] = []) {
  return createCoregitClient({
    apiKey: server.apiKey,
    baseUrl: server.url,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      seen.push(request);
      return fetch(request.clone());
    },
  });
}

describe("a mount in a session", () => {
  test("opens it once, sends every request in it, and shows its work to others when it ends", async () => {
    const seen: Request[] = [];
    const cg = connect(seen);
    await cg.repos.create({ slug: "one" });
    await cg.repos.create({ slug: "two" });
    seen.length = 0;
    const repos = [{ slug: "one" }, { slug: "two" }];
    const fs = await cg.fs.mount({ repos, branch: "main", session: { autoOpen: true, ttlSeconds: 600 } });
    await fs.writeFile("/one/a.txt", "1");
    await fs.commit({ message: "inside" });
    expect(await fs.readFile("/one/a.txt")).toBe("1");
    await fs.refresh();
    expect(await fs.readFile("/one/a.txt")).toBe("1");
    const outside = await cg.files.blob("one", { ref: "main", path: "a.txt" });
    expect(outside.status).toBe(404);
    expect(seen.filter((request) => request.url.endsWith("/v1/session"))).toHaveLength(1);
    const inside = seen.filter(({ url }) => url.includes("/repos/") && !url.includes("/blob/"));
    expect(inside.every(({ headers }) => headers.get("x-session-id")?.startsWith("ses_"))).toBe(true);
    expect((await fs.flush()).flushedRefs).toBe(1);
    expect((await cg.files.blob("one", { ref: "main", path: "a.txt" })).data?.content).toBe("1");
    await fs.writeFile("/two/b.txt", "2");
    await fs.commit({ message: "inside, too" });
    await fs.unmount();
    expect((await cg.files.blob("two", { ref: "main", path: "b.txt" })).data?.content).toBe("2");
  });

  test("rejects an unmount whose work conflicts, and keeps it", async () => {
    const cg = connect();
    await cg.repos.create({ slug: "clash" });
    const fs = await cg.fs.mount({ repos: [{ slug: "clash" }], branch: "main", session: { autoOpen: true } });
    await fs.writeFile("/clash/f", "mine");
    await fs.commit({ message: "mine" });
    const changes = [{ path: "f", content: "theirs" }];
    await cg.commits.create("clash", { branch: "main", message: "theirs", changes });
    await expect(fs.unmount()).rejects.toMatchObject({ cause: { code: "CONFLICT" } });
    expect(await fs.readFile("/clash/f")).toBe("mine");
  });
});

test.runIf(process.platform === "linux")(
  "SIGKILL in the middle of commits and flushes loses nothing that was acknowledged",
  { timeout: 120_000 },
  async () => {
    let cg = connect();
    await cg.repos.create({ slug: "killed" });
    const { data: opened } = await cg.session.open({ ttl_seconds: 3_600 });
    const id = opened?.session_id ?? "";
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round++) {
      const enough = acknowledged.length + 8;
      const work = (async () => {
        for (let i = 0; ; i++) {
          const changes = [{ path: `round-${round}/${i}`, content: `${i}` }];
          const body = { branch: "main", message: `${round} ${i}`, changes };
          const made = await cg.commits.create("killed", body, { session: id });
          if (made.error !== null) return made.error.status;
          acknowledged.push(made.data.sha);
        }
      })();
      await expect.poll(() => acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(enough);
      const flush = cg.session.flush(id);
      process.kill(server.pid ?? 0, "SIGKILL");
      await Promise.allSettled([work, flush]);
      await server.stop();
      server = await startLocal({ dataDir, limits: "off" });
      cg = connect();
    }
    expect((await cg.session.close(id)).error).toBeNull();
    const history = new Set<string>();
    let cursor: string | undefined;
    do {
      const page: Awaited<ReturnType<typeof cg.commits.list>> = await cg.commits.list("killed", {
        limit: 100,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const { sha } of page.data?.commits ?? []) history.add(sha);
      cursor = page.data?.next_cursor ?? undefined;
    } while (cursor !== undefined);
    expect(acknowledged.filter((sha) => !history.has(sha))).toEqual([]);
  },
);
