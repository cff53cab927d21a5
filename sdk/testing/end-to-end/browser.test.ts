import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../../../server/testing/end-to-end/local-server.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  existsSync,
);

/** What the page does with the SDK; what it writes is what it shows at the end. */
const PAGE_SCRIPT = `
  import { createCoregitClient } from "./sdk/index.ts";
  const { apiKey, baseUrl } = globalThis.settings;
  const cg = createCoregitClient({ apiKey, baseUrl });
  await cg.repos.create({ slug: "page" });
  const fs = await cg.fs.mount({ repos: [{ slug: "page" }], commitMode: "manual" });
  await fs.writeFile("/notes/hello.txt", "written in a browser");
  await fs.commit({ message: "From a page" });
  const cold = await cg.fs.mount({ repos: [{ slug: "page" }], mode: "ro" });
  const bytes = await cold.promises.readFile("/notes/hello.txt");
  document.querySelector("output").textContent = new TextDecoder().decode(bytes) + ", " + (await cold.stat("/notes/hello.txt")).size;
`;

let server: TestServer;
let pages: Server;

async function serve(html: string): Promise<string> {
  pages = createServer((_, response) => response.setHeader("content-type", "text/html").end(html));
  await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`; // a listening TCP server has one
}

describe.skipIf(!CHROMIUM)("in Chromium (skipped where it is not installed)", () => {
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(async () => {
    pages?.close();
    await server?.stop();
  });

  test("a page of another origin mounts, writes, commits and reads", async () => {
    const { outputFiles } = await build({
      stdin: { contents: PAGE_SCRIPT, resolveDir: process.cwd(), loader: "ts" },
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
    });
    const settings = JSON.stringify({ apiKey: server.local.apiKey, baseUrl: server.local.url });
    const script = outputFiles[0]?.text ?? "";
    const url = await serve(
      `<output></output><script>globalThis.settings = ${settings}</script><script type="module">${script}</script>`,
    );
    const browser = await chromium.launch({
      executablePath: CHROMIUM as string, // the test is skipped without it
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
    });
    try {
      const page = await browser.newPage();
      const failures: string[] = [];
      page.on("pageerror", (error) => failures.push(error.message));
      page.on("console", (message) => message.type() === "error" && failures.push(message.text()));
      await page.goto(url);
      await page
        .waitForFunction(() => document.querySelector("output")?.textContent !== "", undefined, {
          timeout: 20_000,
        })
        .catch(() => {
          throw new Error(`the page showed nothing: ${failures.join("; ")}`);
        });
      expect(await page.textContent("output")).toBe("written in a browser, 20");
      expect(failures).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
