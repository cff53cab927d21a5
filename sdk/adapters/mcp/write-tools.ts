import * as z from "zod";
import { inTurn } from "../text/in-turn.ts";
import { readText } from "../text/read-text.ts";
import type { FileContext } from "./file-context.ts";
import { applyLineEdits, formatEditDiff } from "./line-edits.ts";
import { changes, type McpTool, textTool } from "./tool.ts";

const EDIT = z.object({
  oldText: z.string().describe("Text to replace, exactly as it is in the file"),
  newText: z.string().describe("Text to put in its place"),
});

interface EditArgs {
  readonly path: string;
  readonly edits: readonly z.infer<typeof EDIT>[];
  readonly dryRun: boolean;
}

async function edit({ mount, paths }: FileContext, { path, edits, dryRun }: EditArgs): Promise<string> {
  const place = await paths.resolve(path);
  return await inTurn(mount, async () => {
    const text = await readText(mount, place);
    const { before, after, written } = applyLineEdits(text, edits);
    if (!dryRun) await mount.promises.writeFile(place, written);
    return await formatEditDiff(place, before, after);
  });
}

async function move({ mount, paths }: FileContext, source: string, destination: string): Promise<string> {
  const from = await paths.resolve(source);
  const to = await paths.resolve(destination);
  if (await isThere(mount, to)) throw new Error(`Destination already exists: ${to}`);
  await mount.promises.rename(from, to);
  return `Successfully moved ${source} to ${destination}`;
}

/** Whether anything is at the path itself, a link that leads nowhere included. */
async function isThere(mount: FileContext["mount"], path: string): Promise<boolean> {
  try {
    await mount.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** write_file, edit_file, create_directory, move_file, and delete_file, which the reference server lacks. */
export function createWriteTools(files: FileContext): McpTool[] {
  const { mount, paths } = files;
  return [
    textTool(
      "write_file",
      {
        title: "Write a file",
        description:
          "Makes a file, or replaces one whole without asking; its directory must exist. Unsaved until commit, unless the mount commits by itself.",
        input: { path: z.string(), content: z.string() },
        annotations: changes({ idempotent: true, destructive: true }),
      },
      async ({ path, content }) => {
        const place = await paths.resolve(path);
        await inTurn(mount, () => mount.promises.writeFile(place, content));
        return `Successfully wrote to ${path}`;
      },
    ),
    textTool(
      "edit_file",
      {
        title: "Edit a file",
        description:
          "Replaces pieces of a text file, one after the other, and gives the diff. A piece must be in the file; where it is not to the letter, lines that differ in their indentation only will do. With dryRun nothing is written.",
        input: {
          path: z.string(),
          edits: z.array(EDIT),
          dryRun: z.boolean().default(false).describe("Only show the diff"),
        },
        annotations: changes({ idempotent: false, destructive: true }),
      },
      (args) => edit(files, args),
    ),
    textTool(
      "create_directory",
      {
        title: "Make a directory",
        description:
          "Makes a directory and those above it; one that exists is fine. Git keeps no empty directory, so it lasts only once it holds a file.",
        input: { path: z.string() },
        annotations: changes({ idempotent: true, destructive: false }),
      },
      async ({ path }) => {
        await mount.promises.mkdir(await paths.resolve(path), { recursive: true });
        return `Successfully created directory ${path}`;
      },
    ),
    textTool(
      "move_file",
      {
        title: "Move or rename",
        description:
          "Moves a file or a directory with all it holds. Never replaces what is at the destination.",
        input: { source: z.string(), destination: z.string() },
        annotations: changes({ idempotent: false, destructive: true }),
      },
      ({ source, destination }) => inTurn(mount, () => move(files, source, destination)),
    ),
  ];
}

/** delete_file, which the reference server lacks. */
export function createDeleteTool({ mount, paths }: FileContext): McpTool {
  return textTool(
    "delete_file",
    {
      title: "Delete a file",
      description:
        "Deletes a file or link; a directory with all it holds only with recursive. discard takes it back until the next commit.",
      input: { path: z.string(), recursive: z.boolean().default(false) },
      annotations: changes({ idempotent: false, destructive: true }),
    },
    async ({ path, recursive }) => {
      const place = await paths.resolveLink(path);
      if (paths.directories.includes(place)) throw new Error(`${path} is an allowed directory: not deleted`);
      await inTurn(mount, () => mount.rm(place, { recursive }));
      return `Successfully deleted ${path}`;
    },
  );
}
