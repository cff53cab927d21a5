import { LIMITS } from "../../sdk/contract/limits.ts";
import { findUtf8 } from "../git/bytes/text.ts";
import { invalidField, RequestError } from "./request-error.ts";

/** `fetch` says text/plain of a string unless it is told otherwise; many a client that sends JSON says nothing else. */
const UNSAID_TYPE = /^text\/plain\s*(?:;|$)/i;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
/** One read of a body of unknown length. Smaller reads cost 4 CPU s per 500 MB in workerd, these 0.1. */
const READ_BYTES = 256 * 1024;

/**
 * The JSON value of a request's body.
 * @throws RequestError PAYLOAD_TOO_LARGE over `maxBytes`; VALIDATION_ERROR when it is not JSON in UTF-8
 */
export async function readJson(
  request: Request,
  maxBytes: number = LIMITS.requestBodyBytes,
): Promise<unknown> {
  const type = request.headers.get("content-type");
  if (type !== null && !JSON_TYPE.test(type) && !UNSAID_TYPE.test(type)) {
    throw invalidField("content-type", "send JSON with content-type: application/json");
  }
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw invalidField("content-encoding", "compressed JSON is not accepted");
  }
  const text = findUtf8(await readBody(request, maxBytes));
  if (text === null) throw invalidField("body", "not valid UTF-8");
  return parseJson(text);
}

function parseJson(text: string): unknown {
  if (text === "") throw invalidField("body", "a JSON object is required");
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw invalidField("body", `not valid JSON: ${cause.message.slice(0, 200)}`);
  }
}

/** The whole body, counted while it arrives. @throws RequestError PAYLOAD_TOO_LARGE */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (!request.body) return new Uint8Array(0);
  const expected = Number.isSafeInteger(declared) && declared >= 0 ? declared : READ_BYTES;
  // Filled in place: 100 MB in parts would be joined to another 100 MB.
  let whole = new Uint8Array(expected);
  let total = 0;
  for await (const part of readChunks(request.body, expected)) {
    if (total + part.length > maxBytes) throw tooLarge(maxBytes);
    if (total + part.length > whole.length) whole = growBytes(whole, total + part.length);
    whole.set(part, total);
    total += part.length;
  }
  return whole.subarray(0, total);
}

function growBytes(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const grown = new Uint8Array(Math.max(needed, 2 * bytes.length));
  grown.set(bytes);
  return grown;
}

async function* readChunks(body: ReadableStream, expected: number): AsyncGenerator<Uint8Array> {
  const reader = openByob(body);
  if (!reader) {
    for await (const chunk of body) yield chunk;
    return;
  }
  const step = Math.min(Math.max(expected, 1), READ_BYTES);
  try {
    for (;;) {
      const { value, done } = await reader.readAtLeast(step, new Uint8Array(step));
      if (value && value.length > 0) yield value;
      if (done || !value || value.length < step) return;
    }
  } finally {
    await reader.cancel();
  }
}

function openByob(body: ReadableStream): ReadableStreamBYOBReader | null {
  // workerd's own method; in other runtimes the app only runs in tests.
  const Reader: unknown = Reflect.get(globalThis, "ReadableStreamBYOBReader");
  if (typeof Reader !== "function" || !Reflect.has(Reader.prototype, "readAtLeast")) return null;
  try {
    return body.getReader({ mode: "byob" });
  } catch (error) {
    // A body made of JavaScript values instead of one that came over the network.
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError("PAYLOAD_TOO_LARGE", `The request body may hold at most ${maxBytes} bytes`, {
    limit: maxBytes,
  });
}
