/**
 * Cross-origin rules of the API: any page may call it. Keys travel in headers that a page must set itself, never in
 * cookies, so another origin gains nothing from a visitor's browser. Source: the Fetch standard, CORS protocol.
 */
import { HEADERS } from "../../sdk/contract/limits.ts";

const REQUEST_HEADERS = [
  "authorization",
  "content-type",
  "if-match",
  "if-none-match",
  "if-range",
  "range",
  HEADERS.apiKey,
  HEADERS.session,
  HEADERS.idempotencyKey,
  HEADERS.requestId,
  HEADERS.lastEventId,
].join(", ");

const REPLY_HEADERS = [
  "accept-ranges",
  "content-range",
  "etag",
  "retry-after",
  "server-timing",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  HEADERS.requestId,
  HEADERS.contentSha,
  HEADERS.commitSha,
  HEADERS.idempotentReplay,
].join(", ");

/** Browsers cap this at 2 hours (Chromium) or a day (Firefox). */
const PREFLIGHT_MAX_AGE_SEC = 86_400;

/** The answer to a browser that asks before it sends; nothing about any repository is looked at. */
export function answerPreflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      "access-control-allow-headers": REQUEST_HEADERS,
      "access-control-max-age": String(PREFLIGHT_MAX_AGE_SEC),
    },
  });
}

export function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

/** Lets a page of another origin read the reply. Programs that are not browsers send no Origin and see no change. */
export function allowOrigin(request: Request, headers: Headers): void {
  if (!request.headers.has("origin")) return;
  headers.set("access-control-allow-origin", "*");
  headers.set("access-control-expose-headers", REPLY_HEADERS);
}
