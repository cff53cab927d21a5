import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type GitBody, openGitBody } from "./git-body.ts";

const MAX = 1_000_000;

async function readWholeBody(body: GitBody): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of body.chunks) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** Comparing element by element takes a second. */
async function expectContent(body: GitBody): Promise<void> {
  expect(Buffer.from(await readWholeBody(body)).equals(content)).toBe(true);
}

function post(body: Uint8Array | ReadableStream | null, encoding?: string): Request {
  const headers = encoding ? { "content-encoding": encoding } : {};
  // Node wants `duplex` for streamed bodies; the type of workers does not know it.
  return new Request("http://h/", { method: "POST", body, headers, duplex: "half" } as RequestInit);
}

function chunked(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

const content = new Uint8Array(300_000).map((_, i) => i % 253);

test("plain, chunked and absent bodies", async () => {
  await expectContent(openGitBody(post(content), MAX));
  const parts = [content.subarray(0, 7), content.subarray(7)];
  await expectContent(openGitBody(post(chunked(...parts)), MAX));
  expect(await readWholeBody(openGitBody(post(null), MAX))).toHaveLength(0);
});

test("gzip under both its names", async () => {
  for (const name of ["gzip", "x-gzip", "GZIP"]) {
    await expectContent(openGitBody(post(gzipSync(content), name), MAX));
  }
});

test("a bomb stops at the ceiling", async () => {
  const bomb = gzipSync(new Uint8Array(50_000_000));
  const read = readWholeBody(openGitBody(post(bomb, "gzip"), MAX));
  await expect(read).rejects.toMatchObject({ code: "limit-exceeded" });
});

test("garbage, cut gzip and unknown encodings are GitErrors", async () => {
  for (const bytes of [content, gzipSync(content).subarray(0, 500)]) {
    await expect(readWholeBody(openGitBody(post(bytes, "gzip"), MAX))).rejects.toMatchObject({
      code: "protocol",
    });
  }
  await expect(readWholeBody(openGitBody(post(content, "br"), MAX))).rejects.toMatchObject({
    code: "protocol",
  });
});

test("drain swallows what is left, also after an error", async () => {
  const body = openGitBody(post(chunked(content, content)), MAX);
  for await (const chunk of body.chunks) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  await body.drain();
  expect(await readWholeBody(body)).toHaveLength(0);
  const broken = openGitBody(post(content, "gzip"), MAX);
  await broken.drain();
});
