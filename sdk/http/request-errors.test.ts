import { expect, it } from "vitest";
import { ApiError } from "../errors.ts";
import { answerJson, answerText, interceptRequests } from "../testing/intercepted-client.ts";

const start = interceptRequests();
const PAGE = "<html><body>Bad gateway</body></html>";

it("maps an error body to code, message, status, request id and details", async () => {
  const fields = [{ field: "slug", message: "too long" }];
  const { client } = start([
    answerJson({ error: "invalid request", code: "VALIDATION_ERROR", fields, limit: 100 }, 400, {
      "x-request-id": "req_1",
    }),
  ]);
  const { data, error, status } = await client.repos.create({ slug: "app" });
  expect(data).toBeNull();
  expect(status).toBe(400);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    name: "ApiError",
    code: "VALIDATION_ERROR",
    message: "invalid request",
    status: 400,
    requestId: "req_1",
    retryable: false,
    data: { fields, limit: 100 },
  });
});

it("keeps the facts of a conflict", async () => {
  const { client } = start([
    answerJson({ error: "moved", code: "CONFLICT", path: "a", current_sha: null }, 409),
  ]);
  const { error } = await client.refs.put("app", "heads/x", { sha: "0".repeat(40) });
  expect(error).toMatchObject({ code: "CONFLICT", data: { path: "a", current_sha: null }, requestId: null });
});

it.each([
  [402, "QUOTA_EXCEEDED", false],
  [404, "NOT_FOUND", false],
  [413, "PAYLOAD_TOO_LARGE", false],
  [418, "VALIDATION_ERROR", false],
  [429, "RATE_LIMITED", true],
  [502, "INTERNAL_ERROR", true],
  [504, "TIMEOUT", true],
  [507, "BACKPRESSURE", true],
])("goes by the status %i when the body is a proxy's page", async (status, code, retryable) => {
  const { client } = start([answerText(PAGE, status, { "content-type": "text/html" })], { retry: false });
  const { error } = await client.repos.get("app");
  expect(error).toMatchObject({
    code,
    status,
    retryable,
    message: `the server answered ${status}`,
    data: {},
  });
});

it.each([
  ["null", "null"],
  ["a list", "[1]"],
  ["text", '"no"'],
  ["an unknown code", '{"error":"x","code":"toString"}'],
  ["an error that is no text", '{"error":{"a":1},"code":7}'],
])("goes by the status when the error body is %s", async (_name, text) => {
  const { client } = start([answerText(text, 403)]);
  expect((await client.repos.get("app")).error).toMatchObject({ code: "FORBIDDEN", status: 403 });
});

it.each([
  ["a page", PAGE, 200],
  ["cut JSON", '{"slug":"a', 200],
  ["nothing", "", 200],
  ["204", null, 204],
])("calls a success without JSON an error: %s", async (_name, text, status) => {
  const { client, calls } = start([answerText(text, status, { "x-request-id": "req_2" })]);
  const result = await client.repos.get("app");
  expect(result.data).toBeNull();
  expect(result.status).toBe(status);
  expect(result.error).toMatchObject({
    code: "INVALID_RESPONSE",
    status,
    retryable: false,
    requestId: "req_2",
  });
  expect(calls).toHaveLength(1);
});

it("gives an empty file as an empty stream, with what the headers say of it", async () => {
  const { client } = start([
    answerText("", 200, { "content-length": "0", "x-content-sha": "e69", "x-commit-sha": "c0" }),
  ]);
  const { data } = await client.files.raw("app", { path: "empty" });
  expect(data).toMatchObject({ bytes: 0, sha: "e69", commitSha: "c0", contentRange: null });
  expect((await new Response(data?.body).arrayBuffer()).byteLength).toBe(0);
});

it("counts an answer that breaks off as no answer and asks again", async () => {
  const broken = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"slug":'));
        },
        pull(controller) {
          controller.error(new Error("reset"));
        },
      }),
    );
  const { client, calls } = start([broken, answerJson({ slug: "app" })]);
  expect((await client.repos.get("app")).data).toEqual({ slug: "app" });
  expect(calls).toHaveLength(2);
});
