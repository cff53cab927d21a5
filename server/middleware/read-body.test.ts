import { expect, it } from "vitest";
import { readBody, readJson } from "./read-body.ts";

function send(body: BodyInit, headers: Record<string, string> = {}): Request {
  const init = { method: "POST", body, headers, duplex: "half" };
  return new Request("http://h/", init);
}

/** Chunks without end: only a reader that counts comes back. */
function endless(): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(1_000));
    },
  });
}

it("reads chunks of any size as one body", async () => {
  const parts = ["{", '"a"', ":", "[1,2", "]}"];
  const body = new ReadableStream({
    pull(controller) {
      const part = parts.shift();
      if (part === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(part));
    },
  });
  expect(await readJson(send(body, { "content-type": "application/json" }))).toEqual({ a: [1, 2] });
});

it("takes exactly the limit and not a byte more, whatever the header says", async () => {
  expect((await readBody(send("x".repeat(100)), 100)).length).toBe(100);
  await expect(readBody(send("x".repeat(101)), 100)).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  await expect(readBody(send("x", { "content-length": "101" }), 100)).rejects.toMatchObject({
    code: "PAYLOAD_TOO_LARGE",
    details: { limit: 100 },
    message: "The request body may hold at most 100 bytes",
  });
});

it("stops reading a body that never ends", async () => {
  await expect(readBody(send(endless()), 10_000)).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
});

it("accepts a byte-order mark and JSON dialects, and no other type", async () => {
  expect(await readJson(send("\ufeff{}", { "content-type": "application/json" }))).toEqual({});
  expect(
    await readJson(send("{}", { "content-type": "application/merge-patch+json; charset=utf-8" })),
  ).toEqual({});
  for (const type of ["text/json", "application/jsonx", "application/x-www-form-urlencoded", "json"]) {
    await expect(readJson(send("{}", { "content-type": type }))).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
    });
  }
});

it("parses what is nested as deep as it likes without overflowing", async () => {
  const deep = "[".repeat(500_000);
  await expect(readJson(send(deep, { "content-type": "application/json" }))).rejects.toMatchObject({
    code: "VALIDATION_ERROR",
  });
});
