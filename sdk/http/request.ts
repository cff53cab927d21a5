import type { BodyInput, Contract, EndpointKey, ParamName, QueryInput, ReplyOf } from "../contract/index.ts";
import { HEADERS } from "../contract/limits.ts";
import type { RepoRef } from "../contract/names.ts";
import { ApiError } from "../errors.ts";
import { formatAddress, formatQuery, type PathParams } from "./address.ts";
import type { Clock } from "./clock.ts";
import { type BytesReply, fail, type Result, readBytes, readError, readJson, succeed } from "./reply.ts";
import { isRepeatable, parseRetryAfter, type RetryPolicy, retryDelayMs } from "./retry.ts";
import type { Transport } from "./transport.ts";

type FormatOf<K extends EndpointKey> = Contract[K] extends { readonly format: infer F extends string }
  ? F
  : "json";

/** What a successful call gives: the reply, a stream with its headers, or the lines of an NDJSON stream. */
export type ReplyData<K extends EndpointKey> =
  FormatOf<K> extends "bytes" | "events"
    ? BytesReply
    : FormatOf<K> extends "ndjson"
      ? AsyncGenerator<ReplyOf<K>>
      : ReplyOf<K>;

/** Options that every call takes. */
export interface CallOptions {
  /** Aborts the call, pauses between attempts included; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Makes a POST or PATCH repeatable: the server answers a repetition with the first result. ≤ 255 characters. */
  readonly idempotencyKey?: string | undefined;
  /** Session of this call; a function is asked again before each attempt. */
  readonly session?: string | (() => string | undefined) | undefined;
}

type Part<Name extends string, Value> = [Value] extends [never] ? unknown : { readonly [N in Name]: Value };
type ParamsOf<K extends EndpointKey> = [ParamName<K>] extends [never]
  ? unknown
  : { readonly params: { readonly [N in ParamName<K>]: N extends "repo" ? RepoRef : string } };
type QueryPart<K extends EndpointKey> = [QueryInput<K>] extends [never]
  ? unknown
  : { readonly query?: QueryInput<K> };
/** JSON is what a call gives unless the endpoint says otherwise, and then the caller says so too. */
type FormatPart<K extends EndpointKey> =
  FormatOf<K> extends "json" ? unknown : { readonly format: FormatOf<K> };

/** Everything that the endpoint `K` needs, by its contract, and {@link CallOptions}. */
export type RequestOptions<K extends EndpointKey> = CallOptions &
  ParamsOf<K> &
  QueryPart<K> &
  Part<"body", BodyInput<K>> &
  FormatPart<K> & {
    /** A POST that changes nothing: it is repeated like a GET. */
    readonly readOnly?: boolean;
  };

/**
 * Calls one endpoint. Never throws for an answer, whatever its status; a request that got none after all attempts is
 * `{data: null, status: 0}` too. Rejects only with the abort reason, or with a TypeError for arguments that cannot be sent.
 */
export type RequestFunction = <K extends EndpointKey>(
  key: K,
  options: RequestOptions<K>,
) => Promise<Result<ReplyData<K>>>;

/** One attempt, as the `onRequest` hook sees it. The key is never shown. */
export interface RequestEvent {
  readonly endpoint: EndpointKey;
  readonly method: string;
  readonly url: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** Characters of the JSON body. */
  readonly bodyLength: number;
}

export interface RequestContext {
  readonly baseUrl: string;
  readonly apiKey: () => string | undefined | Promise<string | undefined>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly retry: RetryPolicy;
  /** Limit of one attempt, ms: to the end of a JSON answer, to the headers of a streamed one. */
  readonly timeoutMs: number;
  readonly onRequest: ((event: RequestEvent) => void) | undefined;
}

/** RequestOptions without their typing by endpoint, as the code below handles them. */
interface LooseOptions extends CallOptions {
  readonly params?: PathParams;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly format?: "bytes" | "ndjson" | "events";
  readonly readOnly?: boolean;
}

interface PreparedCall {
  readonly endpoint: EndpointKey;
  readonly method: string;
  readonly url: string;
  readonly body: string | undefined;
  readonly options: LooseOptions;
}

type Outcome =
  | { readonly kind: "answer"; readonly result: Result<unknown>; readonly retryAfterMs: number | null }
  | { readonly kind: "no-answer"; readonly result: Result<unknown>; readonly retryAfterMs: null };

async function buildHeaders(context: RequestContext, call: PreparedCall): Promise<Headers> {
  const { options } = call;
  const headers = new Headers(options.headers);
  const key = await context.apiKey();
  if (key !== undefined) headers.set(HEADERS.apiKey, key);
  if (call.body !== undefined) headers.set("content-type", "application/json");
  if (options.format === undefined) headers.set("accept", "application/json");
  if (options.idempotencyKey !== undefined) headers.set(HEADERS.idempotencyKey, options.idempotencyKey);
  const session = typeof options.session === "function" ? options.session() : options.session;
  if (session !== undefined) headers.set(HEADERS.session, session);
  return headers;
}

async function decode(response: Response, format: LooseOptions["format"]): Promise<Result<unknown>> {
  if (!response.ok) return fail(await readError(response));
  if (format === "bytes" || format === "events") return succeed(readBytes(response), response.status);
  if (format === "ndjson") {
    const { readNdjson } = await import("./ndjson.ts"); // Not needed to mount, read, write and commit.
    return succeed(readNdjson(readBytes(response).body), response.status);
  }
  return await readJson(response);
}

function noAnswer(cause: unknown, timeoutMs: number | null): Outcome {
  const error =
    timeoutMs === null
      ? new ApiError(
          "NETWORK_ERROR",
          `no answer: ${cause instanceof Error ? cause.message : String(cause)}`,
          {
            status: 0,
            retryable: true,
            cause,
          },
        )
      : new ApiError("REQUEST_TIMEOUT", `no answer within ${timeoutMs} ms`, {
          status: 0,
          retryable: true,
          cause,
        });
  return { kind: "no-answer", result: fail(error), retryAfterMs: null };
}

/** One attempt with its time limit. Throws only when the caller's own signal has aborted. */
async function attemptCall(context: RequestContext, call: PreparedCall, attempt: number): Promise<Outcome> {
  const { signal, format } = call.options;
  const timeout = new AbortController();
  const finished = new AbortController();
  const headers = await buildHeaders(context, call);
  signal?.throwIfAborted();
  const { endpoint, method, url, body } = call;
  context.onRequest?.({ endpoint, method, url, attempt, bodyLength: body?.length ?? 0 });
  void context.clock.delay(context.timeoutMs, finished.signal).then(() => {
    if (!finished.signal.aborted)
      timeout.abort(new DOMException("the attempt took too long", "TimeoutError"));
  });
  try {
    const response = await context.transport({
      method,
      url,
      headers,
      body,
      signal: signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]),
    });
    const result = await decode(response, format);
    // A refusal's body that an abort cut short reads as empty: the abort is what the caller has to hear of.
    if (result.error !== null) signal?.throwIfAborted();
    return {
      kind: "answer",
      result,
      retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), context.clock.now()),
    };
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    return noAnswer(cause, timeout.signal.aborted ? context.timeoutMs : null);
  } finally {
    finished.abort();
  }
}

/** Makes the one function through which every resource talks to the server. */
export function createRequest(context: RequestContext): RequestFunction {
  const run = async (endpoint: EndpointKey, options: LooseOptions): Promise<Result<unknown>> => {
    const { method, path } = formatAddress(endpoint, options.params ?? {});
    const call: PreparedCall = {
      endpoint,
      method,
      url: `${context.baseUrl}${path}${formatQuery(options.query)}`,
      // Made once: a repetition under one Idempotency-Key must be the same request to the byte.
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      options,
    };
    const repeatable = isRepeatable({
      method,
      readOnly: options.readOnly ?? false,
      idempotencyKey: options.idempotencyKey,
    });
    for (let attempt = 1; ; attempt += 1) {
      const { result, retryAfterMs } = await attemptCall(context, call, attempt);
      if (!result.error?.retryable || attempt >= context.retry.attempts) return result;
      // Who was told when to come back was sent away at the door: nothing was done.
      if (!repeatable && (result.status !== 429 || retryAfterMs === null)) return result;
      const delayMs = retryDelayMs(context.retry, attempt, { retryAfterMs, random: context.clock.random() });
      if (delayMs === null) return result;
      await context.clock.delay(delayMs, options.signal ?? new AbortController().signal);
      options.signal?.throwIfAborted();
    }
  };
  // The casts drop the typing by endpoint that `run` has no use for; the contract's types hold outside.
  return (endpoint, options) => run(endpoint, options as LooseOptions) as Promise<Result<never>>;
}
