import { existsSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { type BrowserContext, chromium } from "playwright-core";
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

/** What two pages of one origin do with the cache of the browser: the first fills it, the second finds it. */
const CACHE_SCRIPT = `
  import { createBrowserCache } from "./sdk/adapters/browser-cache.ts";
  const cache = createBrowserCache({ maxBytes: 50_000 });
  const name = (n) => String(n).padStart(40, "0");
  const blob = (n) => new Uint8Array(5_000).fill(n);
  const before = await cache.getMany([name(19), name(18), "f".repeat(40)]);
  if (before.size === 0) for (let n = 0; n < 20; n += 1) await cache.put(name(n), blob(n));
  const held = await cache.getMany(Array.from({ length: 20 }, (_, n) => name(n)));
  const wrong = [...held].filter(([sha, bytes]) => bytes.length !== 5_000 || bytes[4_999] !== Number(sha));
  const newest = held.has(name(19)) && !held.has(name(0));
  const facts = { before: before.size, withinBudget: held.size > 0 && held.size <= 10, newest, wrong: wrong.length };
  document.querySelector("output").textContent = JSON.stringify(facts);
`;

let server: TestServer;
const pages: Server[] = [];

async function serve(html: string): Promise<string> {
  const host = createServer((_, response) => response.setHeader("content-type", "text/html").end(html));
  pages.push(host);
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(host.address() as AddressInfo).port}/`; // a listening TCP server has one
}

describe.skipIf(!CHROMIUM)("in Chromium (skipped where it is not installed)", () => {
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(async () => {
    for (const host of pages) host.close();
    await server?.stop();
  });

  test("a page of another origin mounts, writes, commits and reads", async () => {
    const url = await serve(await makePage(PAGE_SCRIPT));
    await inBrowser(async (browser) => {
      expect(await showPage(browser, url)).toBe("written in a browser, 20");
    });
  });

  test("the cache in IndexedDB outlives the page, and keeps within its bytes", async () => {
    const url = await serve(await makePage(CACHE_SCRIPT));
    await inBrowser(async (browser) => {
      const facts = { withinBudget: true, newest: true, wrong: 0 };
      expect(JSON.parse(await showPage(browser, url))).toEqual({ before: 0, ...facts });
      expect(JSON.parse(await showPage(browser, url))).toEqual({ before: 2, ...facts });
    });
  });
});

async function makePage(script: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: process.cwd(), loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "browser",
    write: false,
  });
  const settings = JSON.stringify({ apiKey: server.local.apiKey, baseUrl: server.local.url });
  const bundle = outputFiles[0]?.text ?? "";
  return `<output></output><script>globalThis.settings = ${settings}</script><script type="module">${bundle}</script>`;
}

/** Pages of one context share what the browser keeps, as tabs of one window do. */
async function inBrowser(work: (context: BrowserContext) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM as string, // the tests are skipped without it
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
  });
  try {
    await work(await browser.newContext());
  } finally {
    await browser.close();
  }
}

/** What a page shows at its end; fails with what the page has to complain about. */
async function showPage(context: BrowserContext, url: string): Promise<string> {
  const page = await context.newPage();
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
  const shown = await page.textContent("output");
  expect(failures).toEqual([]);
  await page.close();
  return shown ?? "";
}
