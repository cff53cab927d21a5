import { type Experimental_SandboxSession, generateText, isStepCount, type ToolSet } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { describe, expect, test } from "vitest";
import { mountFiles } from "../testing/mount-files.ts";
import { createSandboxSession, createTools } from "./ai-sdk.ts";

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

type Call = readonly [tool: string, input: object];

/** A model that calls tools as it is told to, several of a step at once, and then says "done". */
function scripted(steps: readonly (readonly Call[])[]) {
  let at = 0;
  return new MockLanguageModelV4({
    doGenerate: async () => {
      const calls = steps[at];
      at += 1;
      const content = calls?.map(([toolName, input], index) => ({
        type: "tool-call" as const,
        toolCallId: `${at}-${index}`,
        toolName,
        input: JSON.stringify(input),
      }));
      return {
        content: content ?? [{ type: "text" as const, text: "done" }],
        finishReason: { unified: content ? ("tool-calls" as const) : ("stop" as const), raw: undefined },
        usage,
        warnings: [],
      };
    },
  });
}

/** What the model was given to read after its calls: text, or the error's text. */
async function runLoop(tools: ToolSet, steps: readonly (readonly Call[])[]): Promise<string[]> {
  const model = scripted(steps);
  const { text } = await generateText({ model, tools, stopWhen: isStepCount(20), prompt: "work" });
  expect(text).toBe("done");
  const prompt = model.doGenerateCalls.at(-1)?.prompt ?? [];
  return prompt.flatMap((message) =>
    message.role !== "tool"
      ? []
      : message.content.flatMap((part) =>
          part.type === "tool-result" && "value" in part.output ? [String(part.output.value)] : [],
        ),
  );
}

/** One call after the other. */
const inOrder = (calls: readonly Call[]) => calls.map((call) => [call]);

describe("the tools in a real loop of the AI SDK", () => {
  test("read, search, edit, run and commit", async () => {
    const { mount, repo } = await mountFiles({
      "src/sum.js": "export const sum = (a, b) => a - b;\n",
      "test.sh": "grep -q 'a + b' src/sum.js && echo ok\n",
    });
    const seen = await runLoop(
      createTools(mount),
      inOrder([
        ["grep", { pattern: "sum" }],
        ["readFile", { path: "/src/sum.js" }],
        ["bash", { command: "bash test.sh" }],
        ["editFile", { path: "/src/sum.js", edits: [{ oldText: "a - b", newText: "a + b" }] }],
        ["bash", { command: "bash test.sh" }],
        ["status", {}],
        ["commit", { message: "Fix sum" }],
      ]),
    );
    expect(seen[0]).toBe(
      "/src/sum.js:1:export const sum = (a, b) => a - b;\n/test.sh:1:grep -q 'a + b' src/sum.js && echo ok",
    );
    expect(seen[1]).toMatch(/^\/src\/sum\.js \(lines 1-1 of 1, blob [0-9a-f]{40}\)\nexport const sum/);
    expect(seen[2]).toBe("exit code 1");
    expect(seen[3]).toMatch(/^Edited \/src\/sum\.js: 1 place replaced, now blob [0-9a-f]{40}$/);
    expect(seen[4]).toBe("exit code 0\nstdout:\nok\n");
    expect(seen[5]).toBe("M /src/sum.js");
    expect(seen[6]).toMatch(/^Committed to app: [0-9a-f]{40}$/);
    const head = repo.head("main")?.files.get("src/sum.js")?.bytes;
    expect(new TextDecoder().decode(head)).toContain("a + b");
  });

  test("list, glob, write, move and delete", async () => {
    const { mount } = await mountFiles({ "a.txt": "a\n", "dir/b.txt": "b\n", "dir/deep/c.txt": "c\n" });
    const seen = await runLoop(
      createTools(mount),
      inOrder([
        ["listDirectory", {}],
        ["listDirectory", { path: "/dir", recursive: true }],
        ["glob", { patterns: ["**/*.txt", "nothing"] }],
        ["writeFile", { path: "/new/d.txt", content: "d\n" }],
        ["writeFile", { path: "/a.txt", content: "A\n" }],
        ["move", { from: "/dir", to: "/moved" }],
        ["delete", { path: "/moved/deep", recursive: true }],
        ["readFiles", { paths: ["/a.txt", "/gone", "/moved/b.txt"] }],
        ["glob", { patterns: ["none*"] }],
      ]),
    );
    expect(seen[0]).toBe("a.txt (2 bytes)\ndir/");
    expect(seen[1]).toBe("/dir/b.txt (2 bytes)\n/dir/deep/\n/dir/deep/c.txt (2 bytes)");
    expect(seen[2]).toBe("/a.txt\n/dir/b.txt\n/dir/deep/c.txt");
    expect(seen[3]).toMatch(/^Created \/new\/d\.txt: 2 bytes, blob/);
    expect(seen[4]).toMatch(/^Replaced \/a\.txt/);
    expect(seen[5]).toBe("Moved /dir to /moved");
    expect(seen[7]).toMatch(/A\n\n\/gone: ENOENT: [\s\S]*\n\n\/moved\/b\.txt \(lines/);
    expect(seen[8]).toBe("No files match.");
    expect(await mount.glob("**")).toEqual(["/a.txt", "/moved/b.txt", "/new/d.txt"]);
  });

  test("of edits that a model makes at once none is lost", async () => {
    const { mount } = await mountFiles({ "a.txt": "one two three four\n" });
    const words = ["one", "two", "three", "four"];
    const edits = words.map((word): Call => {
      return ["editFile", { path: "/a.txt", edits: [{ oldText: word, newText: word.toUpperCase() }] }];
    });
    await runLoop(createTools(mount), [edits]);
    expect(await mount.readFile("/a.txt")).toBe("ONE TWO THREE FOUR\n");
  });

  test("a fault becomes words that help the model on", async () => {
    const { mount, repo } = await mountFiles({
      "src/index.ts": "const port = 80;\nconst host = '::';\nconst port2 = 80;\n",
      "logo.png": new Uint8Array([137, 80, 0, 1]),
    });
    const edit = (edits: object[], more: object = {}): Call => [
      "editFile",
      { path: "/src/index.ts", edits, ...more },
    ];
    await mount.writeFile("/src/other.ts", "mine\n");
    await repo.seed({ "src/other.ts": "theirs\n" });
    const seen = await runLoop(
      createTools(mount),
      inOrder([
        ["readFile", { path: "/index.ts" }],
        ["readFile", { path: "/src/nope.ts" }],
        ["readFile", { path: "/logo.png" }],
        ["readFile", { path: "/src/index.ts", startLine: 9 }],
        edit([{ oldText: "const  port = 81;", newText: "x" }]),
        edit([{ oldText: "80", newText: "81" }]),
        edit([
          { oldText: "host", newText: "HOST" },
          { oldText: "zzz", newText: "x" },
        ]),
        edit([{ oldText: "host", newText: "HOST" }], { expectedSha: "0".repeat(40) }),
        ["writeFile", { path: "/src/index.ts", content: "", expectedSha: "0".repeat(40) }],
        ["move", { from: "/logo.png", to: "/src/index.ts" }],
        ["delete", { path: "/src" }],
        ["commit", { message: "mine" }],
        ["grep", { pattern: "(", regex: true }],
      ]),
    );
    expect(seen[0]).toContain("Is it /src/index.ts?");
    expect(seen[1]).toContain("In /src there is index.ts, other.ts.");
    expect(seen[2]).toContain("/logo.png is not UTF-8 text (4 bytes)");
    expect(seen[3]).toContain("/src/index.ts has 3 lines: there is no line 9");
    expect(seen[4]).toMatch(
      /nearest lines are:\n {5}1\tconst port = 80;[\s\S]*\(\/src\/index\.ts is blob [0-9a-f]{40}\)/,
    );
    expect(seen[5]).toContain(
      "its oldText is there 2 times, at lines 1, 3. Give more of the lines around it",
    );
    expect(seen[6]).toContain("Edit 2 of 2 was not made");
    expect(seen[7]).toMatch(
      /is not what you read \(blob 0{40}\): now it is blob [0-9a-f]{40}\. Read it again/,
    );
    expect(seen[8]).toContain("is not what you read");
    expect(seen[9]).toContain("/src/index.ts exists");
    expect(seen[10]).toContain("EISDIR");
    expect(seen[11]).toContain("somebody else changed /src/other.ts");
    expect(seen).toHaveLength(13);
    expect(await mount.readFile("/src/index.ts")).toContain("host");
  });

  test("long results are cut with a note on how to see the rest", async () => {
    const lines = Array.from({ length: 100 }, (_, n) => `line ${n + 1}`).join("\n");
    const { mount } = await mountFiles({
      "long.txt": lines,
      "wide.txt": "w".repeat(900),
      "b/c.txt": "line 7",
    });
    const seen = await runLoop(
      createTools(mount, { maxOutputChars: 200 }),
      inOrder([
        ["readFile", { path: "/long.txt" }],
        ["readFile", { path: "/long.txt", startLine: 24, endLine: 26 }],
        ["readFile", { path: "/wide.txt" }],
        ["grep", { pattern: "line" }],
        ["bash", { command: "cat long.txt" }],
        ["readFiles", { paths: ["/long.txt", "/wide.txt"] }],
      ]),
    );
    expect(seen[0]).toMatch(
      /lines 1-26 of 100[\s\S]*line 26\n\[lines 27 to 100 are left out: read on from line 27\]$/,
    );
    expect(seen[1]).toMatch(/lines 24-26 of 100, blob \w+\)\nline 24\nline 25\nline 26$/);
    expect(seen[2]).toContain("[line 1 is cut: 200 of its 900 characters are shown]");
    expect(seen[3]).toMatch(/\[cut: \d+ of \d+ characters shown; use globs or a narrower pattern\]$/);
    expect(seen[4]).toMatch(/line 1\n[\s\S]*characters left out of 791\]\n[\s\S]*line 100$/);
    for (const text of seen) expect(text.length).toBeLessThan(500);
  });

  test("read-only and chosen tools are all there is", async () => {
    const { mount } = await mountFiles();
    const names = (options?: Parameters<typeof createTools>[1]) => Object.keys(createTools(mount, options));
    expect(
      names({ readOnly: true }).filter((name) => /write|edit|move|delete|commit|bash/.test(name)),
    ).toEqual([]);
    expect(names({ tools: ["readFile", "grep"] })).toEqual(["readFile", "grep"]);
    expect(() => names({ readOnly: true, tools: ["bash"] })).toThrow(
      "no such tool: bash; there are readFile, ",
    );
    await expect(createTools(mount).readFile?.execute({ path: 5 })).rejects.toThrow();
  });
});

describe("the sandbox session", () => {
  const FILES = {
    "a.txt": "one\ntwo\r\nthree",
    "dir/b.txt": "b\n",
    link: { mode: "120000", content: "dir" },
  };

  test("reads: null for what is missing, an error for what is of the wrong kind", async () => {
    const session: Experimental_SandboxSession = createSandboxSession((await mountFiles(FILES)).mount);
    expect(await session.readTextFile({ path: "/a.txt" })).toBe("one\ntwo\r\nthree");
    expect(await session.readTextFile({ path: "a.txt", startLine: 2, endLine: 9 })).toBe("two\r\nthree");
    expect(await session.readTextFile({ path: "a.txt", startLine: 9 })).toBe("");
    const stream = await session.readFile({ path: "dir/b.txt" });
    expect(await new Response(stream).text()).toBe("b\n");
    for (const path of ["/missing", "/a.txt/below"]) {
      expect(await session.readFile({ path })).toBeNull();
      expect(await session.readBinaryFile({ path })).toBeNull();
      expect(await session.stat({ path })).toBeNull();
      expect(await session.listDirectory({ path })).toBeNull();
      expect(await session.deleteFile({ path })).toBe(false);
    }
    expect(await session.stat({ path: "link" })).toEqual({ type: "directory", size: 0 });
    expect(await session.listDirectory({ path: "/" })).toEqual([
      { name: "a.txt", type: "file" },
      { name: "dir", type: "directory" },
      { name: "link", type: "symlink" },
    ]);
    await expect(session.listDirectory({ path: "/a.txt" })).rejects.toThrow("ENOTDIR");
    await expect(session.readFile({ path: "/dir" })).rejects.toThrow("EISDIR");
    const abortSignal = AbortSignal.abort(new Error("enough"));
    await expect(session.readTextFile({ path: "/a.txt", abortSignal })).rejects.toThrow("enough");
  });

  test("writes with parents, deletes links and not their targets, starts where it is told", async () => {
    const { mount } = await mountFiles(FILES);
    const session = createSandboxSession(mount, { workingDirectory: "/dir" });
    await session.writeTextFile({ path: "x/y.txt", content: "é", encoding: "latin1" });
    await session.writeBinaryFile({ path: "/z.bin", content: new Uint8Array([1, 2]) });
    await session.writeFile({ path: "s.txt", content: new Blob(["streamed"]).stream() });
    expect(await mount.readFile("/dir/x/y.txt", "hex")).toBe("e9");
    expect(await session.readTextFile({ path: "x/y.txt", encoding: "latin1" })).toBe("é");
    expect(await mount.readFile("/dir/s.txt")).toBe("streamed");
    await expect(session.writeTextFile({ path: "/dir", content: "" })).rejects.toThrow("EISDIR");
    expect(await session.deleteFile({ path: "/link" })).toBe(true);
    expect(await mount.exists("/dir/b.txt")).toBe(true);
    await expect(session.deleteFile({ path: "/dir" })).rejects.toThrow();
  });

  test("runs and spawns commands", async () => {
    const { mount } = await mountFiles(FILES);
    const session: Experimental_SandboxSession = createSandboxSession(mount);
    const run = await session.run({
      command: "cat b.txt; echo $X >&2; exit 3",
      workingDirectory: "dir",
      env: { X: "x" },
    });
    expect(run).toEqual({ exitCode: 3, stdout: "b\n", stderr: "x\n" });
    const process = await session.spawn({ command: "echo out > made.txt; echo said" });
    expect(await new Response(process.stdout).text()).toBe("said\n");
    expect(await process.wait()).toEqual({ exitCode: 0 });
    await process.kill();
    expect(await session.readTextFile({ path: "made.txt" })).toBe("out\n");
    const killed = await session.spawn({ command: "echo late" });
    await killed.kill();
    expect(await killed.wait()).toEqual({ exitCode: 137 });
    await expect(session.spawn({ command: "cat", stdin: true })).rejects.toThrow("standard input");
  });
});
