import { expect, it } from "vitest";
import type { PrefetchLine } from "../contract/prefetch.ts";
import { answerText, interceptRequests, type Reply } from "../testing/intercepted-client.ts";
import type { Fetch } from "./transport.ts";

const start = interceptRequests();
const blob = { path: "grün.txt", sha: "a".repeat(40), size: 2, content_b64: "aGk=" };
const done = { done: true, entries: 1, bytes: 2, capped: false };

/** A body in the given chunks, which then ends or breaks off. */
function answerChunks(chunks: readonly Uint8Array[], ending: "end" | "break" = "end"): Reply {
  return () => {
    const rest = [...chunks];
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const chunk = rest.shift();
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (ending === "end") controller.close();
      else controller.error(new Error("connection reset"));
    };
    // Nothing is queued: a stream that fails would drop it.
    const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
    return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
  };
}

function lines(...values: readonly (object | string)[]): Uint8Array {
  const texts = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return new TextEncoder().encode(texts.map((text) => `${text}\n`).join(""));
}

/** What a loop over the stream saw, and what it threw. */
async function readAll(
  reply: Reply,
  options: { readonly fetch?: Fetch } = {},
): Promise<{ seen: readonly PrefetchLine[]; error: unknown }> {
  const { client } = start([reply], options);
  const { data } = await client.prefetch.stream("app", { ref: "main", globs: ["**"] });
  const seen: PrefetchLine[] = [];
  try {
    for await (const line of data ?? []) seen.push(line);
  } catch (error) {
    return { seen, error };
  }
  return { seen, error: null };
}

const INCOMPLETE = { name: "ApiError", code: "INCOMPLETE_STREAM", status: 200, retryable: true };

it("gives every line up to the last one", async () => {
  expect(await readAll(answerChunks([lines(blob, done)]))).toEqual({ seen: [blob, done], error: null });
});

it.each([1, 2, 7, 64])("joins lines that come in chunks of %i bytes", async (size) => {
  const bytes = lines(blob, blob, done);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
  expect(await readAll(answerChunks(chunks))).toEqual({ seen: [blob, blob, done], error: null });
});

it("takes a last line without its newline, and skips empty ones", async () => {
  const bytes = lines(blob, "", done);
  const reply = answerChunks([bytes.slice(0, -1)]);
  expect(await readAll(reply)).toEqual({ seen: [blob, done], error: null });
});

it("throws when the stream ends without its last line", async () => {
  const { seen, error } = await readAll(answerChunks([lines(blob)]));
  expect(seen).toEqual([blob]);
  expect(error).toMatchObject(INCOMPLETE);
});

it("throws when nothing comes at all", async () => {
  expect((await readAll(answerText(""))).error).toMatchObject(INCOMPLETE);
});

it("throws when the connection breaks off, inside a line or between two", async () => {
  for (const bytes of [lines(blob), lines(blob, done).slice(0, -9)]) {
    const reply = answerChunks([bytes], "break");
    expect((await readAll(reply)).error).toMatchObject(INCOMPLETE);
    // The interceptor reads ahead, and may lose what came before the break; without it nothing does.
    const response = await reply({ method: "POST", target: "", headers: new Headers(), body: "" });
    const { seen, error } = await readAll(reply, { fetch: async () => response });
    expect(seen).toEqual([blob]);
    expect(error).toMatchObject(INCOMPLETE);
  }
});

it("throws what the last line reports", async () => {
  const failed = { ...done, error: "storage is down", code: "TIMEOUT" };
  const { seen, error } = await readAll(answerChunks([lines(blob, failed)]));
  expect(seen).toEqual([blob]);
  expect(error).toMatchObject({ code: "TIMEOUT", message: "storage is down", retryable: true });
  const odd = await readAll(answerChunks([lines({ ...failed, code: "NEW_CODE" })]));
  expect(odd.error).toMatchObject({ code: "INTERNAL_ERROR" });
});

it.each(['{"path":', "<html>", "{} {"])("throws at the malformed line %s", async (bad) => {
  const { seen, error } = await readAll(answerChunks([lines(blob), lines(bad), lines(blob, done)]));
  expect(seen).toEqual([blob]);
  expect(error).toMatchObject(INCOMPLETE);
});

it("gives an error of the request as a value, before there is a stream", async () => {
  const { client } = start([answerText('{"error":"no such ref","code":"NOT_FOUND"}', 404)]);
  const { data, error } = await client.prefetch.stream("app", { ref: "nope", globs: ["**"] });
  expect(data).toBeNull();
  expect(error?.code).toBe("NOT_FOUND");
});

it("throws the abort reason inside the loop", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const { client } = start([answerChunks([lines(blob), lines(blob), lines(done)])]);
  const options = { signal: controller.signal };
  const { data } = await client.prefetch.stream("app", { ref: "main", globs: ["**"] }, options);
  const loop = async () => {
    for await (const line of data ?? []) if (!("done" in line)) controller.abort(reason);
  };
  await expect(loop()).rejects.toBe(reason);
});
