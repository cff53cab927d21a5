import * as z from "zod";
import { commitWithReport, formatStatus } from "../saving/describe-changes.ts";
import { createRunner } from "../shell/mounted-shell.ts";
import { boundMiddle, boundText } from "../text/bound-text.ts";
import { defineTool, type MountTool, type ToolContext } from "./tool.ts";

const NOTHING = z.object({});

/** status and diff. */
export function createStatusTools({ mount, maxChars }: ToolContext): Record<string, MountTool> {
  const status = defineTool(
    "List what is changed and not committed: A added, M modified, D deleted, R renamed.",
    NOTHING,
    async () => {
      const changes = await mount.status();
      return { text: boundText(formatStatus(changes), maxChars, "commit in smaller steps"), changes };
    },
  );
  const show = async () => {
    const full = await mount.diff();
    return { text: boundText(full || "Nothing is unsaved.", maxChars, "read the changed files"), diff: full };
  };
  return {
    status,
    diff: defineTool("Show what is changed and not committed as a unified diff.", NOTHING, show),
  };
}

/** commit. */
export function createCommitTool({ mount }: ToolContext): Record<string, MountTool> {
  return {
    commit: defineTool(
      "Commit all changes. Refused, with nothing lost, when somebody else changed one of the same files.",
      z.object({ message: z.string().min(1) }),
      async ({ message }) => ({ ...(await commitWithReport(mount, message)) }),
    ),
  };
}

/** bash. */
export function createBashTool({ mount, maxChars }: ToolContext): Record<string, MountTool> {
  const run = createRunner(mount);
  const schema = z.object({
    command: z.string().min(1),
    cwd: z.string().optional().describe("Directory to run in; / when absent"),
  });
  return {
    bash: defineTool("Run a shell command over the files.", schema, async ({ command, cwd }, signal) => {
      const { stdout, stderr, exitCode } = await run(command, {
        ...(cwd === undefined ? {} : { cwd }),
        ...(signal === undefined ? {} : { signal }),
      });
      const parts = [
        `exit code ${exitCode}`,
        ...(stdout === "" ? [] : [`stdout:\n${boundMiddle(stdout, maxChars)}`]),
        ...(stderr === "" ? [] : [`stderr:\n${boundMiddle(stderr, maxChars)}`]),
      ];
      return { text: parts.join("\n"), stdout, stderr, exitCode };
    }),
  };
}
