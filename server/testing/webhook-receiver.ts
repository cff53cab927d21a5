import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A request as it arrived. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  readonly json: any;
}

/** Answers a request of one path in its own way. */
export type Answer = (response: ServerResponse, received: Received) => void;

/** A real HTTP server on this machine, for deliveries to arrive at. Paths without an answer of their own say 204. */
export interface Receiver {
  readonly url: string;
  /** For OUTBOUND_HOSTS. */
  readonly host: string;
  readonly received: readonly Received[];
  answer(path: string, answer: Answer): void;
  /** Waits until `count` requests of a path have come that fit; gives them in the order in which they came. */
  waitFor(path: string, count?: number, fits?: (received: Received) => boolean): Promise<readonly Received[]>;
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers = new Map<string, Answer>();
  const server = createServer(async (request, response) => {
    const one = await readRequest(request);
    received.push(one);
    const answer = answers.get(one.path);
    if (answer) answer(response, one);
    else response.writeHead(204).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  // Listening on a TCP port, it has one.
  const { port } = server.address() as AddressInfo;
  const host = `127.0.0.1:${port}`;
  return {
    url: `http://${host}`,
    host,
    received,
    answer: (path, answer) => void answers.set(path, answer),
    async waitFor(path, count = 1, fits = () => true) {
      for (;;) {
        const found = received.filter((one) => one.path === path && fits(one));
        if (found.length >= count) return found;
        await delay(10);
      }
    },
    stop: () => stop(server),
  };
}

async function readRequest(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString("utf8");
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  return { path: request.url ?? "", headers, body, json: body === "" ? null : JSON.parse(body) };
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((done) => server.close(() => done()));
}
