/**
 * A mount for the Vercel AI SDK: tools for a model, and a sandbox session.
 *
 * @example
 * const result = await generateText({ model, tools: createTools(mount), stopWhen: isStepCount(20), prompt });
 */
import type { MountedFS } from "../mount/mounted-fs.ts";
import { createReadTools } from "./ai-sdk/read-tools.ts";
import { MountSandboxSession } from "./ai-sdk/sandbox-session.ts";
import { createBashTool, createCommitTool, createStatusTools } from "./ai-sdk/save-tools.ts";
import type { MountTool } from "./ai-sdk/tool.ts";
import { createWriteTools } from "./ai-sdk/write-tools.ts";

export type { MountProcess, MountSandboxSession } from "./ai-sdk/sandbox-session.ts";
export type { MountTool, MountToolResult } from "./ai-sdk/tool.ts";

/** Tools that a mount gives. */
export type MountToolName =
  | "readFile"
  | "readFiles"
  | "listDirectory"
  | "glob"
  | "grep"
  | "status"
  | "diff"
  | "writeFile"
  | "editFile"
  | "move"
  | "delete"
  | "commit"
  | "bash";

/** Which tools, and how much they say. */
export interface ToolOptions {
  /** Only tools that change nothing; without bash, which could. */
  readonly readOnly?: boolean;
  /** Names of the tools to give; all by default. */
  readonly tools?: readonly MountToolName[];
  /** Longest text that a call gives to the model, in characters; 40,000 by default. What is cut is said in the text. */
  readonly maxOutputChars?: number;
}

const DEFAULT_MAX_OUTPUT_CHARS = 40_000;

/**
 * Makes a `ToolSet` of a mount. What a model gets to read is bounded text; the program gets the facts beside it
 * (`output.sha`, `output.matches`, `output.commits` …). Faults are errors whose message helps a model on.
 *
 * @throws Error when `tools` names one that this mount, or a read-only set, does not have.
 */
export function createTools(mount: MountedFS, options: ToolOptions = {}): Record<string, MountTool> {
  const { readOnly = false, maxOutputChars: maxChars = DEFAULT_MAX_OUTPUT_CHARS } = options;
  const context = { mount, maxChars };
  const all: Record<string, MountTool> = {
    ...createReadTools(context),
    ...createStatusTools(context),
    ...(readOnly
      ? {}
      : { ...createWriteTools(context), ...createCommitTool(context), ...createBashTool(context) }),
  };
  if (options.tools === undefined) return all;
  return Object.fromEntries(
    options.tools.map((name) => {
      const tool = all[name];
      if (tool === undefined)
        throw new Error(`no such tool: ${name}; there are ${Object.keys(all).join(", ")}`);
      return [name, tool];
    }),
  );
}

/**
 * Makes an `Experimental_SandboxSession` of a mount. `run` and `spawn` need a mount with a shell; without one they reject.
 *
 * @param options.workingDirectory where relative paths and commands start; `/` by default.
 */
export function createSandboxSession(
  mount: MountedFS,
  options: { readonly workingDirectory?: string } = {},
): MountSandboxSession {
  return new MountSandboxSession(mount, options.workingDirectory ?? "/");
}
