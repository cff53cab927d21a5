import { Agent, applyPatchTool, type Editor, Runner, type Shell, shellTool } from "@openai/agents";
import type { SandboxSession } from "@openai/agents-core/sandbox";
import { assistantMessage, modelResponse, ScriptedModel } from "@openai/agents-core/testing";
import { describe, expect, test } from "vitest";
import { mountFiles } from "../testing/mount-files.ts";
import { createEditor, createSandboxFiles, createShell } from "./openai.ts";

type Operation =
  | { type: "create_file"; path: string; diff: string }
  | { type: "update_file"; path: string; diff: string; moveTo?: string }
  | { type: "delete_file"; path: string };

type Step = { readonly patch: Operation } | { readonly commands: string[]; readonly timeoutMs?: number };

/** Runs an agent whose model makes these calls one by one; gives the outputs that the model was shown. */
async function runAgent(tools: Agent["tools"], steps: readonly Step[]): Promise<Record<string, unknown>[]> {
  const turns = steps.map((step, index) => {
    const callId = `call-${index}`;
    return modelResponse(
      "patch" in step
        ? [{ type: "apply_patch_call", callId, status: "completed", operation: step.patch }]
        : [{ type: "shell_call", callId, status: "completed", action: { ...step } }],
    );
  });
  const model = new ScriptedModel([...turns, modelResponse([assistantMessage("done")])]);
  const agent = new Agent({ name: "coder", model, tools });
  const result = await new Runner({ tracingDisabled: true }).run(agent, "work", {
    maxTurns: steps.length + 1,
  });
  expect(result.finalOutput).toBe("done");
  model.assertComplete();
  const input = model.lastCall?.request.input;
  const items = (Array.isArray(input) ? input : []) as Record<string, unknown>[]; // Items of many types.
  return items.filter(({ type }) => type === "apply_patch_call_output" || type === "shell_call_output");
}

const patch = (operation: Operation): Step => ({ patch: operation });
const create = (path: string, diff: string) => patch({ type: "create_file", path, diff });
const update = (path: string, diff: string, moveTo?: string) =>
  patch({ type: "update_file", path, diff, ...(moveTo ? { moveTo } : {}) });
const remove = (path: string) => patch({ type: "delete_file", path });

describe("apply_patch in a real run", () => {
  test("creates, updates, moves and deletes, and the mount commits it", async () => {
    const { mount, repo } = await mountFiles({
      "src/a.ts": "one\ntwo\nthree\n",
      "bin/run": { mode: "100755", content: "#!/bin/sh\nexit 1\n" },
      "dos.txt": "a\r\nb\r\n",
      "old.txt": "old\n",
    });
    const seen = await runAgent(
      [applyPatchTool({ editor: createEditor(mount) })],
      [
        create("src/deep/new.ts", "+export {};\n+// end"),
        update("src/a.ts", "@@\n one\n-two\n+TWO\n three"),
        update("/bin/run", "@@\n-exit 1\n+exit 0", "scripts/run"),
        update("dos.txt", "@@\n a\n-b\n+B"),
        remove("old.txt"),
      ],
    );
    expect(seen.map(({ status, output }) => [status, output])).toEqual([
      ["completed", "Created src/deep/new.ts"],
      ["completed", "Updated src/a.ts"],
      ["completed", "Updated /bin/run, now scripts/run"],
      ["completed", "Updated dos.txt"],
      ["completed", "Deleted old.txt"],
    ]);
    await mount.commit({ message: "Patch" });
    const files = repo.head("main")?.files;
    expect([...(files?.keys() ?? [])].sort()).toEqual([
      "dos.txt",
      "scripts/run",
      "src/a.ts",
      "src/deep/new.ts",
    ]);
    expect(files?.get("scripts/run")?.mode).toBe("100755");
    expect(await mount.readFile("/src/a.ts")).toBe("one\nTWO\nthree\n");
    expect(await mount.readFile("/src/deep/new.ts")).toBe("export {};\n// end");
    expect(await mount.readFile("/dos.txt")).toBe("a\r\nB\r\n");
  });

  test("what does not fit fails with the reason, and nothing is changed", async () => {
    const files = {
      "root/a.txt": "a\n",
      "root/b.txt": "b\n",
      "out.txt": "out\n",
      "root/bin": new Uint8Array([255]),
    };
    const { mount } = await mountFiles({ ...files, "root/link": { mode: "120000", content: "../out.txt" } });
    const seen = await runAgent(
      [applyPatchTool({ editor: createEditor(mount, { root: "/root" }) })],
      [
        create("a.txt", "+x"),
        update("a.txt", "@@\n-not there\n+x"),
        update("missing.txt", "@@\n-a\n+x"),
        update("a.txt", "@@\n-a\n+x", "b.txt"),
        update("bin", "@@\n-a\n+x"),
        update("../out.txt", "@@\n-out\n+x"),
        update("link", "@@\n-out\n+x"),
        remove("/out.txt"),
        remove("missing.txt"),
        remove("."),
      ],
    );
    expect(seen.map(({ status }) => status)).toEqual(Array(10).fill("failed"));
    const outputs = seen.map(({ output }) => String(output));
    expect(outputs[0]).toContain("it exists already");
    expect(outputs[1]).toContain("Could not update a.txt: ");
    expect(outputs[2]).toContain("ENOENT");
    expect(outputs[4]).toContain("not UTF-8 text");
    for (const index of [5, 6, 7]) expect(outputs[index]).toContain("Access denied");
    expect(await mount.status()).toEqual([]);
  });

  test("of patches made at once none is lost", async () => {
    const { mount } = await mountFiles({ "a.txt": "one\ntwo\n" });
    const editor: Editor = createEditor(mount);
    await Promise.all(
      ["one", "two"].map((word) =>
        editor.updateFile({
          type: "update_file",
          path: "a.txt",
          diff: `@@\n-${word}\n+${word.toUpperCase()}`,
        }),
      ),
    );
    expect(await mount.readFile("/a.txt")).toBe("ONE\nTWO\n");
  });
});

describe("the shell in a real run", () => {
  test("gives an output for each command, bounded, and a failed one is no fault", async () => {
    const { mount } = await mountFiles({ "a.txt": "hello\n", "long.txt": "x".repeat(500) });
    const shell: Shell = createShell(mount, { maxOutputChars: 100 });
    const [first, second] = await runAgent(
      [shellTool({ shell })],
      [{ commands: ["cat a.txt", "echo no >&2; exit 4"] }, { commands: ["cat long.txt; echo end"] }],
    );
    expect(first?.output).toEqual([
      { stdout: "hello\n", stderr: "", outcome: { type: "exit", exitCode: 0 } },
      { stdout: "", stderr: "no\n", outcome: { type: "exit", exitCode: 4 } },
    ]);
    expect(JSON.stringify(second?.output)).toMatch(/characters left out of 504\]\\nx+end/);
  });

  test("a command that does not end is a timeout, and those after it are not run", async () => {
    const { mount } = await mountFiles();
    let signal: AbortSignal | undefined;
    const exec = (_command: string, options: { signal?: AbortSignal }) => {
      signal = options.signal;
      return new Promise<never>(() => undefined);
    };
    const shell = createShell(Object.assign(mount, { bash: () => ({ exec }) }));
    const { output } = await shell.run({ commands: ["sleep 1000", "echo never"], timeoutMs: 5 });
    expect(output).toEqual([{ stdout: "", stderr: "no end within 5 ms", outcome: { type: "timeout" } }]);
    expect(signal?.aborted).toBe(true);
  });
});

test("the methods of a sandbox session read, list and run inside their root", async () => {
  const { mount } = await mountFiles({ "app/a.txt": "hello\n", "app/dir/b.txt": "b", "secret.txt": "s" });
  const files = createSandboxFiles(mount, { root: "/app" });
  const session: Omit<SandboxSession, "state"> = files as Omit<SandboxSession, "state" | "exec">;
  expect(
    new TextDecoder().decode((await session.readFile?.({ path: "a.txt", maxBytes: 4 })) as Uint8Array),
  ).toBe("hell");
  expect(await session.listDir?.({ path: "." })).toEqual([
    { name: "a.txt", path: "/app/a.txt", type: "file" },
    { name: "dir", path: "/app/dir", type: "dir" },
  ]);
  expect(await session.pathExists?.("dir/b.txt")).toBe(true);
  expect(await session.directoryExists?.("dir/b.txt")).toBe(false);
  await expect(session.readFile?.({ path: "/secret.txt" })).rejects.toThrow("Access denied");
  expect(await files.exec?.({ cmd: "cat b.txt", workdir: "dir" })).toMatchObject({
    stdout: "b",
    exitCode: 0,
  });
  const editor = session.createEditor?.();
  expect(await editor?.deleteFile({ type: "delete_file", path: "dir/b.txt" })).toMatchObject({
    status: "completed",
  });
});
