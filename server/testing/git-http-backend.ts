/** The real git's own server (`git http-backend`, a CGI program) on a loopback socket: another host for imports and exports. */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createGunzip } from "node:zlib";

export interface GitHost {
  /** `http://127.0.0.1:port`, without a slash at the end; a folder `x.git` below the root is at `/x.git`. */
  readonly url: string;
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** Requests so far. */
  readonly requests: readonly HostRequest[];
  /** What answers instead of git, when it gives true. */
  intercept: ((incoming: IncomingMessage, outgoing: ServerResponse) => boolean) | null;
  close(): Promise<void>;
}

export interface HostRequest {
  readonly line: string;
  readonly authorization: string | null;
  /** As it came: before it is inflated. */
  bytes: number;
}

export interface GitHostOptions {
  /** `user:password` that every request must have; default: anybody may do anything. */
  readonly credential?: string;
  /** Protocol versions that it speaks; default 2. */
  readonly protocol?: 0 | 2;
}

/** Serves the bare repositories below `root`. */
export async function serveGitHost(root: string, options: GitHostOptions = {}): Promise<GitHost> {
  const requests: HostRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const entry: HostRequest = {
      line: `${incoming.method} ${incoming.url}`,
      authorization: incoming.headers.authorization ?? null,
      bytes: 0,
    };
    requests.push(entry);
    incoming.on("data", (chunk: Buffer) => {
      entry.bytes += chunk.length;
    });
    if (host.intercept?.(incoming, outgoing)) return;
    const wanted = options.credential;
    if (wanted !== undefined && entry.authorization !== `Basic ${Buffer.from(wanted).toString("base64")}`) {
      outgoing.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    runBackend(root, { incoming, outgoing }, options.protocol ?? 2);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const host: GitHost = {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    requests,
    intercept: null,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
  return host;
}

function runBackend(
  root: string,
  { incoming, outgoing }: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
  protocol: 0 | 2,
): void {
  const url = new URL(incoming.url ?? "/", "http://host");
  const gzipped = incoming.headers["content-encoding"] === "gzip";
  const version = String(incoming.headers["git-protocol"] ?? "");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env.PATH ?? "",
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      REMOTE_USER: "tester",
      REQUEST_METHOD: incoming.method ?? "GET",
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: String(incoming.headers["content-type"] ?? ""),
      ...(protocol === 2 && version !== "" ? { GIT_PROTOCOL: version } : {}),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // Inflated here, so the length is not known: the program then reads to the end.
  const body = gzipped ? incoming.pipe(createGunzip()) : incoming;
  body.pipe(child.stdin);
  child.stdin.on("error", () => child.stdin.destroy());
  outgoing.on("close", () => child.kill());
  relayReply(child.stdout, outgoing);
}

/** CGI: headers, an empty line, the body. Source: RFC 3875, section 6. */
function relayReply(stdout: NodeJS.ReadableStream, outgoing: ServerResponse): void {
  let head: Buffer | null = Buffer.alloc(0);
  stdout.on("data", (chunk: Buffer) => {
    if (head === null) {
      outgoing.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const lines = head.subarray(0, end).toString("latin1").split("\r\n");
    const headers = lines.map(
      (line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const,
    );
    const status = headers.find(([name]) => name.toLowerCase() === "status")?.[1];
    for (const [name, value] of headers) if (name.toLowerCase() !== "status") outgoing.setHeader(name, value);
    outgoing.writeHead(status === undefined ? 200 : Number(status.slice(0, 3)));
    outgoing.write(head.subarray(end + 4));
    head = null;
  });
  stdout.on("end", () => outgoing.end());
}
