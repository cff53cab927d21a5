/**
 * A mount for the OpenAI Agents SDK: the editor of `applyPatchTool`, the shell of `shellTool`, and the file methods of a
 * sandbox session.
 *
 * @example
 * const agent = new Agent({
 *   name: "coder",
 *   tools: [applyPatchTool({ editor: createEditor(mount) }), shellTool({ shell: createShell(mount) })],
 * });
 */
import type { MountedFS } from "../mount/mounted-fs.ts";
import { MountShell } from "./openai/mount-shell.ts";
import { PatchEditor } from "./openai/patch-editor.ts";
import { SandboxFiles } from "./openai/sandbox-files.ts";
import { AllowedPaths } from "./paths/allowed-paths.ts";
import { createRunner } from "./shell/mounted-shell.ts";

export type { CommandOutput, MountShell, ShellRequest } from "./openai/mount-shell.ts";
export type { PatchEditor, PatchResult } from "./openai/patch-editor.ts";
export type { SandboxExecResult, SandboxFiles } from "./openai/sandbox-files.ts";

/** Where a model's paths start. */
export interface RootOptions {
  /** Directory of the mount that relative paths start in, and that no path may leave; `/` by default. */
  readonly root?: string;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_OUTPUT_CHARS = 40_000;

/** Makes the `editor` of `applyPatchTool`. A patch that does not fit is a failed result with the reason; nothing is written. */
export function createEditor(mount: MountedFS, options: RootOptions = {}): PatchEditor {
  return new PatchEditor(mount, new AllowedPaths(mount, [options.root ?? "/"]));
}

/**
 * Makes the `shell` of `shellTool`.
 *
 * @param options.timeoutMs for one command when the model names no time; 60 s by default.
 * @param options.maxOutputChars most of each output that the model is given; 40,000 by default, the middle is left out.
 */
export function createShell(
  mount: MountedFS,
  options: RootOptions & { readonly timeoutMs?: number; readonly maxOutputChars?: number } = {},
): MountShell {
  return new MountShell(createRunner(mount), {
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    maxOutputChars: options.maxOutputChars ?? DEFAULT_MAX_OUTPUT_CHARS,
    cwd: options.root ?? "/",
  });
}

/** Makes the file methods of a `SandboxSession`; give it a `state` and it is one. */
export function createSandboxFiles(mount: MountedFS, options: RootOptions = {}): SandboxFiles {
  return new SandboxFiles(mount, new AllowedPaths(mount, [options.root ?? "/"]));
}
