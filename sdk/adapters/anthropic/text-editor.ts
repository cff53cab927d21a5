import { MountError } from "../../errors.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";
import { inTurn } from "../text/in-turn.ts";
import { lineNumbersAt, numberLines, spliceText } from "../text/lines.ts";
import { locateText } from "../text/locate-text.ts";
import { findNearestLines } from "../text/nearest-lines.ts";
import { readText } from "../text/read-text.ts";
import { EditHistory } from "./edit-history.ts";
import {
  findField,
  findRange,
  readField,
  readInput,
  readNumber,
  ToolFault,
  type ToolInput,
} from "./tool-input.ts";

/** Lines shown before and after an edit. */
const SNIPPET_LINES = 4;
const DEFAULT_UNDO_STEPS = 20;

/** How an editor behaves. */
export interface TextEditorOptions {
  /** Longest `view` of a file in characters; a longer one is cut with a note. Tells the model too, as `max_characters`. */
  readonly maxCharacters?: number;
  /** `create` replaces a file that exists. Off by default, as in the reference: a model must not lose what it has not seen. */
  readonly overwrite?: boolean;
  /** Edits of each file that `undo_edit` can take back; 20 by default, and none older than 8 Mi characters ago. */
  readonly undoSteps?: number;
}

type Mount = Pick<MountedFS, "readFile" | "writeFile" | "readdir" | "stat" | "exists" | "rm">;

/** Carries out the commands of the text editor tool, answering in the reference's words. */
export class TextEditor {
  readonly #mount: Mount;
  readonly #options: TextEditorOptions;
  readonly #history: EditHistory;

  constructor(mount: Mount, options: TextEditorOptions) {
    this.#mount = mount;
    this.#options = options;
    this.#history = new EditHistory(options.undoSteps ?? DEFAULT_UNDO_STEPS);
  }

  /** @throws ToolFault, NotTextError and the mount's errors: what a model must be told. */
  async execute(value: unknown): Promise<string> {
    const input = readInput(value);
    const path = readField(input, "path");
    if (!path.startsWith("/")) {
      throw new ToolFault(
        `The path ${path} is not an absolute path, it should start with \`/\`. Maybe you meant /${path}?`,
      );
    }
    switch (input.command) {
      case "view":
        return await this.#view(path, input);
      case "create":
      case "str_replace":
      case "insert":
      case "undo_edit":
        return await inTurn(this.#mount, () => this.#change(path, input));
      default:
        throw new ToolFault(
          `Unrecognized command ${String(input.command)}. The allowed commands are: view, create, str_replace, insert, undo_edit`,
        );
    }
  }

  async #change(path: string, input: ToolInput): Promise<string> {
    switch (input.command) {
      case "create":
        return await this.#create(path, readField(input, "file_text"));
      case "str_replace":
        return await this.#replace(path, readField(input, "old_str"), findField(input, "new_str") ?? "");
      case "insert":
        return await this.#insert(path, readNumber(input, "insert_line"), readInsertText(input));
      default:
        return await this.#undo(path);
    }
  }

  async #view(path: string, input: ToolInput): Promise<string> {
    const range = findRange(input);
    if ((await this.#kindOf(path)) === "folder") {
      if (range !== null) {
        throw new ToolFault("The `view_range` parameter is not allowed when `path` points to a directory.");
      }
      return await this.#viewDirectory(path);
    }
    const lines = (await readText(this.#mount, path)).split("\n");
    if (range === null) return this.#format(lines, path, 1);
    const [first, last] = checkRange(range, lines.length);
    return this.#format(lines.slice(first - 1, last), path, first);
  }

  async #viewDirectory(path: string): Promise<string> {
    const top = path === "/" ? "" : path.replace(/\/+$/, "");
    const paths = [top === "" ? "/" : top];
    for (const item of await this.#mount.readdir(path)) {
      if (item.name.startsWith(".")) continue;
      paths.push(`${top}/${item.name}`);
      if (item.type !== "folder") continue;
      for (const { name } of await this.#mount.readdir(`${top}/${item.name}`)) {
        if (!name.startsWith(".")) paths.push(`${top}/${item.name}/${name}`);
      }
    }
    return `Here's the files and directories up to 2 levels deep in ${path}, excluding hidden items:\n${paths.join("\n")}\n`;
  }

  async #create(path: string, text: string): Promise<string> {
    const before = await this.#findOld(path);
    if (before !== null && !this.#options.overwrite) {
      throw new ToolFault(
        `File already exists at: ${path}. Cannot overwrite files using command \`create\`.`,
      );
    }
    await this.#save(path, before, text);
    return `File created successfully at: ${path}`;
  }

  async #replace(path: string, old: string, replacement: string): Promise<string> {
    const text = await this.#readFile(path);
    const place = locateText(text, old, replacement);
    const [offset] = place.offsets;
    if (offset === undefined) {
      const near = findNearestLines(text, old);
      const hint = near.length === 0 ? "" : ` The nearest lines are:\n${formatNear(near)}`;
      throw new ToolFault(
        `No replacement was performed, old_str \`${old}\` did not appear verbatim in ${path}.${hint}`,
      );
    }
    const [line = 1, ...others] = lineNumbersAt(text, place.offsets);
    if (place.offsets.length > 1) {
      throw new ToolFault(
        `No replacement was performed. Multiple occurrences of old_str \`${old}\` in lines [${[line, ...others].join(", ")}]. Please ensure it is unique`,
      );
    }
    const next = spliceText(text, offset, place.old.length, place.replacement);
    await this.#save(path, text, next);
    const first = Math.max(1, line - SNIPPET_LINES);
    const last = line + SNIPPET_LINES + countBreaks(place.replacement);
    const snippet = next.split("\n").slice(first - 1, last);
    return (
      `The file ${path} has been edited. ${this.#format(snippet, `a snippet of ${path}`, first)}` +
      "Review the changes and make sure they are as expected. Edit the file again if necessary."
    );
  }

  async #insert(path: string, after: number, inserted: string): Promise<string> {
    const text = await this.#readFile(path);
    const lines = text.split("\n");
    if (after < 0 || after > lines.length) {
      throw new ToolFault(
        `Invalid \`insert_line\` parameter: ${after}. It should be within the range of lines of the file: [0, ${lines.length}]`,
      );
    }
    // Whole lines are inserted, whether or not the model ends the last one.
    const added = inserted.replace(/\r?\n$/, "").split(/\r?\n/);
    const windows = lines.length > 1 && lines.slice(0, -1).every((line) => line.endsWith("\r"));
    const next = [...lines];
    next.splice(after, 0, ...(windows ? added.map((line) => `${line}\r`) : added));
    await this.#save(path, text, next.join("\n"));
    const first = Math.max(0, after - SNIPPET_LINES);
    const snippet = next.slice(first, after + added.length + SNIPPET_LINES);
    return (
      `The file ${path} has been edited. ${this.#format(snippet, "a snippet of the edited file", first + 1)}` +
      "Review the changes and make sure they are as expected (correct indentation, no duplicate lines, etc). " +
      "Edit the file again if necessary."
    );
  }

  async #undo(path: string): Promise<string> {
    const record = this.#history.last(path);
    if (record === null) throw new ToolFault(`No edit history found for ${path}.`);
    if ((await this.#findOld(path)) !== record.after) {
      throw new ToolFault(`${path} has been changed since its last edit here: nothing was undone.`);
    }
    if (record.before === null) await this.#mount.rm(path);
    else await this.#mount.writeFile(path, record.before);
    this.#history.pop(path);
    if (record.before === null)
      return `Last edit to ${path} undone successfully. The file does not exist any more.`;
    return `Last edit to ${path} undone successfully. ${this.#format(record.before.split("\n"), path, 1)}`;
  }

  async #save(path: string, before: string | null, after: string): Promise<void> {
    await this.#mount.writeFile(path, after);
    if (this.#options.undoSteps !== 0) this.#history.push(path, { before, after });
  }

  /** Text of a file that may be missing. */
  async #findOld(path: string): Promise<string | null> {
    return (await this.#mount.exists(path)) ? await this.#readFile(path) : null;
  }

  async #readFile(path: string): Promise<string> {
    if ((await this.#kindOf(path)) === "folder") {
      throw new ToolFault(
        `The path ${path} is a directory and only the \`view\` command can be used on directories`,
      );
    }
    return await readText(this.#mount, path);
  }

  async #kindOf(path: string): Promise<string> {
    try {
      return (await this.#mount.stat(path)).type;
    } catch (error) {
      if (!(error instanceof MountError && (error.code === "ENOENT" || error.code === "ENOTDIR")))
        throw error;
      throw new ToolFault(`The path ${path} does not exist. Please provide a valid path.`);
    }
  }

  #format(lines: readonly string[], title: string, first: number): string {
    const body = numberLines(lines, first);
    const limit = this.#options.maxCharacters ?? Number.POSITIVE_INFINITY;
    const shown =
      body.length <= limit
        ? body
        : `${body.slice(0, limit)}\n[cut after ${limit} of ${body.length} characters; use view_range to see more]`;
    return `Here's the result of running \`cat -n\` on ${title}:\n${shown}\n`;
  }
}

/** Newer models say `insert_text`, older ones `new_str`. */
function readInsertText(input: ToolInput): string {
  return findField(input, "insert_text") ?? findField(input, "new_str") ?? readField(input, "insert_text");
}

function checkRange([first, last]: readonly [number, number], count: number): readonly [number, number] {
  const fault = (reason: string) => new ToolFault(`Invalid \`view_range\`: [${first}, ${last}]. ${reason}`);
  if (first < 1 || first > count) {
    throw fault(
      `Its first element \`${first}\` should be within the range of lines of the file: [1, ${count}]`,
    );
  }
  if (last > count) {
    throw fault(
      `Its second element \`${last}\` should be smaller than the number of lines in the file: \`${count}\``,
    );
  }
  if (last !== -1 && last < first) {
    throw fault(`Its second element \`${last}\` should be larger or equal than its first \`${first}\``);
  }
  return [first, last === -1 ? count : last];
}

function countBreaks(text: string): number {
  return text.split("\n").length - 1;
}

function formatNear(lines: readonly { readonly line: number; readonly text: string }[]): string {
  return lines.map(({ line, text }) => numberLines([text], line)).join("\n");
}
