import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { CallToolResult, ToolAnnotations } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";

/** Named inputs with their schemas. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** A tool as data; `createMcpServer` registers those that a server is to have. */
export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: Shape;
  readonly output: Shape;
  readonly annotations: ToolAnnotations;
  readonly run: (args: unknown) => Promise<CallToolResult>;
}

/** Output of a tool that answers with text. */
export const TEXT_OUTPUT = { content: z.string() };

/** What a tool does to the world, in MCP's terms. Nothing leaves the mount, so no tool is open-world. */
export const READS: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };

export function changes(hints: {
  readonly idempotent: boolean;
  readonly destructive: boolean;
}): ToolAnnotations {
  const { idempotent, destructive } = hints;
  return {
    readOnlyHint: false,
    idempotentHint: idempotent,
    destructiveHint: destructive,
    openWorldHint: false,
  };
}

interface ToolHead<Input extends Shape> {
  readonly title: string;
  readonly description: string;
  readonly input: Input;
  readonly annotations: ToolAnnotations;
}

/** A tool that answers with one text, also as `structuredContent.content`. */
export function textTool<Input extends Shape>(
  name: string,
  head: ToolHead<Input>,
  work: (args: z.infer<z.ZodObject<Input>>) => Promise<string>,
): McpTool {
  return {
    name,
    ...head,
    output: TEXT_OUTPUT,
    run: async (args) => {
      // The server has validated the arguments against `input`.
      const text = await work(args as z.infer<z.ZodObject<Input>>);
      return { content: [{ type: "text", text }], structuredContent: { content: text } };
    },
  };
}

function countChars(result: CallToolResult): number {
  let chars = 0;
  for (const item of result.content) {
    if (item.type === "text") chars += item.text.length;
    else if (item.type === "image" || item.type === "audio") chars += item.data.length;
    else if (item.type === "resource") chars += "blob" in item.resource ? item.resource.blob.length : 0;
  }
  return chars;
}

/** Registers a tool. A result over the limit becomes an error that names it: nothing is cut without a word. */
export function registerTool(server: McpServer, tool: McpTool, maxResultChars: number): void {
  const { name, title, description, input, output, annotations, run } = tool;
  server.registerTool(
    name,
    { title, description, inputSchema: { ...input }, outputSchema: { ...output }, annotations },
    async (args: unknown): Promise<CallToolResult> => {
      const result = await run(args);
      const chars = countChars(result);
      if (chars <= maxResultChars) return result;
      throw new Error(
        `The result has ${chars} characters, over the limit of ${maxResultChars}: ask for less (head, tail, a subdirectory, a narrower pattern)`,
      );
    },
  );
}
