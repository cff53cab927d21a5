/** How often and how patiently a request that may be repeated is repeated. */
export interface RetryOptions {
  /** Attempts in all, the first included. 1 = never repeat. Default 4. */
  readonly attempts?: number;
  /** Ceiling of the first pause, ms; it doubles with each attempt. Default 100. */
  readonly baseMs?: number;
  /** Ceiling of any pause, ms. Default 5,000. */
  readonly maxMs?: number;
  /** A Retry-After beyond this is not waited for: the answer is returned. Default 70,000: a minute's limit, and what it is late by. */
  readonly maxRetryAfterMs?: number;
}

export type RetryPolicy = Required<RetryOptions>;

export function resolveRetryPolicy(options: RetryOptions | false | undefined): RetryPolicy {
  const policy = { attempts: 4, baseMs: 100, maxMs: 5_000, maxRetryAfterMs: 70_000 };
  if (options === false) return { ...policy, attempts: 1 };
  return { ...policy, ...options };
}

/** Answers that another attempt may change: overload, and faults before or in the server. */
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([
  408, 425, 429, 500, 502, 503, 504, 507, 520, 522, 524,
]);

export function isRetryableStatus(status: number): boolean {
  return RETRYABLE_STATUS.has(status);
}

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "PUT", "DELETE"]);

/**
 * Whether sending the request twice does what sending it once does: by its method, because it only reads although it
 * is a POST, or because the server knows its Idempotency-Key.
 */
export function isRepeatable(request: {
  readonly method: string;
  readonly readOnly: boolean;
  readonly idempotencyKey: string | undefined;
}): boolean {
  return SAFE_METHODS.has(request.method) || request.readOnly || request.idempotencyKey !== undefined;
}

/** Milliseconds that a Retry-After header asks for (seconds or an HTTP date); null without a usable one. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/**
 * Pause before the next attempt: full jitter over an exponentially growing ceiling, and never sooner than the server
 * asked. null when the server asks for more patience than the policy has.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  wait: { readonly retryAfterMs: number | null; readonly random: number },
): number | null {
  const jitter = wait.random * Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1));
  if (wait.retryAfterMs === null) return jitter;
  if (wait.retryAfterMs > policy.maxRetryAfterMs) return null;
  return wait.retryAfterMs + jitter;
}
