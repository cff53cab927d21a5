/**
 * Smart HTTP as a client. As git does, a redirect is followed for the first GET only, and moves later requests along
 * (http.followRedirects=initial); unlike git, never to an address that may not be called, nor from https to http.
 * Source: gitprotocol-http(5); git's remote-curl.c for what a client sends.
 */
import { GitError } from "../git/errors.ts";
import { AGENT } from "../git/protocol/capabilities.ts";
import type { GitService } from "../git/protocol/ref-advertisement.ts";
import type { GitRemote, OpenRemote, RemoteAddress, RemoteFault, RemoteReply } from "../ports/git-remote.ts";

export interface HttpRemoteOptions {
  readonly fetch: typeof fetch;
  /** Why an address may not be called; null when it may. Asked before every request, redirects included. */
  readonly findAddressFault: (url: URL) => string | null;
  /** Longest silence, before the reply and within it. Default 60 s. */
  readonly idleMs?: number;
  /** Longest exchange. Default 12 minutes, so that it ends before what runs it is ended. */
  readonly totalMs?: number;
  /** Bytes of one reply. Default 5 GiB: more than any pack that is taken in. */
  readonly maxReplyBytes?: number;
}

const IDLE_MS = 60_000;
const TOTAL_MS = 12 * 60_000;
const MAX_REPLY_BYTES = 5 * 1024 * 1024 * 1024;
const MAX_REDIRECTS = 5;
/** Larger requests of a fetch are sent compressed, as git sends them. */
const GZIP_BYTES = 1_024;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

const FAULT_OF_STATUS: Readonly<Record<number, RemoteFault>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  410: "not-found",
  429: "busy",
  503: "busy",
};

/** Opens remotes that share options. */
export function createHttpRemotes(options: HttpRemoteOptions): OpenRemote {
  return (address) => new HttpRemote(options, address);
}

class HttpRemote implements GitRemote {
  readonly url: string;
  readonly #options: HttpRemoteOptions;
  #base: URL;
  #authorization: string | null;

  constructor(options: HttpRemoteOptions, { url, authorization }: RemoteAddress) {
    this.url = url;
    this.#options = options;
    this.#base = new URL(url);
    this.#authorization = authorization;
  }

  async discover(service: GitService): Promise<RemoteReply> {
    const suffix = `/info/refs?service=${service}`;
    let url = joinPath(this.#base, suffix);
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const reply = await this.#send(url, {
        method: "GET",
        // Version 2 has no push; git asks for 0 then.
        headers: service === "git-upload-pack" ? { "git-protocol": "version=2" } : {},
      });
      if (reply.kind === "failed") return reply;
      if (reply.location === null) return acceptReply(reply, `application/x-${service}-advertisement`);
      await reply.response.body?.cancel();
      const target = resolveRedirect(url, reply.location, suffix);
      if (typeof target === "string") return failed("refused-address", target);
      // To another origin the credential does not go along.
      if (target.origin !== url.origin) this.#authorization = null;
      this.#base = new URL(target.href.slice(0, -suffix.length));
      url = target;
    }
    return failed("refused-address", `redirected more than ${MAX_REDIRECTS} times`);
  }

  async post(
    service: GitService,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    version: 0 | 2,
  ): Promise<RemoteReply> {
    const packed = body instanceof Uint8Array && service === "git-upload-pack" && body.length > GZIP_BYTES;
    const reply = await this.#send(joinPath(this.#base, `/${service}`), {
      method: "POST",
      headers: {
        "content-type": `application/x-${service}-request`,
        accept: `application/x-${service}-result`,
        ...(service === "git-upload-pack" && version === 2 ? { "git-protocol": "version=2" } : {}),
        ...(packed ? { "content-encoding": "gzip" } : {}),
      },
      body: body instanceof Uint8Array ? (packed ? await gzip(body) : body) : toStream(body),
    });
    if (reply.kind === "failed") return reply;
    if (reply.location !== null) {
      await reply.response.body?.cancel();
      return failed("refused-address", "redirected a request that carries data");
    }
    return acceptReply(reply, `application/x-${service}-result`);
  }

  async #send(
    url: URL,
    init: {
      readonly method: string;
      readonly headers: Record<string, string>;
      readonly body?: BodyInit | Uint8Array;
    },
  ): Promise<Sent> {
    const fault = this.#options.findAddressFault(url);
    if (fault !== null) return failed("refused-address", `${url.host} ${fault}`);
    const watch = createWatchdog(this.#options);
    const headers = {
      "user-agent": `git/2 (${AGENT})`,
      ...init.headers,
      ...(this.#authorization === null ? {} : { authorization: this.#authorization }),
    };
    try {
      const response = await this.#options.fetch(url.href, {
        method: init.method,
        headers,
        redirect: "manual",
        signal: watch.signal,
        // A Uint8Array is a body; the types of the platforms disagree about the buffer under it.
        ...(init.body === undefined ? {} : ({ body: init.body, duplex: "half" } as RequestInit)),
      });
      return await judgeResponse(response, watch, this.#options);
    } catch (error) {
      watch.stop();
      if (error instanceof GitError) throw error;
      if (watch.signal.aborted) return failed("timeout", watch.reason());
      return failed("unreachable", `could not reach ${url.host}: ${describe(error)}`);
    }
  }
}

type Sent =
  | {
      readonly kind: "sent";
      readonly response: Response;
      readonly body: AsyncIterable<Uint8Array>;
      readonly location: string | null;
    }
  | Extract<RemoteReply, { kind: "failed" }>;

async function judgeResponse(response: Response, watch: Watchdog, options: HttpRemoteOptions): Promise<Sent> {
  const { status } = response;
  if (REDIRECTS.has(status)) {
    watch.stop();
    return { kind: "sent", response, body: empty(), location: response.headers.get("location") ?? "" };
  }
  if (status === 200)
    return { kind: "sent", response, body: readBody(response, watch, options), location: null };
  watch.stop();
  await response.body?.cancel();
  const wait = Number(response.headers.get("retry-after"));
  const retryAfterSec = Number.isFinite(wait) && wait > 0 ? Math.min(wait, 86_400) : null;
  // A host that limits how often it is asked says so with 403 as well.
  const fault = status === 403 && retryAfterSec !== null ? "busy" : (FAULT_OF_STATUS[status] ?? "status");
  return { kind: "failed", fault, message: `the remote answered ${status}`, retryAfterSec };
}

function acceptReply(sent: Extract<Sent, { kind: "sent" }>, type: string): RemoteReply {
  const actual = sent.response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (actual === type) return { kind: "reply", body: sent.body };
  void sent.response.body?.cancel().catch(() => undefined); // it is thrown away in any case
  return failed(
    "not-git",
    "there is no git repository at this address, or only one for clients of the dumb protocol",
  );
}

function failed(fault: RemoteFault, message: string): Extract<RemoteReply, { kind: "failed" }> {
  return { kind: "failed", fault, message, retryAfterSec: null };
}

function joinPath(base: URL, suffix: string): URL {
  return new URL(`${base.origin}${base.pathname.replace(/\/+$/, "")}${suffix}`);
}

/** Where a redirect leads, or why it is not followed. */
function resolveRedirect(from: URL, location: string, suffix: string): URL | string {
  if (!URL.canParse(location, from.href)) return "redirected to what is no URL";
  const target = new URL(location, from);
  if (from.protocol === "https:" && target.protocol !== "https:") return "redirected from https to http";
  if (target.username !== "" || target.password !== "") return "redirected to a URL with credentials";
  return target.href.endsWith(suffix) ? target : "redirected to what is not the same repository elsewhere";
}

interface Watchdog {
  readonly signal: AbortSignal;
  /** Something came. */
  touch(): void;
  stop(): void;
  reason(): string;
}

function createWatchdog({ idleMs = IDLE_MS, totalMs = TOTAL_MS }: HttpRemoteOptions): Watchdog {
  const controller = new AbortController();
  let reason = "";
  const end = (text: string) => () => {
    reason = text;
    controller.abort();
  };
  const onIdle = end(`the remote was silent for ${idleMs / 1_000} s`);
  const total = setTimeout(end(`the exchange took longer than ${totalMs / 1_000} s`), totalMs);
  let idle = setTimeout(onIdle, idleMs);
  return {
    signal: controller.signal,
    touch() {
      clearTimeout(idle);
      idle = setTimeout(onIdle, idleMs);
    },
    stop() {
      clearTimeout(idle);
      clearTimeout(total);
    },
    reason: () => reason,
  };
}

/** The body, counted after decompression, ended when it stalls. */
async function* readBody(
  response: Response,
  watch: Watchdog,
  { maxReplyBytes = MAX_REPLY_BYTES }: HttpRemoteOptions,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  let bytes = 0;
  let ended = false;
  try {
    for (;;) {
      const next = await reader?.read();
      watch.touch();
      if (!next || next.done) {
        ended = true;
        return;
      }
      bytes += next.value.length;
      if (bytes > maxReplyBytes) {
        throw new GitError("limit-exceeded", `the remote's reply has more than ${maxReplyBytes} bytes`, {
          limit: maxReplyBytes,
        });
      }
      yield next.value;
    }
  } catch (error) {
    if (error instanceof GitError) throw error;
    const message = watch.signal.aborted
      ? watch.reason()
      : `the connection to the remote broke: ${describe(error)}`;
    throw new GitError("interrupted", message, {}, { cause: error });
  } finally {
    watch.stop();
    // Whoever stops reading early wants no more of it; the connection may be broken already.
    if (!ended) await reader?.cancel().catch(() => undefined);
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {
  // A redirect has nothing to say.
}

function toStream(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Response(bytes as BodyInit).body?.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream ?? null).arrayBuffer());
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message.slice(0, 200) : "unknown error";
}
