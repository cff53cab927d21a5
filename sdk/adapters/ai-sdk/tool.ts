import type * as z from "zod";
import type { MountedFS } from "../../mount/mounted-fs.ts";

/** What a tool gives: `text` is what the model reads, the rest is for the program. */
export interface MountToolResult {
  readonly text: string;
  readonly [fact: string]: unknown;
}

/** A tool in the AI SDK's shape; `ai` itself is not needed to make one. */
export interface MountTool {
  readonly description: string;
  readonly inputSchema: z.ZodType;
  readonly execute: (
    input: unknown,
    options?: { readonly abortSignal?: AbortSignal | undefined },
  ) => Promise<MountToolResult>;
  readonly toModelOutput: (options: { readonly output: MountToolResult }) => { type: "text"; value: string };
}

/** What every tool works with. */
export interface ToolContext {
  readonly mount: MountedFS;
  /** Longest text given to the model by one call. */
  readonly maxChars: number;
}

/** Makes a tool of a description, a schema and the work. The input is checked here too, for callers other than the AI SDK. */
export function defineTool<Schema extends z.ZodType>(
  description: string,
  inputSchema: Schema,
  work: (input: z.output<Schema>, signal: AbortSignal | undefined) => Promise<MountToolResult>,
): MountTool {
  return {
    description,
    inputSchema,
    execute: async (input, options) => {
      options?.abortSignal?.throwIfAborted();
      return await work(inputSchema.parse(input), options?.abortSignal);
    },
    toModelOutput: ({ output }) => ({ type: "text", value: output.text }),
  };
}
