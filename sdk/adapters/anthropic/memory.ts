import { MountError } from "../../errors.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { inTurn } from "../text/in-turn.ts";
import { findOffsets, lineNumbersAt, numberLines, spliceText } from "../text/lines.ts";
import { readText } from "../text/read-text.ts";
import { formatSize, listTwoLevels } from "./memory-listing.ts";
import { findField, readField, ToolFault } from "./tool-input.ts";

/** Where the model believes its memory to be. */
const MEMORY_ROOT = "/memories";
const MAX_LINES = 999_999;

type Mount = Pick<MountedFS, "promises" | "readFile" | "readdir" | "rm" | "exists">;

/** One handler per command of the memory tool, as the Anthropic SDK's `betaMemoryTool` takes them. */
export interface MemoryHandlers {
  view(command: { readonly path: string; readonly view_range?: readonly number[] | null }): Promise<string>;
  create(command: { readonly path: string; readonly file_text: string }): Promise<string>;
  str_replace(command: {
    readonly path: string;
    readonly old_str: string;
    readonly new_str?: string;
  }): Promise<string>;
  insert(command: {
    readonly path: string;
    readonly insert_line: number;
    readonly insert_text: string;
  }): Promise<string>;
  delete(command: { readonly path: string }): Promise<string>;
  rename(command: { readonly old_path: string; readonly new_path: string }): Promise<string>;
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof MountError && codes.includes(error.code);
}

/** `a/b` of `/memories/a/b`, with `.` and `..` resolved. */
function resolveInside(path: string): string {
  if (typeof path !== "string") throw new ToolFault("Parameter `path` is required");
  if (path !== MEMORY_ROOT && !path.startsWith(`${MEMORY_ROOT}/`)) {
    throw new Error(`Path must start with ${MEMORY_ROOT}, got: ${path}`);
  }
  const segments: string[] = [];
  for (const segment of path.slice(MEMORY_ROOT.length).split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.pop() === undefined)
      throw new Error(`Path ${path} would escape ${MEMORY_ROOT} directory`);
  }
  return segments.join("/");
}

/** The memory tool over a directory of a mount. */
export class MemoryDirectory implements MemoryHandlers {
  readonly #mount: Mount;
  readonly #root: string;

  /** @param root directory of the mount that `/memories` means. */
  constructor(mount: Mount, root: string) {
    this.#mount = mount;
    this.#root = root.replace(/\/+$/, "");
  }

  async view({ path, view_range: range }: Parameters<MemoryHandlers["view"]>[0]): Promise<string> {
    const place = await this.#place(path);
    const stats = await this.#stat(place, `The path ${path} does not exist. Please provide a valid path.`);
    if (stats === null || stats.isDirectory()) return await this.#viewDirectory(path, place);
    if (!stats.isFile()) throw new Error(`Unsupported file type for ${path}`);
    const lines = (await readText(this.#mount, place)).split("\n");
    if (lines.length > MAX_LINES) {
      throw new Error(
        `File ${path} has too many lines (${lines.length}). Maximum is ${MAX_LINES.toLocaleString("en-US")} lines.`,
      );
    }
    const [from, to] = range?.length === 2 ? range : [1, -1];
    const start = Math.max(1, from ?? 1) - 1;
    const shown = lines.slice(start, to === -1 ? lines.length : to);
    return `Here's the content of ${path} with line numbers:\n${numberLines(shown, start + 1)}`;
  }

  async create(command: Parameters<MemoryHandlers["create"]>[0]): Promise<string> {
    const { path } = command;
    const text = readField(command, "file_text");
    const place = await this.#place(path);
    await this.#makeParents(place);
    try {
      await this.#mount.promises.writeFile(place, text, { flag: "wx" });
    } catch (error) {
      if (hasCode(error, "EEXIST", "EISDIR"))
        throw new Error(`File ${path} already exists`, { cause: error });
      throw error;
    }
    return `File created successfully at: ${path}`;
  }

  async str_replace(command: Parameters<MemoryHandlers["str_replace"]>[0]): Promise<string> {
    return await inTurn(this.#mount, () => this.#replace(command));
  }

  async insert(command: Parameters<MemoryHandlers["insert"]>[0]): Promise<string> {
    return await inTurn(this.#mount, () => this.#insert(command));
  }

  async #replace(command: Parameters<MemoryHandlers["str_replace"]>[0]): Promise<string> {
    const { path } = command;
    const old = readField(command, "old_str");
    const replacement = findField(command, "new_str") ?? "";
    const place = await this.#findFile(path);
    const text = await readText(this.#mount, place);
    const offsets = findOffsets(text, old);
    const [offset] = offsets;
    if (offset === undefined) {
      throw new Error(`No replacement was performed, old_str \`${old}\` did not appear verbatim in ${path}.`);
    }
    const numbers = lineNumbersAt(text, offsets);
    if (offsets.length > 1) {
      throw new Error(
        `No replacement was performed. Multiple occurrences of old_str \`${old}\` in lines: ${numbers.join(", ")}. Please ensure it is unique`,
      );
    }
    const next = spliceText(text, offset, old.length, replacement);
    await this.#mount.promises.writeFile(place, next);
    const [line = 1] = numbers;
    const first = Math.max(1, line - 2);
    const snippet = next.split("\n").slice(first - 1, line + 2);
    return `The memory file has been edited. Here is the snippet showing the change (with line numbers):\n${numberLines(snippet, first)}`;
  }

  async #insert(command: Parameters<MemoryHandlers["insert"]>[0]): Promise<string> {
    const { path, insert_line: after } = command;
    const inserted = readField(command, "insert_text");
    const place = await this.#findFile(path);
    const lines = (await readText(this.#mount, place)).split("\n");
    if (!Number.isInteger(after) || after < 0 || after > lines.length) {
      throw new Error(
        `Invalid \`insert_line\` parameter: ${after}. It should be within the range of lines of the file: [0, ${lines.length}]`,
      );
    }
    lines.splice(after, 0, inserted.replace(/\n$/, ""));
    await this.#mount.promises.writeFile(place, lines.join("\n"));
    return `The file ${path} has been edited.`;
  }

  async delete({ path }: Parameters<MemoryHandlers["delete"]>[0]): Promise<string> {
    const place = await this.#place(path);
    if (place === this.#root) throw new Error(`Cannot delete the ${MEMORY_ROOT} directory itself`);
    try {
      await this.#mount.rm(place, { recursive: true });
    } catch (error) {
      if (hasCode(error, "ENOENT")) throw new Error(`The path ${path} does not exist`, { cause: error });
      throw error;
    }
    return `Successfully deleted ${path}`;
  }

  async rename(command: Parameters<MemoryHandlers["rename"]>[0]): Promise<string> {
    const { old_path: oldPath, new_path: newPath } = command;
    const from = await this.#place(oldPath);
    const to = await this.#place(newPath);
    if (from === this.#root) throw new Error(`Cannot rename the ${MEMORY_ROOT} directory itself`);
    if (await this.#mount.exists(to)) throw new Error(`The destination ${newPath} already exists`);
    await this.#makeParents(to);
    try {
      await this.#mount.promises.rename(from, to);
    } catch (error) {
      if (hasCode(error, "ENOENT")) throw new Error(`The path ${oldPath} does not exist`, { cause: error });
      throw error;
    }
    return `Successfully renamed ${oldPath} to ${newPath}`;
  }

  async #viewDirectory(path: string, place: string): Promise<string> {
    const there = await this.#mount.exists(place === "" ? "/" : place);
    const all = there ? await this.#mount.readdir(place === "" ? "/" : place, { recursive: true }) : [];
    const { items, size } = listTwoLevels(all);
    const title = `Here're the files and directories up to 2 levels deep in ${path}, excluding hidden items and node_modules:`;
    const lines = items.map((item) => `${formatSize(item.size)}\t${path}/${item.inside}`);
    return [title, `${formatSize(size)}\t${path}`, ...lines].join("\n");
  }

  /** Mount path of a memory path, links resolved and kept inside the memory. */
  async #place(path: string): Promise<string> {
    const inside = resolveInside(path);
    const place = inside === "" ? this.#root : `${this.#root}/${inside}`;
    await this.#checkLinks(place);
    return place;
  }

  /** A link in the memory must not lead out of it: what is there is the model's, the rest of the mount may not be. */
  async #checkLinks(place: string): Promise<void> {
    for (let at = place; at.length > this.#root.length; at = at.slice(0, at.lastIndexOf("/"))) {
      const real = await this.#realPath(at);
      if (real === null) continue;
      const root = (await this.#realPath(this.#root)) ?? this.#root;
      if (real === root || real.startsWith(`${root}/`)) return;
      throw new Error(`Path would escape ${MEMORY_ROOT} directory via symlink`);
    }
  }

  async #realPath(path: string): Promise<string | null> {
    try {
      return await this.#mount.promises.realpath(path === "" ? "/" : path);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
  }

  /** null for the memory itself while nothing was ever written to it. */
  async #stat(place: string, missing: string) {
    try {
      return await this.#mount.promises.stat(place === "" ? "/" : place);
    } catch (error) {
      if (hasCode(error, "ENOENT") && place === this.#root) return null;
      if (hasCode(error, "ENOENT")) throw new Error(missing, { cause: error });
      throw error;
    }
  }

  async #findFile(path: string): Promise<string> {
    const place = await this.#place(path);
    const stats = await this.#stat(place, `The path ${path} does not exist. Please provide a valid path.`);
    if (stats === null || !stats.isFile()) throw new Error(`The path ${path} is not a file.`);
    return place;
  }

  async #makeParents(place: string): Promise<void> {
    const parent = place.slice(0, place.lastIndexOf("/"));
    if (parent !== "") await this.#mount.promises.mkdir(parent, { recursive: true });
  }
}
