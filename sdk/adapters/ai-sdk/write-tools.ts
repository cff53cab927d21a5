import * as z from "zod";
import { applyTextEdits } from "../text/edit-text.ts";
import { inTurn } from "../text/in-turn.ts";
import { readText } from "../text/read-text.ts";
import { withSuggestions } from "./missing-path.ts";
import { defineTool, type MountTool, type MountToolResult, type ToolContext } from "./tool.ts";

const path = z.string().min(1).describe("Path in the mount, such as /src/index.ts");
const expectedSha = z
  .string()
  .optional()
  .describe("Blob id that the file had when you read it: the change is refused when it has another now");

const EDIT_INPUT = z.object({
  path,
  edits: z
    .array(
      z.object({
        oldText: z
          .string()
          .describe("Text to replace, exactly as it is, with enough around it to be there once"),
        newText: z.string(),
        replaceAll: z.boolean().optional().describe("Replace every place"),
      }),
    )
    .min(1),
  expectedSha,
});

/** Refuses a change that was made for another content. */
async function checkSha({ mount }: ToolContext, file: string, expected: string | undefined): Promise<void> {
  if (expected === undefined) return;
  const current = (await mount.exists(file)) ? (await mount.stat(file)).sha : null;
  if (current === expected) return;
  const now = current === null ? "it does not exist" : `it is blob ${current}`;
  throw new Error(`${file} is not what you read (blob ${expected}): now ${now}. Read it again.`);
}

async function editFile(context: ToolContext, input: z.output<typeof EDIT_INPUT>): Promise<MountToolResult> {
  const { mount } = context;
  const { path: file, edits } = input;
  return await inTurn(mount, async () => {
    const before = await withSuggestions(mount, file, () => readText(mount, file));
    await checkSha(context, file, input.expectedSha);
    const { text, replacements } = await explainWithSha(context, file, () => applyTextEdits(before, edits));
    await mount.writeFile(file, text);
    const { sha } = await mount.stat(file);
    const places = replacements === 1 ? "1 place" : `${replacements} places`;
    return { text: `Edited ${file}: ${places} replaced, now blob ${sha}`, path: file, replacements, sha };
  });
}

/** A failed edit says which content it failed on. */
async function explainWithSha<T>({ mount }: ToolContext, file: string, work: () => T): Promise<T> {
  try {
    return work();
  } catch (error) {
    const { sha } = await mount.stat(file);
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n(${file} is blob ${sha})`, {
      cause: error,
    });
  }
}

/** writeFile, editFile, move, delete. */
export function createWriteTools(context: ToolContext): Record<string, MountTool> {
  const { mount } = context;
  return {
    writeFile: defineTool(
      "Write a whole file, making its directories; one that exists is replaced. To change a part of a file use editFile.",
      z.object({ path, content: z.string(), expectedSha }),
      async ({ path: file, content, expectedSha: expected }) =>
        await inTurn(mount, async () => {
          await checkSha(context, file, expected);
          const existed = await mount.exists(file);
          await mount.writeFile(file, content);
          const { sha, size } = await mount.stat(file);
          return {
            text: `${existed ? "Replaced" : "Created"} ${file}: ${size} bytes, blob ${sha}`,
            path: file,
            sha,
            created: !existed,
          };
        }),
    ),
    editFile: defineTool(
      "Replace pieces of a text file. Each oldText must be in the file exactly once, unless replaceAll is set; all edits are made or none.",
      EDIT_INPUT,
      (input) => editFile(context, input),
    ),
    move: defineTool(
      "Move or rename a file or directory. Never replaces what is at the destination.",
      z.object({ from: path, to: path }),
      async ({ from, to }) =>
        await inTurn(mount, async () => {
          if (await mount.exists(to))
            throw new Error(`${to} exists: delete it first, or choose another name`);
          await withSuggestions(mount, from, () => mount.rename(from, to));
          return { text: `Moved ${from} to ${to}`, from, to };
        }),
    ),
    delete: defineTool(
      "Delete a file; a directory with everything below it only with recursive.",
      z.object({ path, recursive: z.boolean().default(false) }),
      async ({ path: file, recursive }) =>
        await inTurn(mount, async () => {
          await withSuggestions(mount, file, () => mount.rm(file, { recursive }));
          return { text: `Deleted ${file}`, path: file };
        }),
    ),
  };
}
