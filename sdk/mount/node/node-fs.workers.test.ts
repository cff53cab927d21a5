/** The same suite inside workerd; the real filesystem answers from the Node process that runs the tests. */
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import type { LooseFs } from "../../testing/fs-contract/answers.ts";
import type { OracleAnswer, OracleQuestion } from "../../testing/fs-contract/oracle.ts";
import { fsSequences } from "../../testing/fs-contract/sequences.ts";
import { fsContract } from "../../testing/fs-contract/suite.ts";
import { makeMemoryMount } from "../../testing/memory-mount.ts";

// The platform's type of `env` is open; what is in it is said in vitest.config.ts.
const oracle = (env as unknown as { readonly NODE_FS: { fetch: typeof fetch } }).NODE_FS;

async function ask(question: OracleQuestion): Promise<OracleAnswer> {
  const reply = await oracle.fetch("http://oracle/", { method: "POST", body: JSON.stringify(question) });
  return await reply.json();
}

async function makeSubject() {
  const { fs, open } = await makeMemoryMount();
  return {
    fs: fs.promises as unknown as LooseFs, // Called by name: the suite's table has it so.
    settle: async () => {
      await fs.commit();
    },
    openCold: async () => (await open()).promises as unknown as LooseFs,
  };
}

it("runs in workerd", () => {
  expect(navigator.userAgent).toBe("Cloudflare-Workers");
});

fsContract("a mount in workerd", { makeSubject, ask }, ["before a commit", "from a cold mount"]);
fsSequences("a mount in workerd", { makeSubject, ask }, 50);
