import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../server/testing/end-to-end/local-server.ts";
import { type CoregitClient, createCoregitClient } from "../client.ts";
import { createMcpServer } from "./mcp.ts";

let server: TestServer;
let client: CoregitClient;

beforeAll(async () => {
  server = await startTestServer();
  client = createCoregitClient({ apiKey: server.local.apiKey, baseUrl: server.local.url });
  for (const slug of ["app", "lib"]) await client.repos.create({ slug });
});
afterAll(() => server?.stop());

/** A real client of a server for both repositories. */
async function connect(
  readOnly = false,
): Promise<(name: string, args: Record<string, unknown>) => Promise<string>> {
  const mount = await client.fs.mount({ repos: [{ slug: "app" }, { slug: "lib" }] });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const repositories = { client, repos: ["app", { slug: "lib", namespace: null }] };
  await createMcpServer(mount, { readOnly, repositories }).connect(theirs);
  const mcp = new Client({ name: "test", version: "1" });
  await mcp.connect(ours);
  return async (name, args) => {
    const { content, isError } = await mcp.callTool({ name, arguments: args });
    const [first] = content as { text: string }[]; // Every tool here answers with a text.
    return `${isError ? "failed: " : ""}${first?.text}`;
  };
}

test("branches are listed and made, and repositories forked, on the real server", async () => {
  const call = await connect();
  expect(await call("list_branches", {})).toMatch(/^\* main [0-9a-f]{40}$/);
  expect(await call("create_branch", { name: "agent/1", from: "main" })).toMatch(
    /^Created agent\/1 at [0-9a-f]{40}$/,
  );
  expect(await call("list_branches", {})).toMatch(/^ {2}agent\/1 [0-9a-f]{40}\n\* main/);
  expect(await call("list_branches", { repo: "lib" })).not.toContain("agent/1");
  expect(await call("fork_repository", { slug: "app-fork" })).toMatch(/^Forked to app-fork: http/);
  expect((await client.repos.get("app-fork")).data?.forked_from).not.toBeNull();
});

test("a refusal of the server tells why, and only the given repositories are reached", async () => {
  const call = await connect();
  expect(await call("create_branch", { name: "main" })).toMatch(
    /^failed: Branch main is at .*\n.*"current_sha"/,
  );
  expect(await call("create_branch", { name: "bad..name" })).toMatch(/^failed: /);
  expect(await call("list_branches", { repo: "app-fork" })).toContain(
    "failed: No such repository: app-fork. There are: app, lib",
  );
});

test("one commit tool call commits every repository that has changes", async () => {
  const call = await connect();
  await call("write_file", { path: "/app/a.txt", content: "a\n" });
  await call("write_file", { path: "/lib/b.txt", content: "b\n" });
  expect((await call("commit", { message: "Both" })).split("\n").sort()).toEqual([
    expect.stringMatching(/^Committed to app: [0-9a-f]{40}$/),
    expect.stringMatching(/^Committed to lib: [0-9a-f]{40}$/),
  ]);
  const readOnly = await connect(true);
  expect(await readOnly("list_branches", {})).toContain("* main");
  expect(await readOnly("create_branch", { name: "x" })).toContain("failed: ");
});
