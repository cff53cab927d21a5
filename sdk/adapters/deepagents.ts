import type { MountedFS } from "../mount/mounted-fs.ts";
import type { DeepAgentsBackend } from "./deepagents/protocol.ts";
import { createReading } from "./deepagents/reading.ts";
import { createSearching } from "./deepagents/searching.ts";
import { createWriting } from "./deepagents/writing.ts";

export type * from "./deepagents/protocol.ts";

/**
 * A mount as the backend of a deep agent. What it writes is in the mount; saving it is the mount's affair: commit mode
 * `"auto"`, or `mount.commit()` when the agent is done.
 *
 * @example
 * const agent = createDeepAgent({ model, backend: createDeepAgentsBackend(mount) });
 */
export function createDeepAgentsBackend(mount: MountedFS): DeepAgentsBackend {
  return { ...createReading(mount), ...createWriting(mount), ...createSearching(mount) };
}

/** A shell over the mount: what `mount.bash()` gives where the mount has one. */
export interface MountShell {
  exec(command: string): Promise<{
    readonly stdout: string;
    readonly stderr: string;
    readonly exitCode: number | null;
  }>;
}

/** A backend that runs commands too. */
export interface DeepAgentsSandbox extends DeepAgentsBackend {
  readonly id: string;
  execute(command: string): Promise<{ output: string; exitCode: number | null; truncated: boolean }>;
}

/** What a model is shown of a command's output at most, in UTF-16 units. */
const MAX_OUTPUT = 100_000;

/** The backend of `createDeepAgentsBackend` with a shell, for which the agent gets the `execute` tool. */
export function createDeepAgentsSandbox(
  mount: MountedFS,
  shell: MountShell,
  options: { readonly id?: string; readonly maxOutput?: number } = {},
): DeepAgentsSandbox {
  const { id = "coregit", maxOutput = MAX_OUTPUT } = options;
  return {
    ...createDeepAgentsBackend(mount),
    id,
    async execute(command) {
      const { stdout, stderr, exitCode } = await shell.exec(command);
      const output =
        stderr === "" ? stdout : `${stdout}${stdout === "" || stdout.endsWith("\n") ? "" : "\n"}${stderr}`;
      return { output: output.slice(0, maxOutput), exitCode, truncated: output.length > maxOutput };
    },
  };
}
