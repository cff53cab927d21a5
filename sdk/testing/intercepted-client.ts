import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type CoregitClient, type CoregitClientOptions, createCoregitClient } from "../client.ts";
import type { Clock } from "../http/clock.ts";

export const ORIGIN = "http://coregit.test";
export const TIMEOUT_MS = 7_777;

/** What one attempt had on the wire. */
export interface SentCall {
  readonly method: string;
  /** Path and query as sent, percent-encoding included. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: string;
}

export type Reply = (call: SentCall) => Response | Promise<Response>;

/** A clock that never waits: pauses are noted and over at once, time limits expire when a test says so. */
export interface TestClock extends Clock {
  /** Pauses between attempts, ms. */
  readonly pauses: number[];
  /** Lets the time limit of every attempt that is under way run out. */
  expire(): void;
  /** Time limits that nothing has ended yet. */
  pendingLimits(): number;
}

export function createTestClock(random: number, onPause: () => void = () => undefined): TestClock {
  const limits = new Set<() => void>();
  const pauses: number[] = [];
  let now = Date.parse("2026-01-01T00:00:00Z");
  return {
    pauses,
    now: () => now,
    random: () => random,
    expire: () => {
      for (const end of [...limits]) end();
    },
    pendingLimits: () => limits.size,
    delay(ms, signal) {
      if (ms !== TIMEOUT_MS) {
        pauses.push(ms);
        now += ms;
        onPause();
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const end = () => {
          limits.delete(end);
          resolve();
        };
        limits.add(end);
        signal.addEventListener("abort", end);
      });
    },
  };
}

export interface Intercepted {
  readonly client: CoregitClient;
  readonly clock: TestClock;
  readonly calls: readonly SentCall[];
}

/**
 * Puts an interceptor into this test file; the function given back makes a client whose attempts get the replies in
 * turn, the last one for all that follow.
 */
export function interceptRequests(): (
  replies: readonly Reply[],
  options?: CoregitClientOptions & { readonly clock?: TestClock },
) => Intercepted {
  const server = setupServer();
  beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
  afterEach(() => server.resetHandlers());
  afterAll(() => server.close());
  return (replies, options = {}) => {
    const calls: SentCall[] = [];
    server.use(
      http.all(`${ORIGIN}/v1/*`, async ({ request }) => {
        const { method, headers, url } = request;
        const call = { method, headers, target: url.slice(ORIGIN.length), body: await request.text() };
        calls.push(call);
        const reply = replies[Math.min(calls.length, replies.length) - 1];
        return reply === undefined ? HttpResponse.error() : await reply(call);
      }),
    );
    const clock = options.clock ?? createTestClock(0.5);
    const client = createCoregitClient({
      baseUrl: ORIGIN,
      apiKey: "cgk_test",
      timeoutMs: TIMEOUT_MS,
      ...options,
      clock,
    });
    return { client, clock, calls };
  };
}

export const cutConnection: Reply = () => HttpResponse.error();

export function answerJson(body: object, status = 200, headers: Record<string, string> = {}): Reply {
  return () => Response.json(body, { status, headers });
}

export function answerText(text: string | null, status = 200, headers: Record<string, string> = {}): Reply {
  return () => new Response(text, { status, headers });
}
