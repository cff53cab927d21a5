import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { afterAll, expect, test } from "vitest";
import { startLocal } from "../../local/start-local.ts";
import { type GitHost, serveGitHost } from "../git-http-backend.ts";
import { git, hasGit, makeFolder } from "../real-git.ts";

const hosts: GitHost[] = [];
afterAll(async () => {
  for (const host of hosts) await host.close();
});

test.runIf(hasGit)(
  "an import that a kill cut short shows nothing, and comes to its end after the next start",
  async () => {
    const root = await makeFolder();
    const dir = join(root, "r.git");
    await mkdir(dir);
    await git(["init", "-q", "--bare", "-b", "main", dir]);
    const stream =
      "commit refs/heads/main\ncommitter C <c@example.com> 1700000000 +0000\ndata 1\nm\nM 100644 inline f\ndata 1\nx\n";
    await git(["fast-import", "--quiet"], { cwd: dir, input: stream });
    const host = await serveGitHost(root);
    hosts.push(host);
    let fetches = 0;
    let onFetch: () => void = () => undefined;
    let isHeld = true;
    // The fetch that brings the pack is held until the test lets it go.
    host.intercept = (incoming) => {
      if (!isHeld || incoming.method !== "POST") return false;
      fetches++;
      onFetch();
      return true;
    };
    const nextFetch = () =>
      new Promise<void>((resolve) => {
        onFetch = resolve;
      });
    const dataDir = await makeFolder();
    const start = () => startLocal({ dataDir, limits: "off", outboundHosts: [host.host] });

    const first = await start();
    const asked = nextFetch();
    const cg = createCoregitClient({ apiKey: first.apiKey, baseUrl: first.url });
    const made = await cg.sync.importRepo({ slug: "r", url: `${host.url}/r.git` });
    const id = made.data?.run.id ?? "";
    await asked;
    if (first.pid === null) throw new Error("no process to kill");
    process.kill(first.pid, "SIGKILL");
    await first.exited;
    await first.stop();

    const again = nextFetch();
    const second = await start();
    try {
      const after = createCoregitClient({ apiKey: second.apiKey, baseUrl: second.url });
      // Nobody asks for it: the alarm that the crash left behind wakes the object.
      await again;
      expect(fetches).toBe(2);
      expect((await after.branches.list("r")).data?.branches).toEqual([]);
      expect((await after.sync.run("r", id)).data).toMatchObject({ status: "running", attempts: 2 });
      isHeld = false;
      host.intercept = null;
      // What was held is gone for good; the run fails on it and the next one brings everything.
      await second.stop();
    } finally {
      await second.stop();
    }
    const third = await start();
    try {
      const last = createCoregitClient({ apiKey: third.apiKey, baseUrl: third.url });
      const run = await last.sync.run("r", id, { wait_seconds: 30 });
      expect(run.data).toMatchObject({ status: "succeeded", attempts: 3 });
      const tip = (await git(["rev-parse", "main"], { cwd: dir })).text;
      expect((await last.branches.list("r")).data?.branches).toEqual([{ name: "main", sha: tip }]);
    } finally {
      await third.stop();
    }
  },
);
