import { expect, it } from "vitest";
import type { RequestEvent } from "../index.ts";
import { answerJson, answerText, interceptRequests, ORIGIN } from "../testing/intercepted-client.ts";

const start = interceptRequests();

it("sends the key, and asks a function for it before each attempt", async () => {
  const fixed = start([answerJson({})]);
  await fixed.client.repos.get("app");
  expect(fixed.calls[0]?.headers.get("x-api-key")).toBe("cgk_test");

  let asked = 0;
  const asking = start([answerText("", 503), answerJson({})], {
    apiKey: async () => {
      asked += 1;
      return `token-${asked}`;
    },
  });
  await asking.client.repos.get("app");
  expect(asking.calls.map((call) => call.headers.get("x-api-key"))).toEqual(["token-1", "token-2"]);
});

it("sends no key when there is none", async () => {
  const { client, calls } = start([answerJson({})], { apiKey: () => undefined });
  await client.repos.get("app");
  expect(calls[0]?.headers.has("x-api-key")).toBe(false);
});

it("computes the session header when an attempt is sent", async () => {
  let session = "first";
  const fail = () => {
    session = "second";
    return new Response("", { status: 503 });
  };
  const { client, calls } = start([fail, answerJson({})]);
  await client.repos.get("app", { session: () => session });
  await client.repos.get("app", { session: "fixed" });
  await client.repos.get("app", { session: () => undefined });
  const sent = calls.map((call) => call.headers.get("x-session-id"));
  expect(sent).toEqual(["first", "second", "fixed", null]);
});

it("shows every attempt to onRequest, without the key", async () => {
  const events: RequestEvent[] = [];
  const { client } = start([answerText("", 503), answerJson({ sha: "1" }, 201)], {
    onRequest: (event) => events.push(event),
  });
  const body = { branch: "main", message: "m", changes: [{ path: "a", content: "1" }] };
  await client.commits.create("app", body);
  const event = {
    endpoint: "POST /repos/:repo/commits",
    method: "POST",
    url: `${ORIGIN}/v1/repos/app/commits`,
    bodyLength: JSON.stringify(body).length,
  };
  expect(events).toEqual([
    { ...event, attempt: 1 },
    { ...event, attempt: 2 },
  ]);
});

it("sends JSON as JSON, and headers of the caller beside its own", async () => {
  const { client, calls } = start([answerJson({}, 201)]);
  await client.repos.create({ slug: "app" }, { headers: { "x-trace": "1" } });
  expect(calls[0]?.body).toBe('{"slug":"app"}');
  expect(calls[0]?.headers.get("content-type")).toBe("application/json");
  expect(calls[0]?.headers.get("x-trace")).toBe("1");
});

it.each([
  ["feature/login", "feature/login"],
  ["a b", "a%20b"],
  ["50%", "50%25"],
  ["%2e%2e", "%252e%252e"],
  ["fix#12?", "fix%2312%3F"],
  ["größe/日本", "gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC"],
])("encodes the branch %s segment by segment", async (name, encoded) => {
  const { client, calls } = start([answerJson({})]);
  await client.branches.get("app", name);
  expect(calls[0]?.target).toBe(`/v1/repos/app/branches/${encoded}`);
});

it.each([
  ["src/a#b.ts", "src/a%23b.ts"],
  ["what?.md", "what%3F.md"],
  ["100%.txt", "100%25.txt"],
  ["a b+c&d=e.txt", "a%20b%2Bc%26d%3De.txt"],
  ["back\\slash;:@", "back%5Cslash%3B%3A%40"],
  ["ü/🙂", "%C3%BC/%F0%9F%99%82"],
  ["...", "..."],
])("encodes the path %s below a ref with a slash", async (path, encoded) => {
  const { client, calls } = start([answerJson({})]);
  await client.files.blob("app", { ref: "feature/x", path });
  expect(calls[0]?.target).toBe(`/v1/repos/app/blob/feature/x/${encoded}`);
});

it.each(["../secrets", "a/./b", ".."])(
  "refuses the path %s, which would name another address",
  async (path) => {
    const { client, calls } = start([answerJson({})]);
    await expect(client.files.blob("app", { path })).rejects.toBeInstanceOf(TypeError);
    expect(calls).toHaveLength(0);
  },
);

it("addresses a repository with its namespace in both spellings", async () => {
  const { client, calls } = start([answerJson({})]);
  await client.repos.get("team/app");
  await client.repos.get({ namespace: "team", slug: "app" });
  expect(calls.map((call) => call.target)).toEqual(["/v1/repos/team/app", "/v1/repos/team/app"]);
  await expect(client.repos.get("a/b/c")).rejects.toBeInstanceOf(TypeError);
  await expect(client.repos.get("")).rejects.toBeInstanceOf(TypeError);
});

it("encodes the query and leaves out what is undefined", async () => {
  const { client, calls } = start([answerJson({})]);
  await client.objects.revParse("app", "main^{tree}~2 &#+");
  await client.commits.list("app", { limit: 5 });
  expect(calls[0]?.target).toBe("/v1/repos/app/rev-parse?ref=main%5E%7Btree%7D%7E2+%26%23%2B");
  expect(calls[1]?.target).toBe("/v1/repos/app/commits?limit=5");
});

it.each([`${ORIGIN}/`, `${ORIGIN}/v1`, `${ORIGIN}/v1/`])("takes the base address %s", async (baseUrl) => {
  const { client, calls } = start([answerJson({})], { baseUrl });
  await client.repos.get("app");
  expect(calls[0]?.target).toBe("/v1/repos/app");
});
