import { HEADERS } from "../../sdk/contract/limits.ts";
import { errorReply, type Log } from "./error-reply.ts";
import { createTiming, type Timing } from "./timing.ts";

/** What belongs to one request before anybody knows what it asks for. */
export interface RequestScope {
  readonly requestId: string;
  readonly timing: Timing;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Origin under which the client reached us, without a trailing slash. */
  readonly publicUrl: string;
}

export interface FrameDeps {
  readonly now: () => number;
  /** Milliseconds from any start, for Server-Timing. */
  readonly clockMs: () => number;
  readonly log: Log;
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{8,128}$/;

const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["strict-transport-security", "max-age=31536000; includeSubDomains"],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["referrer-policy", "no-referrer"],
];

/** Runs one request: gives it an id and a stop watch, turns what it throws into a reply, and finishes the headers. */
export async function frameRequest(
  deps: FrameDeps,
  request: Request,
  respond: (scope: RequestScope) => Promise<Response>,
): Promise<Response> {
  const scope: RequestScope = {
    requestId: chooseRequestId(request.headers.get(HEADERS.requestId)),
    timing: createTiming(deps.clockMs),
    now: deps.now,
    publicUrl: originOf(request.url),
  };
  let response: Response;
  try {
    response = await respond(scope);
  } catch (error) {
    response = errorReply(error, scope.requestId, deps.log);
  }
  if (request.method === "HEAD" && response.body) response = await dropBody(response);
  finishHeaders(response.headers, scope);
  return response;
}

/** The reply to HEAD: a JSON body is measured, any other is let go unread (its handler knows the length). */
async function dropBody(response: Response): Promise<Response> {
  const { status, headers } = response;
  if (headers.has("content-length") || !headers.get("content-type")?.startsWith("application/json")) {
    await response.body?.cancel();
  } else {
    headers.set("content-length", String((await response.arrayBuffer()).byteLength));
  }
  return new Response(null, { status, headers });
}

function chooseRequestId(offered: string | null): string {
  return offered !== null && REQUEST_ID.test(offered) ? offered : crypto.randomUUID();
}

function originOf(url: string): string {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  return path < 0 ? url : url.slice(0, path);
}

function finishHeaders(headers: Headers, scope: RequestScope): void {
  headers.set(HEADERS.requestId, scope.requestId);
  headers.set("server-timing", scope.timing.format());
  for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
  // What one caller may read must never come to another out of a shared cache, whatever a handler asked for.
  const caching = headers.get("cache-control");
  if (caching === null) headers.set("cache-control", "private, no-cache");
  else if (caching.includes("public")) headers.set("cache-control", caching.replace("public", "private"));
}
