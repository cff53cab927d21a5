/** Watching through the client, over the whole server in this process. */
import { describe, expect, test } from "vitest";
import { createMemoryApi } from "../../server/testing/memory-api.ts";
import { createCoregitClient } from "../client.ts";
import type { Clock } from "../http/clock.ts";
import type { Fetch } from "../http/transport.ts";

/** A client of a server in memory whose connections a test can cut. Pauses take no time; silence lasts for ever. */
async function openWatchedRepo() {
  const api = await createMemoryApi();
  await api.makeRepo("app", { init: true });
  const streams: AbortController[] = [];
  const asked: (string | null)[] = [];
  let refusals: number[] = [];
  const pauses: number[] = [];
  const fetch: Fetch = async (input, init) => {
    const url = new URL(String(input));
    const watching = url.pathname.endsWith("/watch");
    const refusal = watching ? refusals.shift() : undefined;
    if (refusal !== undefined)
      return Response.json({ error: "injected", code: "INTERNAL_ERROR" }, { status: refusal });
    const response = await api.memory.request(`${url.pathname}${url.search}`, init);
    if (!watching) return response;
    const { promise: cut, reject } = withResolvers();
    const controller = new AbortController();
    controller.signal.addEventListener("abort", () => reject(new Error("cut")));
    streams.push(controller);
    asked.push(new Headers(init?.headers).get("last-event-id"));
    init?.signal?.addEventListener("abort", () => controller.abort());
    return new Response(response.body && cutStream(response.body, cut), response);
  };
  const clock: Clock = {
    now: () => Date.now(),
    random: () => 1,
    delay: (ms, signal) => {
      if (ms < 40_000) {
        pauses.push(ms);
        return Promise.resolve();
      }
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
  };
  const cg = createCoregitClient({ baseUrl: "http://memory", apiKey: api.apiKey, fetch, clock });
  return {
    api,
    cg,
    asked,
    pauses,
    cutLast: () => streams.at(-1)?.abort(),
    refuse: (...statuses: number[]) => {
      refusals = statuses;
    },
    async commit(path: string) {
      const made = await api.commit("app", [{ path, content: path }]);
      return String(made.json.sha);
    },
  };
}

function withResolvers() {
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  promise.catch(() => undefined);
  return { promise, reject };
}

function cutStream(body: ReadableStream<Uint8Array>, cut: Promise<never>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await Promise.race([reader.read(), cut]);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => reader.cancel(),
  });
}

describe("watch.open", () => {
  test("tells every move once through cut connections, in order", async () => {
    const { cg, commit, cutLast, asked } = await openWatchedRepo();
    const { data: events } = await cg.watch.open("app");
    const told: unknown[] = [];
    const made: string[] = [];
    const reading = (async () => {
      for await (const event of events ?? []) {
        if (event.event !== "commit") continue;
        told.push(event.sha);
        if (told.length === 12) return;
      }
    })();
    for (let round = 0; round < 4; round++) {
      made.push(await commit(`a${round}`));
      await expect.poll(() => told.length).toBe(made.length);
      cutLast();
      made.push(await commit(`b${round}`), await commit(`c${round}`));
    }
    await reading;
    expect(told).toEqual(made);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.slice(1).every((id) => id !== null)).toBe(true);
  });

  test("waits longer after each failure, and gives up on a refusal", async () => {
    const { cg, cutLast, refuse, pauses, commit } = await openWatchedRepo();
    const { data: events } = await cg.watch.open("app");
    await events?.next();
    pauses.length = 0;
    refuse(503, 503, 503, 503, 503, 503, 503, 503);
    cutLast();
    const sha = await commit("later");
    expect((await events?.next())?.value).toMatchObject({ event: "connected" });
    expect((await events?.next())?.value).toMatchObject({ event: "commit", sha });
    expect(Math.max(...pauses)).toBeGreaterThan(Math.min(...pauses));
    refuse(403);
    cutLast();
    await expect(events?.next()).rejects.toMatchObject({ status: 403 });
  });

  test("ends a step that waits when it is left, and rejects it when its signal aborts", async () => {
    const { cg } = await openWatchedRepo();
    const left = (await cg.watch.open("app")).data;
    await left?.next();
    const waiting = left?.next();
    await left?.return();
    expect(await waiting).toEqual({ done: true, value: undefined });

    const abort = new AbortController();
    const aborted = (await cg.watch.open("app", {}, { signal: abort.signal })).data;
    await aborted?.next();
    const step = aborted?.next();
    abort.abort(new Error("enough"));
    await expect(step).rejects.toThrow("enough");
  });

  test("is an error value when it cannot begin, and an error when the repository goes", async () => {
    const { cg, api } = await openWatchedRepo();
    expect((await cg.watch.open("nothing")).error).toMatchObject({ code: "NOT_FOUND" });
    expect((await cg.watch.open("app", { branch: ["a..b"] })).error).toMatchObject({
      code: "VALIDATION_ERROR",
    });
    const { data: events } = await cg.watch.open("app", { branch: ["main", "with,comma"] });
    expect((await events?.next())?.value).toMatchObject({ branch: "main" });
    expect((await events?.next())?.value).toMatchObject({ branch: "with,comma", sha: null });
    await api.call("DELETE", "/v1/repos/app");
    await expect(events?.next()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a mount's watch", () => {
  test("has moved to a commit before it is told, with one listing, and keeps what is cached and unsaved", async () => {
    const { cg, api } = await openWatchedRepo();
    await api.commit("app", [
      { path: "kept.txt", content: "kept" },
      { path: "both.txt", content: "base" },
      { path: "gone.txt", content: "gone" },
    ]);
    const fs = await cg.fs.mount({ repos: [{ slug: "app" }], branch: "main" });
    await fs.readFile("/app/kept.txt");
    await fs.writeFile("/app/both.txt", "mine");
    const changes = fs.watch();
    const next = changes.next();
    await expect.poll(async () => (await cg.watch.open("app")).status).toBe(200);
    await api.commit("app", [
      { path: "both.txt", content: "theirs" },
      { path: "new.txt", content: "new" },
      { path: "gone.txt", action: "delete" },
    ]);
    const { value } = await next;
    expect(value).toMatchObject({
      repo: "app",
      branch: "main",
      paths: ["/app/both.txt", "/app/gone.txt", "/app/new.txt"],
      pathsTruncated: false,
      conflicts: ["/app/both.txt"],
    });
    expect(await fs.readFile("/app/new.txt")).toBe("new");
    expect(await fs.readFile("/app/both.txt")).toBe("mine");
    expect(await fs.exists("/app/gone.txt")).toBe(false);
    const { misses } = fs.cacheStats();
    expect(await fs.readFile("/app/kept.txt")).toBe("kept");
    expect(fs.cacheStats().misses).toBe(misses);
    await expect(fs.commit({ message: "mine" })).rejects.toMatchObject({ code: "ECONFLICT" });
    await changes.return();
  });

  test("does not tell the mount's own commits, and can leave the mount where it is", async () => {
    const { cg, api } = await openWatchedRepo();
    const fs = await cg.fs.mount({ repos: [{ slug: "app" }], branch: "main" });
    const changes = fs.watch({ refresh: false });
    const next = changes.next();
    await fs.writeFile("/app/own.txt", "own");
    await fs.commit({ message: "own" });
    const made = await api.commit("app", [{ path: "other.txt", content: "other" }]);
    expect((await next).value).toMatchObject({ sha: made.json.sha, paths: ["/app/other.txt"] });
    expect(await fs.exists("/app/other.txt")).toBe(false);
    await fs.refresh();
    expect(await fs.readFile("/app/other.txt")).toBe("other");
    await changes.return();
  });

  test("merges several repositories, and ends with the mount", async () => {
    const { cg, api } = await openWatchedRepo();
    await api.makeRepo("lib", { init: true });
    const fs = await cg.fs.mount({ repos: [{ slug: "app" }, { slug: "lib" }], branch: "main" });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { repo, paths } of fs.watch()) seen.push(`${repo} ${paths}`);
    })();
    await api.commit("lib", [{ path: "l", content: "1" }]);
    await api.commit("app", [{ path: "a", content: "1" }]);
    await expect.poll(() => [...seen].sort()).toEqual(["app /app/a", "lib /lib/l"]);
    await fs.unmount();
    await reading;
    const pinned = await cg.fs.mount({
      repos: [{ slug: "app", ref: String((await cg.commits.list("app")).data?.commits[0]?.sha) }],
    });
    await expect(pinned.watch().next()).rejects.toMatchObject({ code: "EINVAL" });
  });
});
