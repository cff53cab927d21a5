/**
 * A mount for Claude's own tools: the text editor and the memory.
 *
 * @example
 * const editor = createTextEditor(mount);
 * const memory = betaMemoryTool(createMemoryHandlers(mount)); // helpers/beta/memory of @anthropic-ai/sdk
 * await anthropic.beta.messages.toolRunner({ model, max_tokens: 4096, messages, tools: [editor.tool, memory] });
 */
import type { MountedFS } from "../mount/mounted-fs.ts";
import { MemoryDirectory, type MemoryHandlers } from "./anthropic/memory.ts";
import { TextEditor, type TextEditorOptions } from "./anthropic/text-editor.ts";
import type { ToolInput } from "./anthropic/tool-input.ts";

export type { MemoryHandlers } from "./anthropic/memory.ts";
export type { TextEditorOptions } from "./anthropic/text-editor.ts";

/** Names that the versions of the text editor tool go by. */
const TOOL_NAMES = {
  text_editor_20250728: "str_replace_based_edit_tool",
  text_editor_20250429: "str_replace_based_edit_tool",
  text_editor_20250124: "str_replace_editor",
  text_editor_20241022: "str_replace_editor",
} as const;

/** Versions of the text editor tool; all have the same commands but `undo_edit`, which only the last two have. */
export type TextEditorVersion = keyof typeof TOOL_NAMES;

/** A tool definition with what the Anthropic SDK's tool runner calls. */
export interface RunnableTextEditor<Version extends TextEditorVersion> {
  readonly type: Version;
  readonly name: (typeof TOOL_NAMES)[Version];
  readonly max_characters?: number;
  readonly parse: (content: unknown) => ToolInput;
  readonly run: (input: ToolInput) => Promise<string>;
}

/** An answer to a `tool_use` block, for a loop of your own. */
export interface ToolResult {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content: string;
  readonly is_error: boolean;
}

/** The text editor tool over a mount. */
export interface MountedTextEditor<Version extends TextEditorVersion> {
  /** For `tools` of a request, or of the SDK's tool runner, which calls it as well. */
  readonly tool: RunnableTextEditor<Version>;
  /** One command; rejects with what the model is to be told. Fits `execute` of the AI SDK's `anthropic.tools.textEditor_…`. */
  readonly execute: (input: unknown) => Promise<string>;
  /** One `tool_use` block: never rejects, a fault is a result with `is_error`. */
  readonly answer: (toolUse: { readonly id: string; readonly input: unknown }) => Promise<ToolResult>;
}

/** Makes the text editor tool. Edits stay unsaved until the mount commits, as its commit mode has it. */
export function createTextEditor<Version extends TextEditorVersion = "text_editor_20250728">(
  mount: MountedFS,
  options: TextEditorOptions & { readonly version?: Version } = {},
): MountedTextEditor<Version> {
  // The default of the type parameter and the value's are one and the same.
  const version = options.version ?? ("text_editor_20250728" as Version);
  const editor = new TextEditor(mount, options);
  const execute = (input: unknown) => editor.execute(input);
  return {
    tool: {
      type: version,
      name: TOOL_NAMES[version],
      // Only the newest version knows the field; the older ones are cut all the same.
      ...(options.maxCharacters !== undefined && version === "text_editor_20250728"
        ? { max_characters: options.maxCharacters }
        : {}),
      parse: (content) => content as ToolInput, // Checked by execute, field by field.
      run: execute,
    },
    execute,
    async answer({ id, input }) {
      try {
        return { type: "tool_result", tool_use_id: id, content: await execute(input), is_error: false };
      } catch (error) {
        const content = error instanceof Error ? error.message : String(error);
        return { type: "tool_result", tool_use_id: id, content, is_error: true };
      }
    },
  };
}

/**
 * Handlers of the memory tool (`memory_20250818`), for `betaMemoryTool` of the Anthropic SDK.
 *
 * @param options.root directory of the mount that `/memories` means; `/memories` by default.
 */
export function createMemoryHandlers(
  mount: MountedFS,
  options: { readonly root?: string } = {},
): MemoryHandlers {
  return new MemoryDirectory(mount, options.root ?? "/memories");
}
