import { HEADERS } from "../contract/limits.ts";
import type { RepoRef } from "../contract/names.ts";
import type {
  WatchCommit,
  WatchConnected,
  WatchDeleted,
  WatchEnd,
  WatchEvent,
  WatchReset,
} from "../contract/watch.ts";
import { ApiError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import { readEvents } from "./event-stream.ts";
import { fail, type Result, succeed } from "./reply.ts";
import type { CallOptions, RequestFunction } from "./request.ts";

/** What a watch tells. `id` is what a later watch can go on after; null while older moves follow. */
export type WatchNews = (WatchConnected | WatchCommit | WatchDeleted | WatchReset) & {
  readonly id: string | null;
};

export interface WatchTarget {
  readonly repo: RepoRef;
  /** Value of the query's `branch`. */
  readonly branch: string | undefined;
  readonly lastEventId: string | undefined;
}

export interface WatchParts {
  readonly request: RequestFunction;
  readonly clock: Clock;
}

/** A server says something every 20 s; a connection that is silent for longer is taken for dead. */
const SILENCE_MS = 50_000;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;

/**
 * Opens a watch: the first answer decides whether there is one. From then on the stream connects again by itself, with
 * the last id and after a jittered, growing pause, for as long as the caller listens.
 */
export async function openWatch(
  parts: WatchParts,
  target: WatchTarget,
  options: CallOptions,
): Promise<Result<AsyncGenerator<WatchNews, void, undefined>>> {
  const stop = new AbortController();
  const first = await connect(parts, target, {
    ...options,
    signal: joinSignals(options.signal, stop.signal),
  });
  if (first.error !== null) return fail(first.error);
  const events = follow(parts, target, { options, stop, first: first.data });
  return succeed(endAtOnce(events, stop), first.status);
}

interface Following {
  readonly options: CallOptions;
  /** Aborts when the caller leaves. */
  readonly stop: AbortController;
  readonly first: ReadableStream<Uint8Array>;
}

/** A generator whose `return` ends a `next` that waits for an event which may never come. */
function endAtOnce<T>(
  events: AsyncGenerator<T, void, undefined>,
  stop: AbortController,
): AsyncGenerator<T, void, undefined> {
  const leave = events.return.bind(events);
  return Object.assign(events, {
    return(value: void | PromiseLike<void>) {
      stop.abort();
      return leave(value);
    },
  });
}

async function* follow(
  parts: WatchParts,
  target: WatchTarget,
  { options, stop, first }: Following,
): AsyncGenerator<WatchNews, void, undefined> {
  const signal = joinSignals(options.signal, stop.signal);
  let { lastEventId } = target;
  let body: ReadableStream<Uint8Array> | null = first;
  for (let failures = 0; !stop.signal.aborted; failures += 1) {
    if (body !== null) {
      for await (const event of readNews(body, parts.clock, signal)) {
        failures = 0;
        if (event.event === "end" && event.reason !== "too-slow") throw endError(event);
        if (event.event === "end" || event.event === "rotate") break;
        lastEventId = event.id ?? lastEventId;
        yield event;
      }
    }
    options.signal?.throwIfAborted();
    await parts.clock.delay(pauseMs(failures, parts.clock.random()), signal);
    if (stop.signal.aborted) return;
    options.signal?.throwIfAborted();
    const again = await connect(parts, { ...target, lastEventId }, { ...options, signal }).catch((error) => {
      if (stop.signal.aborted) return null;
      throw error;
    });
    if (again === null) return;
    if (again.error !== null && !again.error.retryable) throw again.error;
    body = again.data;
  }
}

type Told = WatchNews | (Exclude<WatchEvent, WatchNews> & { readonly id: string | null });

/** The events of one connection, until it ends, breaks or falls silent. */
async function* readNews(
  body: ReadableStream<Uint8Array>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Told, void, undefined> {
  const reader = body.getReader();
  const events = readEvents(reader);
  try {
    for (;;) {
      const next = await within(clock, events.next(), signal);
      if (next === null || next.done) return;
      if (next.value === null) continue;
      const { event, id, data } = next.value;
      // The cast trusts the server to keep the contract that both sides are typed by.
      yield { event, id: id ?? null, ...(JSON.parse(data) as object) } as Told;
    }
  } catch (error) {
    // A connection that breaks is why there is a last id; what is no event at all is a fault to be told.
    if (error instanceof SyntaxError) throw error;
  } finally {
    await reader.cancel().catch(() => undefined); // Broken already: the caller connects again.
  }
}

/** null when nothing came in time. */
async function within<T>(clock: Clock, work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const finished = new AbortController();
  const cancelled = joinSignals(signal, finished.signal);
  const silence = clock.delay(SILENCE_MS, cancelled).then(() => null);
  try {
    return await Promise.race([work, silence]);
  } finally {
    finished.abort();
  }
}

async function connect(
  { request }: WatchParts,
  { repo, branch, lastEventId }: WatchTarget,
  options: CallOptions,
): Promise<Result<ReadableStream<Uint8Array>>> {
  const result = await request("GET /repos/:repo/watch", {
    ...options,
    params: { repo },
    ...(branch === undefined ? {} : { query: { branch } }),
    format: "events",
    headers: {
      ...options.headers,
      accept: "text/event-stream",
      ...(lastEventId === undefined ? {} : { [HEADERS.lastEventId]: lastEventId }),
    },
  });
  return result.error === null ? succeed(result.data.body, result.status) : fail(result.error);
}

/** Full jitter over a doubling ceiling; a stream that ended in good order is taken up again almost at once. */
function pauseMs(failures: number, random: number): number {
  return random * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
}

function endError({ reason, message }: WatchEnd): ApiError {
  return reason === "revoked"
    ? new ApiError("UNAUTHORIZED", message, { status: 401, retryable: false, data: { reason } })
    : new ApiError("NOT_FOUND", message, { status: 404, retryable: false, data: { reason } });
}

function joinSignals(outer: AbortSignal | undefined, inner: AbortSignal): AbortSignal {
  return outer === undefined ? inner : AbortSignal.any([outer, inner]);
}
