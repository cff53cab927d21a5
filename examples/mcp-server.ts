// A repository as an MCP server, driven by a real client: over stdio by the program `coregit-mcp`, as a desktop
// assistant starts it, and over HTTP by a handler of your own.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCoregitClient } from "@coregit/sdk";
import { createMcpHandler, createNodeListener } from "@coregit/sdk/adapters/mcp";
import { startLocal } from "@coregit/server/local";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
await cg.repos.create({ slug: "notes" });

/** Calls a tool and prints what it answers. */
async function call(client: Client, name: string, args: Record<string, unknown>): Promise<void> {
  const { content, isError } = await client.callTool({ name, arguments: args });
  const [first] = content as { text: string }[]; // These tools answer with a text.
  console.log(`> ${name}${isError ? " failed" : ""}: ${first?.text.trimEnd()}`);
}

// 1. Over stdio. In your project the command is `npx coregit-mcp notes`.
const program = fileURLToPath(import.meta.resolve("@coregit/sdk/adapters/mcp-cli"));
const overStdio = new Client({ name: "example", version: "1.0.0" });
await overStdio.connect(
  new StdioClientTransport({
    command: process.execPath,
    args: [...process.execArgv, program, "--commit-mode", "manual", "notes"],
    env: { COREGIT_API_KEY: server.apiKey, COREGIT_BASE_URL: server.url },
    stderr: "ignore",
  }),
);
const { tools } = await overStdio.listTools();
console.log(`${tools.length} tools`);
await call(overStdio, "create_directory", { path: "/days" });
await call(overStdio, "write_file", { path: "/days/monday.md", content: "# Monday\nrain\n" });
await call(overStdio, "edit_file", { path: "/days/monday.md", edits: [{ oldText: "rain", newText: "sun" }] });
await call(overStdio, "commit", { message: "Start the week" });
await call(overStdio, "create_branch", { name: "drafts" });
// What is not committed when the client goes is committed at the end.
await call(overStdio, "write_file", { path: "/days/tuesday.md", content: "# Tuesday\n" });
await overStdio.close();

// 2. Over HTTP: read-only, for another client, on what the first one left.
const fs = await cg.fs.mount({ repos: [{ slug: "notes", as: "/" }], mode: "ro" });
const http = createServer(createNodeListener(createMcpHandler(fs, { readOnly: true }))).listen(
  0,
  "127.0.0.1",
);
await once(http, "listening");
const address = http.address();
const port = typeof address === "object" ? address?.port : undefined;
const overHttp = new Client({ name: "example", version: "1.0.0" });
await overHttp.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`)));
await call(overHttp, "list_directory", { path: "/days" });
await call(overHttp, "grep", { pattern: "sun" });
await call(overHttp, "write_file", { path: "/days/friday.md", content: "" });
await overHttp.close();
http.close();

await fs.unmount();
await server.stop();
await rm(dataDir, { recursive: true });
