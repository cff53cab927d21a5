import { expect, test } from "vitest";
import { mountFiles } from "../testing/mount-files.ts";
import { createMcpHandler } from "./mcp.ts";

test("a Worker serves a mount over streamable HTTP", async () => {
  const { mount } = await mountFiles({ "a.txt": "from workerd\n" });
  const handle = createMcpHandler(mount);
  const post = async (method: string, params: object) => {
    const response = await handle(
      new Request("http://worker.test/mcp", {
        method: "POST",
        headers: { accept: "application/json, text/event-stream", "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      }),
    );
    expect(response.status).toBe(200);
    return JSON.stringify(await response.json());
  };
  const clientInfo = { name: "test", version: "1" };
  const opened = await post("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
  expect(opened).toContain('"name":"coregit"');
  expect(await post("tools/list", {})).toContain('"name":"read_text_file"');
  const args = { path: "/a.txt", edits: [{ oldText: "from", newText: "in" }] };
  expect(await post("tools/call", { name: "edit_file", arguments: args })).toContain("+in workerd");
  expect(await mount.readFile("/a.txt")).toBe("in workerd\n");
});
