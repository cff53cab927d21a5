/** The smart-HTTP side of the proxy: one repository of the server, with the API key of whoever is connected. */
import { encodePkt, formatPktText } from "../../git/protocol/pkt-line.ts";
import { createPktReader } from "../../git/protocol/pkt-reader.ts";

export interface GitUpstream {
  /** `…/<slug>.git` */
  readonly url: string;
  /** Header `Authorization` for it. */
  readonly authorization: string;
  /** What `GIT_PROTOCOL` was set to; null: nothing, which means version 0. */
  readonly protocol: string | null;
}

export type GitService = "git-upload-pack" | "git-receive-pack";

/** The server said no; `message` is for the user. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
}

const MAX_MESSAGE_BYTES = 4_096;

/** What the server has, without the line that only HTTP puts before it. @throws UpstreamError */
export async function* readAdvertisement(
  upstream: GitUpstream,
  service: GitService,
): AsyncGenerator<Uint8Array> {
  const response = await send(upstream, `/info/refs?service=${service}`, {});
  const reader = createPktReader(bodyOf(response));
  const first = await reader.read();
  const begins = first?.kind === "data" ? formatPktText(first.payload) : "";
  // Version 2 has no such line over HTTP either.
  if (begins.startsWith("# service=")) await reader.read();
  else if (first?.kind === "data") yield encodePkt(first.payload);
  yield* reader.rest();
}

/** One exchange; the body may be as long as it likes. @throws UpstreamError */
export async function* exchange(
  upstream: GitUpstream,
  service: GitService,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const response = await send(upstream, `/${service}`, {
    method: "POST",
    headers: {
      "content-type": `application/x-${service}-request`,
      accept: `application/x-${service}-result`,
    },
    // Both are what fetch takes as a body; the types of the platform's own fetch know neither as such.
    body: body as BodyInit,
    ...(body instanceof Uint8Array ? {} : { duplex: "half" }),
  });
  yield* bodyOf(response);
}

async function send(upstream: GitUpstream, path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", upstream.authorization);
  if (upstream.protocol !== null) headers.set("git-protocol", upstream.protocol);
  let response: Response;
  try {
    response = await fetch(upstream.url + path, { ...init, headers, redirect: "error" });
  } catch (cause) {
    throw new UpstreamError("the server cannot be reached", { cause });
  }
  if (response.ok) return response;
  throw new UpstreamError(await readMessage(response));
}

async function readMessage(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of bodyOf(response)) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_MESSAGE_BYTES) break;
  }
  const [line = ""] = text.split("\n");
  return line === "" ? `the server answered ${response.status}` : line.slice(0, 500);
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body) yield* response.body;
}
