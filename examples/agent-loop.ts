// An agent of the AI SDK that works on a mounted repository. The model is a script, so that no key is needed: replace it
// by a real one, such as anthropic("claude-…"), and the rest stays as it is.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCoregitClient } from "@coregit/sdk";
import { createTools, type MountToolResult } from "@coregit/sdk/adapters/ai-sdk";
import { startLocal } from "@coregit/server/local";
import { generateText, isStepCount } from "ai";
import { MockLanguageModelV4 } from "ai/test";

const dataDir = await mkdtemp(join(tmpdir(), "coregit-"));
const server = await startLocal({ dataDir });
const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url });
await cg.repos.create({ slug: "shop" });
await cg.commits.create("shop", {
  branch: "main",
  message: "Add the shop",
  changes: [
    { path: "src/price.js", content: "export const total = (net, vat) => net - net * vat;\n" },
    { path: "test.sh", content: "grep -q 'net + net' src/price.js && echo passed || exit 1\n" },
  ],
});

const fs = await cg.fs.mount({
  repos: [{ slug: "shop", as: "/" }],
  author: { name: "Agent", email: "a@b.c" },
});
const tools = createTools(fs);

type Call = readonly [tool: string, input: object];

/** What the model does, step by step; a real one decides this by itself. */
const script: readonly Call[] = [
  ["grep", { pattern: "vat", globs: ["src/**"] }],
  ["readFile", { path: "/src/price.js" }],
  ["editFile", { path: "/src/price.js", edits: [{ oldText: "net * VAT", newText: "" }] }],
  [
    "editFile",
    { path: "/src/price.js", edits: [{ oldText: "net - net * vat", newText: "net + net * vat" }] },
  ],
  // A mount without a shell gives no such tool.
  ...(tools.bash ? [["bash", { command: "bash test.sh", cwd: "/" }] as const] : []),
  ["status", {}],
  ["commit", { message: "Add the tax to the price" }],
];

let step = 0;
const usage = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
};
const model = new MockLanguageModelV4({
  doGenerate: async () => {
    const call = script[step++];
    if (call === undefined) {
      const content = [{ type: "text" as const, text: "The price now includes the tax." }];
      return { content, finishReason: { unified: "stop", raw: undefined }, usage, warnings: [] };
    }
    const [toolName, input] = call;
    const content = [
      { type: "tool-call" as const, toolCallId: `call-${step}`, toolName, input: JSON.stringify(input) },
    ];
    return { content, finishReason: { unified: "tool-calls", raw: undefined }, usage, warnings: [] };
  },
});

const result = await generateText({
  model,
  tools,
  stopWhen: isStepCount(20),
  prompt: "The total is too low: fix it.",
});

for (const { content } of result.steps) {
  for (const part of content) {
    if (part.type === "tool-call") console.log(`> ${part.toolName} ${JSON.stringify(part.input)}`);
    if (part.type === "tool-result") console.log((part.output as MountToolResult).text);
    if (part.type === "tool-error") console.log(`failed: ${(part.error as Error).message}`);
    if (part.type === "text") console.log(part.text);
  }
}

const { data } = await cg.commits.list("shop", { limit: 1 });
const [last] = data?.commits ?? [];
console.log(`\ncommit by ${last?.author_name}: ${last?.message.trim()}`);

await fs.unmount();
await server.stop();
await rm(dataDir, { recursive: true });
