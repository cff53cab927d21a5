import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anthropic } from "@ai-sdk/anthropic";
import Anthropic from "@anthropic-ai/sdk";
import { BetaLocalFilesystemMemoryTool, betaMemoryTool } from "@anthropic-ai/sdk/tools/memory/node";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assertSeeded } from "../testing/assert-seeded.ts";
import { mountFiles } from "../testing/mount-files.ts";
import { createMemoryHandlers, createTextEditor } from "./anthropic.ts";

type Command = Readonly<Record<string, unknown>>;
type Handlers = Readonly<Record<string, (command: never) => Promise<string>>>;

/** A result or the error's message; codes alone where the message is the system's and holds real paths. */
async function outcomeOf(handlers: object, command: Command): Promise<string> {
  const call = (handlers as Handlers)[String(command.command)]; // Looked up by name, as the SDK does.
  try {
    const text = await call?.call(handlers, command as never);
    // The size of a directory is the disk's affair there, the sum of its files here.
    return String(text).replace(/^[\d.]+[BKMG]\t(.*\/|\/memories[^\n\t]*)$/gm, (line, path: string) =>
      path.endsWith("/") || !/^[\d.]+[BKMG]\t\/memories\/.*\.(txt|md)$/.test(line) ? `DIR\t${path}` : line,
    );
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return `error: ${code === undefined ? message : code}`;
  }
}

const NAMES = ["/memories", "/memories/a.txt", "/memories/b.txt", "/memories/dir", "/memories/dir/c.txt"];
const PATHS = [
  ...NAMES,
  "/memories/dir/deep/d.md",
  "/memories/dir/deep/more/e.txt",
  "/memories/.hidden.txt",
  "/memories/a.txt/",
  "/memories/dir/../b.txt",
  "/memories/../outside.txt",
  "/elsewhere/x.txt",
  "",
];
const path = fc.constantFrom(...PATHS, ...NAMES);
const text = fc.constantFrom(
  "",
  "one",
  "one\n",
  "one\ntwo\nthree\n",
  "a $& b\n",
  "x\r\ny\r\n",
  "ä\t木\n",
  "\n\n",
);
const part = fc.constantFrom("one", "two", "three", "$&", "木", "gone", "x");
const line = fc.integer({ min: -1, max: 5 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ command: fc.constant("view"), path }),
  fc.record({ command: fc.constant("view"), path, view_range: fc.tuple(line, line) }),
  fc.record({ command: fc.constant("create"), path, file_text: text }),
  fc.record({ command: fc.constant("create"), path, file_text: text }),
  fc.record({ command: fc.constant("str_replace"), path, old_str: part, new_str: text }),
  fc.record({ command: fc.constant("insert"), path, insert_line: line, insert_text: text }),
  fc.record({ command: fc.constant("delete"), path }),
  fc.record({ command: fc.constant("rename"), old_path: path, new_path: path }),
);

describe("the memory tool", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coregit-memory-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("answers as the reference implementation does, in random sequences", async () => {
    let run = 0;
    const property = fc.asyncProperty(
      fc.array(command, { minLength: 1, maxLength: 14 }),
      async (commands) => {
        run += 1;
        const reference = await BetaLocalFilesystemMemoryTool.init(join(folder, String(run)));
        const { mount } = await mountFiles();
        await mount.mkdir("/memories");
        const ours = createMemoryHandlers(mount);
        for (const step of commands) {
          const expected = await outcomeOf(reference, step);
          expect(await outcomeOf(ours, step), JSON.stringify(step)).toBe(expected);
        }
      },
    );
    await assertSeeded(property, 120);
  });

  test("replaces text that spans lines, and counts two matches on one line as two", async () => {
    const { mount } = await mountFiles({ "memories/a.md": "one\ntwo\nsame same\n" });
    const memory = createMemoryHandlers(mount);
    const edit = (old_str: string) => memory.str_replace({ path: "/memories/a.md", old_str, new_str: "ONE" });
    expect(await edit("one\ntwo")).toContain("     1\tONE\n     2\tsame same");
    await expect(edit("same")).rejects.toThrow("in lines: 2, 2. Please ensure it is unique");
    await expect(edit("")).rejects.toThrow("did not appear verbatim");
  });

  test("keeps a prefix that only looks like the memory, and links, from leading out of it", async () => {
    const { mount } = await mountFiles({
      "secret.txt": "s\n",
      "memories/out.txt": { mode: "120000", content: "../secret.txt" },
      "memories/in.txt": "i\n",
    });
    const memory = createMemoryHandlers(mount);
    await expect(memory.view({ path: "/memoriesevil" })).rejects.toThrow("must start with /memories");
    for (const call of [
      memory.view({ path: "/memories/out.txt" }),
      memory.str_replace({ path: "/memories/out.txt", old_str: "s", new_str: "x" }),
      memory.insert({ path: "/memories/out.txt", insert_line: 0, insert_text: "x" }),
    ]) {
      await expect(call).rejects.toThrow("escape /memories directory via symlink");
    }
    expect(await mount.readFile("/secret.txt")).toBe("s\n");
  });

  test("lives in any directory, is there before anything was written, and is committed with the mount", async () => {
    const { mount, repo } = await mountFiles({ "agents/one/plan.md": "# Plan\n" });
    const empty = createMemoryHandlers(mount, { root: "/agents/two" });
    expect(await empty.view({ path: "/memories" })).toMatch(/\n0B\t\/memories$/);
    await empty.create({ path: "/memories/todo.md", file_text: "- ship\n" });
    const memory = createMemoryHandlers(mount, { root: "/agents/one/" });
    expect(await memory.view({ path: "/memories" })).toMatch(/\n7B\t\/memories\n7B\t\/memories\/plan\.md$/);
    await mount.commit({ message: "Remember" });
    expect([...(repo.head("main")?.files.keys() ?? [])]).toEqual([
      "agents/one/plan.md",
      "agents/two/todo.md",
    ]);
  });

  test("tells the model what it left out instead of failing in odd ways", async () => {
    const memory = createMemoryHandlers(
      (await mountFiles({ "memories/a": "a" })).mount,
    ) as unknown as Handlers;
    await expect(memory.view?.({} as never)).rejects.toThrow("`path` is required");
    await expect(memory.create?.({ path: "/memories/x" } as never)).rejects.toThrow(
      "`file_text` is required",
    );
    await expect(memory.insert?.({ path: "/memories/a", insert_text: "x" } as never)).rejects.toThrow(
      "insert_line",
    );
  });
});

const FILES = {
  "src/a.ts": "one\ntwo\nthree\nfour\nfive\nsix\nseven\n",
  "src/deep/er/b.ts": "b\n",
  ".env": "x\n",
};

describe("the text editor", () => {
  test("views files, ranges and directories as the reference prints them", async () => {
    const { execute } = createTextEditor((await mountFiles(FILES)).mount);
    expect(await execute({ command: "view", path: "/src/a.ts", view_range: [2, 3] })).toBe(
      "Here's the result of running `cat -n` on /src/a.ts:\n     2\ttwo\n     3\tthree\n",
    );
    expect(await execute({ command: "view", path: "/src/a.ts", view_range: [7, -1] })).toContain(
      "     7\tseven",
    );
    expect(await execute({ command: "view", path: "/" })).toBe(
      "Here's the files and directories up to 2 levels deep in /, excluding hidden items:\n/\n/src\n/src/a.ts\n/src/deep\n",
    );
    const view = (view_range: unknown) => execute({ command: "view", path: "/src/a.ts", view_range });
    await expect(view([9, 10])).rejects.toThrow("within the range of lines of the file: [1, 8]");
    await expect(view([2, 99])).rejects.toThrow("smaller than the number of lines in the file: `8`");
    await expect(view([3, 2])).rejects.toThrow("larger or equal than its first `3`");
    await expect(view([1])).rejects.toThrow("a list of two integers");
    await expect(execute({ command: "view", path: "/nope" })).rejects.toThrow(
      "The path /nope does not exist",
    );
    await expect(execute({ command: "view", path: "src/a.ts" })).rejects.toThrow(
      "Maybe you meant /src/a.ts?",
    );
  });

  test("replaces one place only, shows it, and names the nearest lines when there is none", async () => {
    const { mount } = await mountFiles({ "a.ts": "const a = 1;\nconst b = 2;\nconst a2 = 1;\n" });
    const { execute } = createTextEditor(mount);
    const replace = (old_str: string, new_str?: string) =>
      execute({ command: "str_replace", path: "/a.ts", old_str, new_str });
    await expect(replace("1;")).rejects.toThrow("Multiple occurrences of old_str `1;` in lines [1, 3]");
    await expect(replace("const b  = 2")).rejects.toThrow(/nearest lines are:\n {5}2\tconst b = 2;/);
    expect(await replace("b = 2", "b = $&3")).toBe(
      "The file /a.ts has been edited. Here's the result of running `cat -n` on a snippet of /a.ts:\n" +
        "     1\tconst a = 1;\n     2\tconst b = $&3;\n     3\tconst a2 = 1;\n     4\t\n" +
        "Review the changes and make sure they are as expected. Edit the file again if necessary.",
    );
    await replace("const a2 = 1;\n");
    expect(await mount.readFile("/a.ts")).toBe("const a = 1;\nconst b = $&3;\n");
  });

  test("keeps the line ends that a file has, and refuses what is not text", async () => {
    const { mount } = await mountFiles({
      "dos.txt": "a\r\nb\r\nc\r\n",
      bin: new Uint8Array([0xff, 0xfe, 1]),
    });
    const { execute } = createTextEditor(mount);
    await execute({ command: "str_replace", path: "/dos.txt", old_str: "a\nb", new_str: "a\nB" });
    await execute({ command: "insert", path: "/dos.txt", insert_line: 3, insert_text: "d\n" });
    expect(await mount.readFile("/dos.txt")).toBe("a\r\nB\r\nc\r\nd\r\n");
    const edit = execute({ command: "str_replace", path: "/bin", old_str: "a", new_str: "b" });
    await expect(edit).rejects.toThrow("/bin is not UTF-8 text (3 bytes)");
  });

  test("creates, never over a file unless told to, and undoes in order", async () => {
    const { mount } = await mountFiles({ "a.txt": "1\n" });
    const { execute } = createTextEditor(mount, { version: "text_editor_20250124" });
    const undo = (path: string) => execute({ command: "undo_edit", path });
    const create = (path: string) => execute({ command: "create", path, file_text: "new\n" });
    await expect(create("/a.txt")).rejects.toThrow("Cannot overwrite files");
    expect(await create("/deep/er/n.txt")).toBe("File created successfully at: /deep/er/n.txt");
    await execute({ command: "insert", path: "/deep/er/n.txt", insert_line: 0, new_str: "top" });
    expect(await undo("/deep/er/n.txt")).toContain(
      "undone successfully. Here's the result of running `cat -n`",
    );
    expect(await mount.readFile("/deep/er/n.txt")).toBe("new\n");
    expect(await undo("/deep/er/n.txt")).toContain("does not exist any more");
    expect(await mount.exists("/deep/er/n.txt")).toBe(false);
    await expect(undo("/deep/er/n.txt")).rejects.toThrow("No edit history found for /deep/er/n.txt.");
    await execute({ command: "str_replace", path: "/a.txt", old_str: "1", new_str: "2" });
    await mount.writeFile("/a.txt", "3\n");
    await expect(undo("/a.txt")).rejects.toThrow("changed since its last edit here: nothing was undone");
    const over = createTextEditor(mount, { overwrite: true });
    await over.execute({ command: "create", path: "/a.txt", file_text: "4\n" });
    expect(await mount.readFile("/a.txt")).toBe("4\n");
  });

  test("of edits called at once none is lost", async () => {
    const { mount } = await mountFiles({ "a.txt": "a b c d e\n" });
    const { execute } = createTextEditor(mount);
    const replace = (old_str: string) =>
      execute({ command: "str_replace", path: "/a.txt", old_str, new_str: old_str.toUpperCase() });
    await Promise.all(["a", "b", "c", "d", "e"].map(replace));
    expect(await mount.readFile("/a.txt")).toBe("A B C D E\n");
  });

  test("cuts a view at max_characters and says so, and forgets edits beyond the undo limit", async () => {
    const { mount } = await mountFiles({ "long.txt": `${"x".repeat(500)}\n` });
    const { execute, tool } = createTextEditor(mount, { maxCharacters: 50, undoSteps: 1 });
    expect(tool).toMatchObject({ name: "str_replace_based_edit_tool", max_characters: 50 });
    const view = await execute({ command: "view", path: "/long.txt" });
    expect(view).toContain("[cut after 50 of 515 characters; use view_range to see more]");
    for (const word of ["1", "2"])
      await execute({ command: "insert", path: "/long.txt", insert_line: 0, insert_text: word });
    await execute({ command: "undo_edit", path: "/long.txt" });
    await expect(execute({ command: "undo_edit", path: "/long.txt" })).rejects.toThrow("No edit history");
  });

  test("answers tool_use blocks, faults included", async () => {
    const { answer } = createTextEditor((await mountFiles(FILES)).mount);
    expect(await answer({ id: "t1", input: { command: "view", path: "/gone" } })).toEqual({
      type: "tool_result",
      tool_use_id: "t1",
      content: "The path /gone does not exist. Please provide a valid path.",
      is_error: true,
    });
    const results = await Promise.all(
      [null, "x", {}, { command: "rm", path: "/a" }].map((input) => answer({ id: "t", input })),
    );
    expect(results.every(({ is_error: failed }) => failed)).toBe(true);
  });
});

describe("in the real consumers", () => {
  test("the Anthropic SDK's tool runner edits and remembers through a mount", async () => {
    const { mount } = await mountFiles({ "a.txt": "hello\n" });
    const calls = [
      {
        name: "str_replace_based_edit_tool",
        input: { command: "str_replace", path: "/a.txt", old_str: "hello", new_str: "goodbye" },
      },
      {
        name: "memory",
        input: { command: "create", path: "/memories/done.md", file_text: "said goodbye\n" },
      },
      { name: "str_replace_based_edit_tool", input: { command: "view", path: "/missing" } },
    ];
    const bodies: { messages: { content: unknown }[]; tools: unknown[] }[] = [];
    const client = new Anthropic({
      apiKey: "k",
      fetch: async (_url, init) => {
        bodies.push(JSON.parse(String(init?.body)));
        const call = calls[bodies.length - 1];
        const content = call
          ? [{ type: "tool_use", id: `t${bodies.length}`, ...call }]
          : [{ type: "text", text: "ok" }];
        const stop = call ? "tool_use" : "end_turn";
        return Response.json({
          id: "m",
          type: "message",
          role: "assistant",
          model: "claude",
          content,
          stop_reason: stop,
          usage: { input_tokens: 1, output_tokens: 1 },
        });
      },
    });
    const last = await client.beta.messages.toolRunner({
      model: "claude-opus-4-1",
      max_tokens: 100,
      messages: [{ role: "user", content: "edit" }],
      tools: [createTextEditor(mount).tool, betaMemoryTool(createMemoryHandlers(mount))],
    });
    expect(last.content).toEqual([{ type: "text", text: "ok" }]);
    expect(await mount.readFile("/a.txt")).toBe("goodbye\n");
    expect(await mount.readFile("/memories/done.md")).toBe("said goodbye\n");
    const results = bodies.slice(1).map(({ messages }) => JSON.stringify(messages.at(-1)));
    expect(results[0]).toContain("has been edited");
    expect(results[1]).toContain("File created successfully at: /memories/done.md");
    expect(results[2]).toMatch(/"is_error":true/);
  });

  test("the AI SDK's Anthropic tools take the same functions", async () => {
    const { mount } = await mountFiles({ "a.txt": "hello\n" });
    const editor = createTextEditor(mount);
    const tool = anthropic.tools.textEditor_20250728({ execute: editor.execute });
    const result = await tool.execute?.(
      { command: "view", path: "/a.txt" },
      { toolCallId: "1", messages: [], context: {} },
    );
    expect(result).toContain("     1\thello");
  });
});
