/** Watching over a real socket: workerd on one side, the client on the other. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCoregitClient } from "../../../sdk/index.ts";
import { startTestServer, type TestServer } from "./local-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

test("a commit, a push of another client and an aborted reader, over HTTP", async () => {
  const cg = createCoregitClient({ apiKey: server.local.apiKey, baseUrl: server.local.url });
  await cg.repos.create({ slug: "live" });
  const stop = new AbortController();
  const { data: events } = await cg.watch.open("live", { branch: "*" }, { signal: stop.signal });
  expect((await events?.next())?.value).toMatchObject({ event: "connected", branch: "*" });
  const made: (string | undefined)[] = [];
  for (let i = 0; i < 20; i++) {
    const changes = [{ path: `file-${i}.txt`, content: `${i}` }];
    made.push(
      (await cg.commits.create("live", { branch: "main", message: `Write ${i}`, changes })).data?.sha,
    );
  }
  const told: unknown[] = [];
  for (const _ of made) {
    const event = (await events?.next())?.value;
    if (event?.event === "commit") told.push(event.sha);
  }
  expect(told).toEqual(made);
  stop.abort(new Error("enough"));
  await expect(events?.next()).rejects.toThrow("enough");

  // A stream that has just begun hears of what comes, and a second one of the same.
  const again = (await cg.watch.open("live")).data;
  await again?.next();
  const changes = [{ path: "last.txt", content: "last" }];
  const { data } = await cg.commits.create("live", { branch: "main", message: "Last", changes });
  expect((await again?.next())?.value).toMatchObject({ sha: data?.sha, paths: ["last.txt"] });
  await again?.return();
});
