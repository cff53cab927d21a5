import { encodeUtf8 } from "../git/bytes/text.ts";

export interface ReplyInit {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON reply. Handlers that need no headers return the plain value instead. */
export function json(value: unknown, init: ReplyInit = {}): Response {
  const body = encodeUtf8(JSON.stringify(value));
  return new Response(body, {
    status: init.status ?? 200,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "content-length": String(body.length),
      ...init.headers,
    },
  });
}

/** 304, with the validators that a 200 would have carried. */
export function notModified(headers: Readonly<Record<string, string>>): Response {
  return new Response(null, { status: 304, headers });
}

/** Bytes as they are. The caller sets content-type, and content-length when `body` is a stream. */
export function bytes(body: Uint8Array | ReadableStream | null, init: ReplyInit = {}): Response {
  const length = body instanceof Uint8Array ? { "content-length": String(body.length) } : {};
  return new Response(body, { status: init.status ?? 200, headers: { ...length, ...init.headers } });
}
