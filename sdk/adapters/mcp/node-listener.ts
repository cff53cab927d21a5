/** What is used of node's IncomingMessage. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What is used of node's ServerResponse. */
export interface NodeResponse {
  writeHead(status: number, headers: Readonly<Record<string, string>>): unknown;
  end(body?: Uint8Array): unknown;
  on(event: "close", listener: () => void): unknown;
}

/** Method, headers and body of a request as the web's own, the body read as it is asked for. */
function toRequest(incoming: NodeRequest, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const item of typeof value === "string" ? [value] : (value ?? [])) headers.append(name, item);
  }
  const { method = "GET", url = "/" } = incoming;
  const target = new URL(url, `http://${headers.get("host") ?? "localhost"}`);
  if (method === "GET" || method === "HEAD") return new Request(target, { method, headers, signal });
  const chunks = incoming[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return?.();
    },
  });
  // Node wants `duplex` for a body that is a stream; the web's types do not have it yet.
  return new Request(target, { method, headers, body, signal, duplex: "half" } as RequestInit);
}

/**
 * A request handler of the web's kind as a listener for node's `http.createServer`.
 *
 * @param handle such as `createMcpHandler` gives; when it rejects, the answer is 500 and `onError` is told.
 */
export function createNodeListener(
  handle: (request: Request) => Promise<Response>,
  onError: (error: unknown) => void = console.error,
): (incoming: NodeRequest, outgoing: NodeResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const aborter = new AbortController();
    outgoing.on("close", () => aborter.abort());
    try {
      const response = await handle(toRequest(incoming, aborter.signal));
      const body = new Uint8Array(await response.arrayBuffer());
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(body);
    } catch (error) {
      onError(error);
      outgoing.writeHead(500, { "content-type": "text/plain" });
      outgoing.end(new TextEncoder().encode("Internal error\n"));
    }
  };
}
