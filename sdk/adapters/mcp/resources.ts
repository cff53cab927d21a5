import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import { findText } from "../text/read-text.ts";
import type { FileContext } from "./file-context.ts";
import { findMediaType } from "./media-types.ts";

/** Paths offered to somebody who types one. */
const MAX_COMPLETIONS = 100;

/** Files as resources: `coregit:///path` for each file of the mount. */
export function registerResources(server: McpServer, { mount, paths }: FileContext): void {
  const complete = async (typed: string): Promise<string[]> => {
    const slash = typed.lastIndexOf("/");
    const directory = typed.slice(0, slash + 1) || "/";
    const isInside = await paths.createCheck();
    if (!isInside(directory.replace(/(.)\/$/, "$1")) || !(await mount.exists(directory))) return [];
    const items = await mount.readdir(directory);
    return items
      .map(({ name, type }) => `${directory}${name}${type === "folder" ? "/" : ""}`)
      .filter((path) => path.startsWith(typed))
      .slice(0, MAX_COMPLETIONS);
  };
  server.registerResource(
    "file",
    // Files are too many for a list; they are found by the tools.
    new ResourceTemplate("coregit://{+path}", { list: undefined, complete: { path: complete } }),
    {
      title: "A file of the mount",
      description: "coregit:///path/to/file: text, or base64 for anything else",
    },
    async (uri) => {
      const place = await paths.resolve(decodeURIComponent(uri.pathname));
      const bytes = await mount.readFile(place, "binary");
      const text = findText(bytes);
      const mimeType = findMediaType(place);
      if (text !== null) {
        return { contents: [{ uri: uri.href, mimeType: mimeType ?? "text/plain", text }] };
      }
      const blob = await mount.readFile(place, "base64");
      return { contents: [{ uri: uri.href, mimeType: mimeType ?? "application/octet-stream", blob }] };
    },
  );
}
