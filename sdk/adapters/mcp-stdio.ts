/**
 * An MCP server over the standard input and output of this process.
 *
 * @example
 * await serveStdio(mount, { readOnly: true }); // resolves when the client is gone
 * await mount.unmount({ onUnsaved: "commit" });
 */
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { createMcpServer, type McpOptions } from "./mcp.ts";

/** What is used of node's process. */
interface StdioProcess {
  readonly stdin: { once(event: "end" | "close", listener: () => void): unknown };
  once(event: "SIGINT" | "SIGTERM", listener: () => void): unknown;
}

/**
 * Serves a mount until the input ends or the process is told to end (SIGINT, SIGTERM). The mount stays open: what to do
 * with unsaved work is the caller's to say. Nothing else may write to the standard output meanwhile.
 */
export async function serveStdio(mount: MountedFS, options: McpOptions = {}): Promise<void> {
  // The transport is node's anyway; the core is compiled without node's types.
  const { process } = globalThis as unknown as { process: StdioProcess };
  const ended = new Promise<void>((resolve) => {
    process.stdin.once("end", resolve);
    process.stdin.once("close", resolve);
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
  const server = createMcpServer(mount, options);
  await server.connect(new StdioServerTransport());
  await ended;
  await server.close();
}
