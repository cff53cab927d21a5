import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AIMessage, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { type BackendProtocolV2, createDeepAgent, FilesystemBackend, isSandboxBackend } from "deepagents";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assertSeeded } from "../testing/assert-seeded.ts";
import { mountCounted } from "../testing/counted-mount.ts";
import { createDeepAgentsBackend, createDeepAgentsSandbox } from "./deepagents.ts";

type Step = readonly [name: keyof BackendProtocolV2, ...args: unknown[]];

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "a.txt": "one\ntwo\nthree\n",
  "b.md": "# two\r\n\r\nno end",
  "empty.txt": "",
  "blank.txt": " \n\n",
  "data.json": '{"one": 1}\n',
  "pixel.png": new Uint8Array([137, 80, 78, 71, 0, 255]),
  "src/main.ts": "const one = 1;\nconst two = one + one;\n",
  "src/deep/er.ts": "export const two = 2;\n",
  "src/[id]/page.tsx": "one\n",
};

let folder: string;
let runs = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coregit-deepagents-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A backend over a mount and deepagents' own over a folder, with the same files. */
async function makePair() {
  runs += 1;
  const rootDir = join(folder, String(runs));
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(rootDir, path)), { recursive: true });
    await writeFile(join(rootDir, path), content);
  }
  await symlink("a.txt", join(rootDir, "link.txt"));
  const { mount, seen } = await mountCounted({ ...FILES, "link.txt": { mode: "120000", content: "a.txt" } });
  const subject: BackendProtocolV2 = createDeepAgentsBackend(mount);
  return { mount, seen, rootDir, subject, oracle: new FilesystemBackend({ rootDir, virtualMode: true }) };
}

/** An answer without what a disk makes different: times, real paths, and the order of matches. */
async function answerOf(backend: BackendProtocolV2, [name, ...args]: Step, rootDir = "\0"): Promise<string> {
  const call = backend[name] as (...args: unknown[]) => Promise<unknown>; // Called by name.
  const answer = (await call.apply(backend, args)) as { readonly matches?: { readonly path: string }[] };
  if (answer.matches) answer.matches.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const text = JSON.stringify(answer, (key, value) => {
    if (key === "modified_at" || key === "created_at") return "TIME";
    if (value?.type === "Buffer" || value instanceof Uint8Array)
      return Buffer.from(value.data ?? value).toString("hex");
    return value;
  });
  // A path through something missing fails in lstat there; both mean that there is nothing.
  return text
    .replaceAll(`'${rootDir}'`, "'/'")
    .replaceAll(rootDir, "")
    .replace(/"Error deleting '([^']*)': ENOENT[^"]*"/, `"Error: '$1' not found"`);
}

const path = fc.constantFrom(
  ...[
    "/a.txt",
    "/b.md",
    "/empty.txt",
    "/data.json",
    "/pixel.png",
    "/src",
    "/src/main.ts",
    "/src/deep",
    "/src/deep/er.ts",
  ],
  ...[
    "/new.txt",
    "/new/deep/file.md",
    "/a.txt/below",
    "/missing/x",
    "a.txt",
    "/src//main.ts",
    "/src/",
    "/",
    "/../x",
  ],
);
const text = fc.constantFrom("", "one", "one\ntwo\n", "two\nthree\nfour", "$& ä\n", "aGk=");
const part = fc.constantFrom("one", "two", "zz", "", "\n", "$&", "const");
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("ls" as const), path),
  fc.tuple(fc.constant("read" as const), path),
  fc.tuple(
    fc.constant("read" as const),
    path,
    fc.integer({ min: -1, max: 4 }),
    fc.integer({ min: -1, max: 3 }),
  ),
  fc.tuple(fc.constant("write" as const), path, text),
  fc.tuple(fc.constant("write" as const), path, text),
  fc.tuple(fc.constant("edit" as const), path, part, text),
  fc.tuple(fc.constant("edit" as const), path, part, text, fc.boolean()),
  fc.tuple(fc.constant("delete" as const), path),
  fc.tuple(
    fc.constant("glob" as const),
    fc.constantFrom("**/*.ts", "*.txt", "/src/**", "**/*.{md,json}", "none"),
    path,
  ),
  fc.tuple(fc.constant("grep" as const), part, fc.constantFrom("/", "/src", "/missing", null)),
  fc.tuple(
    fc.constant("grep" as const),
    part,
    fc.constant("/"),
    fc.constantFrom("*.ts", "*.{md,txt}"),
    fc.constantFrom(null, 1),
  ),
  fc.tuple(
    fc.constant("uploadFiles" as const),
    fc.array(fc.tuple(path, fc.constant(Buffer.from("up"))), { maxLength: 2 }),
  ),
  fc.tuple(fc.constant("downloadFiles" as const), fc.array(path, { maxLength: 3 })),
);

describe("a deepagents backend over a mount", () => {
  test("answers as FilesystemBackend does, in random sequences", async () => {
    const property = fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 12 }), async (sequence) => {
      const { subject, oracle, rootDir } = await makePair();
      for (const step of sequence) {
        // What is no base64, or would turn bytes into question marks, is refused here.
        const harmful = (step[0] === "write" && step[2] !== "aGk=") || step[0] === "edit";
        if (harmful && step[1] === "/pixel.png") continue;
        const expected = await answerOf(oracle, step, rootDir);
        // Which matches a cut search keeps is a matter of the disk's order.
        if (step[0] === "grep" && step[4] === 1) continue;
        // What nothing is in: see the test below.
        if (step[0] === "grep" && step[1] === "") continue;
        expect(await answerOf(subject, step), JSON.stringify(step)).toBe(expected);
      }
    });
    await assertSeeded(property, 60);
  });

  test("says the same of whatever can go wrong", async () => {
    const table: Step[] = [
      ["read", "/missing.txt"],
      ["read", "/src"],
      ["read", "/a.txt", 10],
      ["read", "/empty.txt"],
      ["read", "/blank.txt"],
      ["read", "/a.txt", Number.NaN, Number.NaN],
      ["read", "/../etc/passwd"],
      ["ls", "/missing"],
      ["ls", "/a.txt"],
      ["write", "/src", "x"],
      ["write", "/a.txt/below.txt", "x"],
      ["write", "/link.txt", "x"],
      ["write", "/../x", "x"],
      ["edit", "/missing.txt", "a", "b"],
      ["edit", "/src", "a", "b"],
      ["edit", "/link.txt", "one", "b"],
      ["edit", "/a.txt", "zz", "b"],
      ["edit", "/a.txt", "t", "b"],
      ["edit", "/a.txt", "", "b"],
      ["edit", "/empty.txt", "", "b"],
      ["delete", "/missing"],
      ["delete", "/link.txt"],
      ["delete", "/"],
      ["glob", "*", "/missing"],
      ["grep", "x", "/missing"],
      ["downloadFiles", ["/missing", "/src", "/a.txt/x", "/../x", "/pixel.png"]],
      [
        "uploadFiles",
        [
          ["/src", Buffer.from("x")],
          ["/a.txt/x", Buffer.from("x")],
          ["/../x", Buffer.from("x")],
        ],
      ],
    ];
    for (const step of table) {
      const { subject, oracle, rootDir } = await makePair();
      expect(await answerOf(subject, step), JSON.stringify(step)).toBe(await answerOf(oracle, step, rootDir));
    }
  });

  test("reads through links, allows two dots inside a name, and searches one file when asked for one", async () => {
    const { subject } = await makePair();
    expect(await subject.read("/link.txt")).toMatchObject({ content: FILES["a.txt"], totalLines: 3 });
    expect(await subject.write("/notes..old.md", "x")).toMatchObject({ path: "/notes..old.md" });
    expect(await subject.grep("one", "/src/main.ts")).toMatchObject({
      matches: [{ line: 1 }, { path: "/src/main.ts", line: 2, text: "const two = one + one;" }],
    });
    expect(await subject.readRaw("/missing")).toMatchObject({ error: expect.stringContaining("ENOENT") });
    expect(await subject.grep("one", "/src/[id]", "page.*")).toMatchObject({ matches: [{ line: 1 }] });
    expect(await subject.grep("two", "/src", "deep/*.ts")).toMatchObject({
      matches: [{ path: "/src/deep/er.ts" }],
    });
    expect(await subject.grep("one", "/", null, 2)).toMatchObject({ matches: [{}, {}], truncated: true });
  });

  test("refuses to turn bytes into something else", async () => {
    const { subject, mount } = await makePair();
    await mount.writeFile("/latin1.txt", new Uint8Array([0xe4, 0x78]));
    await mount.writeFile("/bom.txt", "\ufeffx\n");
    expect(await subject.edit("/latin1.txt", "x", "y")).toMatchObject({
      error: expect.stringContaining("Error editing file"),
    });
    expect(await mount.readFile("/latin1.txt", "hex")).toBe("e478");
    expect(await subject.write("/pixel.png", "no base64!")).toMatchObject({
      error: expect.stringContaining("Error writing"),
    });
    expect(await mount.readFile("/pixel.png", "hex")).toBe("89504e4700ff");
    expect(await subject.edit("/bom.txt", "x", "y")).toMatchObject({ occurrences: 1 });
    expect(await mount.readFile("/bom.txt", "hex")).toBe("efbbbf790a");
  });

  test("keeps both of two edits made at once", async () => {
    const { subject, mount } = await makePair();
    await Promise.all([subject.edit("/a.txt", "one", "1"), subject.edit("a.txt", "three", "3")]);
    expect(await mount.readFile("/a.txt")).toBe("1\ntwo\n3\n");
  });

  test("says why when the mount is gone or read-only, instead of showing nothing", async () => {
    const { mount } = await mountCounted({ a: "1" }, { mode: "ro" });
    const backend = createDeepAgentsBackend(mount);
    expect(await backend.write("/a", "2")).toEqual({
      error: "Error writing file '/a': EROFS: read-only file system, open '/a'",
    });
    expect(await backend.uploadFiles([["/b", new Uint8Array(1)]])).toEqual([
      { path: "/b", error: "permission_denied" },
    ]);
    await mount.unmount();
    expect(await backend.ls("/")).toMatchObject({ error: expect.stringContaining("EBADF") });
    expect(await backend.grep("1")).toMatchObject({ error: expect.stringContaining("EBADF") });
  });

  test("searches 300 files with one request, and transfers 100 with one each way", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [`src/${index}.txt`, `n${index}\n`]),
    );
    const { mount, seen } = await mountCounted(files, { commitMode: "auto" });
    const backend = createDeepAgentsBackend(mount);
    expect((await backend.grep("n29")).matches).toHaveLength(11);
    expect(seen).toHaveLength(1);
    const other = await mountCounted(files, { commitMode: "auto" });
    const transfer = createDeepAgentsBackend(other.mount);
    const paths = Array.from({ length: 100 }, (_, index) => `/src/${index}.txt`);
    expect((await transfer.downloadFiles(paths)).every(({ error }) => error === null)).toBe(true);
    expect(other.seen).toHaveLength(1);
    await transfer.uploadFiles(paths.map((name) => [name, new TextEncoder().encode("new\n")]));
    expect(other.seen).toHaveLength(2);
    expect(other.repo.text("src/99.txt")).toBe("new\n");
  });

  test("searches one file, through links, and by globs of names and of paths", async () => {
    const { subject, oracle, rootDir } = await makePair();
    const table: Step[] = [
      ["grep", "one", "/src/[id]"],
      ["grep", "const", "/src", "*.ts"],
      ["grep", "one", "/", "src"],
      ["grep", "end\n", "/"],
    ];
    for (const step of table) {
      expect(await answerOf(subject, step), JSON.stringify(step)).toBe(await answerOf(oracle, step, rootDir));
    }
    // Without ripgrep the oracle takes every glob for one of names.
    const { matches: deep } = await subject.grep("const", "/", "src/*/*.ts");
    expect(deep?.map((match) => match.path)).toEqual(["/src/deep/er.ts"]);
    expect((await subject.grep("const", "/src", "deep/*")).matches).toEqual(deep);
    // The oracle searches everything when it is given a file.
    for (const file of ["/a.txt", "/src/[id]/page.tsx", "/link.txt"]) {
      const matches = [{ path: file, line: 1, text: "one" }];
      expect(await subject.grep("one", file)).toEqual({ matches });
    }
  });

  test("finds an empty pattern in every line, and no line behind the last line end", async () => {
    const { subject } = await makePair();
    expect(await subject.grep("", "/src", "*.ts")).toEqual({
      matches: [
        { path: "/src/deep/er.ts", line: 1, text: "export const two = 2;" },
        { path: "/src/main.ts", line: 1, text: "const one = 1;" },
        { path: "/src/main.ts", line: 2, text: "const two = one + one;" },
      ],
    });
  });

  test("is a sandbox only with a shell, whose output is cut where it says so", async () => {
    const { mount } = await mountCounted({ a: "1" });
    expect(isSandboxBackend(createDeepAgentsBackend(mount))).toBe(false);
    const shell = {
      exec: async (command: string) => ({ stdout: `ran ${command}`, stderr: "oh", exitCode: 3 }),
    };
    const sandbox = createDeepAgentsSandbox(mount, shell, { maxOutput: 8 });
    expect(isSandboxBackend(sandbox)).toBe(true);
    expect(await sandbox.execute("ls")).toEqual({ output: "ran ls\no", exitCode: 3, truncated: true });
  });
});

/** A model that calls the tools of a script, one a turn, and then says that it is done. */
class ScriptedModel extends FakeListChatModel {
  readonly #script: readonly { readonly name: string; readonly args: Record<string, unknown> }[];
  #turn = 0;

  constructor(script: readonly { readonly name: string; readonly args: Record<string, unknown> }[]) {
    super({ responses: ["done"] });
    this.#script = script;
  }

  // The tools' schemas are the agent's affair.
  override bindTools(): this {
    return this;
  }

  override async _generate() {
    const call = this.#script[this.#turn];
    this.#turn += 1;
    const tool_calls =
      call === undefined ? [] : [{ ...call, id: `call-${this.#turn}`, type: "tool_call" as const }];
    const message = new AIMessage({ content: call === undefined ? "done" : "", tool_calls });
    return { generations: [{ text: String(message.content), message }] };
  }
}

test("a deep agent lists, reads, writes, edits and searches a mount with its own tools", async () => {
  const { mount, repo } = await mountCounted({ "src/main.ts": "const one = 1;\n", "README.md": "# App\n" });
  const model = new ScriptedModel([
    { name: "ls", args: { path: "/" } },
    { name: "read_file", args: { file_path: "/src/main.ts" } },
    { name: "write_file", args: { file_path: "/docs/plan.md", content: "- one\n- two\n" } },
    { name: "edit_file", args: { file_path: "/docs/plan.md", old_string: "two", new_string: "three" } },
    { name: "grep", args: { pattern: "one" } },
    { name: "glob", args: { pattern: "**/*.md" } },
    { name: "read_file", args: { file_path: "/none" } },
  ]);
  const agent = createDeepAgent({ model, backend: createDeepAgentsBackend(mount) });
  const { messages } = (await agent.invoke({ messages: [{ role: "user", content: "go" }] })) as {
    readonly messages: readonly BaseMessage[];
  };
  const replies = messages
    .filter((message) => message instanceof ToolMessage)
    .map(({ content }) => JSON.stringify(content));
  expect(replies).toHaveLength(7);
  expect(replies[0]).toContain("/src/");
  expect(replies[1]).toContain("const one = 1;");
  expect(replies[4]).toContain("/docs/plan.md");
  expect(replies[5]).toMatch(/\/README\.md[\s\S]*\/docs\/plan\.md|\/docs\/plan\.md[\s\S]*\/README\.md/);
  expect(replies[6]).toContain("ENOENT");
  await mount.commit({ message: "What the agent did" });
  expect(repo.text("docs/plan.md")).toBe("- one\n- three\n");
});
