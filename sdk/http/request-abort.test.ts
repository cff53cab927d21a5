import { expect, it } from "vitest";
import {
  answerJson,
  answerText,
  createTestClock,
  interceptRequests,
  type Reply,
  TIMEOUT_MS,
} from "../testing/intercepted-client.ts";

const start = interceptRequests();
const silence = (then: () => void): Reply => {
  return () => {
    then();
    return new Promise(() => undefined);
  };
};

it("rejects with the reason of a signal that has aborted already, and sends nothing", async () => {
  const reason = new Error("changed my mind");
  const { client, calls } = start([answerJson({})]);
  await expect(client.repos.get("app", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(calls).toHaveLength(0);
});

it("rejects with the reason when the signal aborts during an attempt", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const { client, clock, calls } = start([silence(() => controller.abort(reason))]);
  await expect(client.repos.get("app", { signal: controller.signal })).rejects.toBe(reason);
  expect(calls).toHaveLength(1);
  expect(clock.pendingLimits()).toBe(0);
});

it("rejects with the reason when the signal aborts in a pause", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const clock = createTestClock(0.5, () => controller.abort(reason));
  const { client, calls } = start([answerText("", 503)], { clock });
  await expect(client.repos.get("app", { signal: controller.signal })).rejects.toBe(reason);
  expect(calls).toHaveLength(1);
});

it("rejects with the reason when the signal aborts in the body of a refusal", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const body = new ReadableStream<Uint8Array>(
    {
      pull(stream) {
        controller.abort(reason);
        stream.error(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const { client } = start([], { fetch: async () => new Response(body, { status: 404 }) });
  await expect(client.repos.get("app", { signal: controller.signal })).rejects.toBe(reason);
});

it("gives each attempt the whole time limit", async () => {
  const clock = createTestClock(0.5);
  const { client, calls } = start(
    [silence(clock.expire), silence(clock.expire), answerJson({ slug: "app" })],
    {
      clock,
    },
  );
  expect((await client.repos.get("app")).data).toEqual({ slug: "app" });
  expect(calls).toHaveLength(3);
  expect(clock.pendingLimits()).toBe(0);
});

it("gives REQUEST_TIMEOUT when the last attempt runs out of time too", async () => {
  const clock = createTestClock(0.5);
  const { client, calls } = start([silence(clock.expire)], { clock });
  const { data, error, status } = await client.repos.get("app");
  expect({ data, status }).toEqual({ data: null, status: 0 });
  expect(error).toMatchObject({
    code: "REQUEST_TIMEOUT",
    retryable: true,
    message: `no answer within ${TIMEOUT_MS} ms`,
  });
  expect(calls).toHaveLength(4);
});

it("does not repeat a POST without a key that ran out of time", async () => {
  const clock = createTestClock(0.5);
  const { client, calls } = start([silence(clock.expire)], { clock });
  expect((await client.repos.create({ slug: "app" })).error?.code).toBe("REQUEST_TIMEOUT");
  expect(calls).toHaveLength(1);
});
