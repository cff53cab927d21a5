/**
 * A mount as an MCP server: the tools of the reference filesystem server, with its names, schemas and texts, and those
 * of a repository. Over stdio see `@coregit/sdk/adapters/mcp-stdio`.
 *
 * @example
 * const server = createMcpServer(mount, { readOnly: true });
 * await server.connect(transport);
 *
 * @example
 * export default { fetch: createMcpHandler(mount) }; // streamable HTTP, in a Worker or anywhere else
 * http.createServer(createNodeListener(createMcpHandler(mount))).listen(3000); // the same in Node
 */
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import type { MountedFS } from "../mount/mounted-fs.ts";
import { createBranchReadTools, createBranchWriteTools, type McpRepositories } from "./mcp/branch-tools.ts";
import { createListTools } from "./mcp/list-tools.ts";
import { createReadTools } from "./mcp/read-tools.ts";
import { createLookTools, createSaveTools } from "./mcp/repository-tools.ts";
import { registerResources } from "./mcp/resources.ts";
import { type McpTool, registerTool } from "./mcp/tool.ts";
import { createDeleteTool, createWriteTools } from "./mcp/write-tools.ts";
import { AllowedPaths } from "./paths/allowed-paths.ts";

export type { McpRepositories } from "./mcp/branch-tools.ts";
export { createNodeListener, type NodeRequest, type NodeResponse } from "./mcp/node-listener.ts";

/** What a server offers. */
export interface McpOptions {
  /** Only tools that change nothing. */
  readonly readOnly?: boolean;
  /** Directories of the mount that tools may touch; the whole mount by default. */
  readonly allowedDirectories?: readonly string[];
  /** Names of the tools to offer; all by default. */
  readonly tools?: readonly string[];
  /** For branch tools: the repositories that they may work on. */
  readonly repositories?: McpRepositories;
  /** Longest result in characters; a longer one is an error that says so. 1,000,000 by default. */
  readonly maxResultChars?: number;
  readonly name?: string;
  readonly version?: string;
}

const DEFAULT_MAX_RESULT_CHARS = 1_000_000;

function createTools(mount: MountedFS, paths: AllowedPaths, options: McpOptions): McpTool[] {
  const files = { mount, paths };
  const { readOnly = false, repositories } = options;
  return [
    ...createReadTools(files),
    ...createListTools(files),
    ...createLookTools(files),
    ...(repositories ? createBranchReadTools(repositories) : []),
    ...(readOnly ? [] : [...createWriteTools(files), createDeleteTool(files), ...createSaveTools(files)]),
    ...(readOnly || !repositories ? [] : createBranchWriteTools(repositories)),
  ];
}

/**
 * Makes a server over a mount; connect it to a transport. Several servers may share one mount.
 *
 * @throws Error when `tools` names one that there is not.
 */
export function createMcpServer(mount: MountedFS, options: McpOptions = {}): McpServer {
  const server = new McpServer({ name: options.name ?? "coregit", version: options.version ?? "1.0.0" });
  const paths = new AllowedPaths(mount, options.allowedDirectories ?? ["/"]);
  const tools = createTools(mount, paths, options);
  const unknown = options.tools?.find((name) => !tools.some((tool) => tool.name === name));
  if (unknown !== undefined) throw new Error(`no such tool: ${unknown}`);
  for (const tool of tools) {
    if (options.tools && !options.tools.includes(tool.name)) continue;
    registerTool(server, tool, options.maxResultChars ?? DEFAULT_MAX_RESULT_CHARS);
  }
  registerResources(server, { mount, paths });
  return server;
}

/** How a server is reached over HTTP. */
export interface McpHttpOptions extends McpOptions {
  /** Values of `Host` to accept: set it where a browser could be made to call (DNS rebinding), as on localhost. */
  readonly allowedHosts?: readonly string[];
  /** Values of `Origin` to accept. */
  readonly allowedOrigins?: readonly string[];
  /** Longest request body in bytes; 16 MiB by default. */
  readonly maxRequestBytes?: number;
}

/** Same limit as a file has that goes into one commit with room for JSON around it. */
const DEFAULT_MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** The mount for a request: one for all, or picked by what the request carries, such as its token. */
export type MountSource = MountedFS | ((request: Request) => Promise<MountedFS> | MountedFS);

/**
 * MCP's streamable HTTP as a function of a request, for Workers, Deno, Bun and every framework that has such handlers.
 * It keeps no sessions: what is unsaved is in the mount, so that any request may go to any copy that has the same mount.
 * It does not check who asks: do that before, or in the function that picks the mount.
 */
export function createMcpHandler(
  source: MountSource,
  options: McpHttpOptions = {},
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method !== "POST") {
      // GET would open a stream for what the server has to say by itself, which is nothing.
      const error = { code: -32_000, message: "Method not allowed: POST a JSON-RPC message" };
      return Response.json({ jsonrpc: "2.0", error, id: null }, { status: 405, headers: { allow: "POST" } });
    }
    const mount = typeof source === "function" ? await source(request) : source;
    const guarded = options.allowedHosts !== undefined || options.allowedOrigins !== undefined;
    const transport = new WebStandardStreamableHTTPServerTransport({
      enableJsonResponse: true,
      maxRequestBodySize: options.maxRequestBytes ?? DEFAULT_MAX_REQUEST_BYTES,
      ...(options.allowedHosts ? { allowedHosts: [...options.allowedHosts] } : {}),
      ...(options.allowedOrigins ? { allowedOrigins: [...options.allowedOrigins] } : {}),
      enableDnsRebindingProtection: guarded,
    });
    const server = createMcpServer(mount, options);
    await server.connect(transport);
    try {
      return await transport.handleRequest(request);
    } finally {
      await server.close();
    }
  };
}
