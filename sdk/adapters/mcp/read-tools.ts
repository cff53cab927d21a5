import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { FileContext } from "./file-context.ts";
import { findMediaType } from "./media-types.ts";
import { type McpTool, READS, textTool } from "./tool.ts";

const TEXT_INPUT = {
  path: z.string(),
  tail: z.number().optional().describe("Give only this many lines from the end"),
  head: z.number().optional().describe("Give only this many lines from the start"),
};

/** First lines of a text; a line end at its very end begins no further line. */
function takeHead(text: string, count: number): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(0, Math.max(0, Math.ceil(count))).join("\n");
}

function takeTail(text: string, count: number): string {
  if (count < 0) return "";
  return text.replace(/\r\n/g, "\n").split("\n").slice(-count).join("\n");
}

async function readTextFile(
  { mount, paths }: FileContext,
  {
    path,
    head,
    tail,
  }: { readonly path: string; readonly head?: number | undefined; readonly tail?: number | undefined },
): Promise<string> {
  const place = await paths.resolve(path);
  if (head && tail) throw new Error("Cannot specify both head and tail parameters simultaneously");
  const text = await mount.readFile(place);
  if (tail) return takeTail(text, tail);
  return head ? takeHead(text, head) : text;
}

async function readMultiple({ mount, paths }: FileContext, wanted: readonly string[]): Promise<string> {
  // Reads of one tick share one request.
  const parts = await Promise.all(
    wanted.map(async (path) => {
      try {
        return `${path}:\n${await mount.readFile(await paths.resolve(path))}\n`;
      } catch (error) {
        return `${path}: Error - ${error instanceof Error ? error.message : String(error)}`;
      }
    }),
  );
  return parts.join("\n---\n");
}

const MEDIA_OUTPUT = {
  content: z.array(
    z.union([
      z.object({ type: z.enum(["image", "audio"]), data: z.string(), mimeType: z.string() }),
      z.object({
        type: z.literal("resource"),
        resource: z.object({ uri: z.string(), mimeType: z.string().optional(), blob: z.string() }),
      }),
    ]),
  ),
};

async function readMedia({ mount, paths }: FileContext, path: string): Promise<CallToolResult> {
  const place = await paths.resolve(path);
  const data = await mount.readFile(place, "base64");
  const mimeType = findMediaType(place) ?? "application/octet-stream";
  const kind = /^(image|audio)\//.exec(mimeType)?.[1];
  const item =
    kind === "image" || kind === "audio"
      ? { type: kind, data, mimeType }
      : { type: "resource" as const, resource: { uri: formatUri(place), mimeType, blob: data } };
  // One literal type of the three, which the compiler does not narrow through the condition.
  const content = [item] as CallToolResult["content"];
  return { content, structuredContent: { content } };
}

/** `coregit:///path`: what `resources/read` of the same server takes. */
export function formatUri(path: string): string {
  return `coregit://${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** read_file, read_text_file, read_media_file, read_multiple_files. */
export function createReadTools(files: FileContext): McpTool[] {
  return [
    textTool(
      "read_file",
      {
        title: "Read a file (old name)",
        description: "The same as read_text_file, under its former name.",
        input: TEXT_INPUT,
        annotations: READS,
      },
      (args) => readTextFile(files, args),
    ),
    textTool(
      "read_text_file",
      {
        title: "Read a text file",
        description:
          "Gives a file as text, whatever its extension. With head or tail only so many lines from its start or its end.",
        input: TEXT_INPUT,
        annotations: READS,
      },
      (args) => readTextFile(files, args),
    ),
    {
      name: "read_media_file",
      title: "Read an image, a sound or any bytes",
      description:
        "Gives a file in base64 with its media type: images and sounds as such, anything else as an embedded resource.",
      input: { path: z.string() },
      output: MEDIA_OUTPUT,
      annotations: READS,
      run: (args) => readMedia(files, (args as { path: string }).path), // Validated by the server.
    },
    textTool(
      "read_multiple_files",
      {
        title: "Read several files",
        description:
          "Gives several text files at once, each after its path. One that cannot be read is named with the reason, and the others are given all the same.",
        input: {
          paths: z.array(z.string()).min(1).describe("Paths of the files to read, at least one"),
        },
        annotations: READS,
      },
      ({ paths }) => readMultiple(files, paths),
    ),
  ];
}
