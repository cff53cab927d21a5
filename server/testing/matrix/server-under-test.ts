/** The little that the matrix needs of a server, wherever it runs. */

/** A server and its operator's key; everything else the matrix makes itself, over HTTP. */
export interface ServerUnderTest {
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
  readonly adminKey: string;
  /** Lets the token with this id, which lives an hour, run out, and none that lives longer. */
  readonly expireToken: (id: string) => Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Everything that a caller sees, but for what differs from one request to the next. */
  readonly shown: string;
}

export interface Call {
  readonly method: string;
  /** Below /v1. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Sends a call and reads its reply; of a stream of events only the head. */
export async function send(server: ServerUnderTest, call: Call): Promise<Answer> {
  const { method, path, headers = {}, body } = call;
  const isStream = body instanceof ReadableStream;
  const response = await server.request(`/v1${path}`, {
    method,
    headers: {
      // One for all: what is left of the headers says something of the answer.
      "x-request-id": "matrix-request",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isStream ? body : JSON.stringify(body) }),
    ...(isStream && { duplex: "half" }),
  });
  const isFeed = response.headers.get("content-type")?.startsWith("text/event-stream");
  if (isFeed) await response.body?.cancel();
  const text = isFeed ? "" : await response.text();
  const lines = [...response.headers]
    .map(([name, value]) => `${name}: ${name === "server-timing" ? value.replace(/[\d.]+/g, "0") : value}`)
    .sort();
  return { status: response.status, text, shown: [response.status, ...lines, text].join("\n") };
}

/** As {@link send}, for what has to work. @returns the body as JSON */
// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
export async function must(server: ServerUnderTest, call: Call): Promise<any> {
  const { status, text } = await send(server, call);
  if (status >= 300) throw new Error(`${call.method} ${call.path} was answered ${status}: ${text}`);
  return JSON.parse(text);
}
