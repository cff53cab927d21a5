import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RemoteReply } from "../ports/git-remote.ts";
import { createHttpRemotes, type HttpRemoteOptions } from "./http-remote.ts";

type Answer = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

interface Host {
  readonly url: string;
  readonly seen: {
    readonly line: string;
    readonly headers: IncomingMessage["headers"];
    readonly body: Buffer;
  }[];
  answer: Answer;
  close(): void;
}

let host: Host;
let other: Host;

beforeAll(async () => {
  host = await listen();
  other = await listen();
});
beforeEach(() => {
  host.seen.length = 0;
  other.seen.length = 0;
});
afterAll(() => {
  host.close();
  other.close();
});

async function listen(): Promise<Host> {
  const server = createServer(async (incoming, outgoing) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    made.seen.push({
      line: `${incoming.method} ${incoming.url}`,
      headers: incoming.headers,
      body: Buffer.concat(parts),
    });
    made.answer(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const made: Host = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on TCP
    seen: [],
    answer: (_, outgoing) => outgoing.writeHead(500).end(),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return made;
}

const open = (options: Partial<HttpRemoteOptions> = {}, url = `${host.url}/o/r.git`) =>
  createHttpRemotes({ fetch, findAddressFault: () => null, ...options })({
    url,
    authorization: "Basic c2VjcmV0",
  });
const give =
  (
    body: string | Buffer,
    type = "application/x-git-upload-pack-advertisement",
    headers: Record<string, string> = {},
  ): Answer =>
  (_, outgoing) =>
    outgoing.writeHead(200, { "content-type": type, ...headers }).end(body);

async function readAll(reply: RemoteReply): Promise<string> {
  if (reply.kind === "failed") throw new Error(reply.message);
  const parts: Uint8Array[] = [];
  for await (const part of reply.body) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe("a remote over HTTP", () => {
  it("is asked as git asks, with the credential", async () => {
    host.answer = give("refs");
    expect(await readAll(await open().discover("git-upload-pack"))).toBe("refs");
    expect(host.seen[0]?.line).toBe("GET /o/r.git/info/refs?service=git-upload-pack");
    expect(host.seen[0]?.headers).toMatchObject({
      "git-protocol": "version=2",
      authorization: "Basic c2VjcmV0",
    });
    expect(host.seen[0]?.headers["user-agent"]).toMatch(/^git\//);
  });

  it("is sent a large request of a fetch compressed, and a push as it is", async () => {
    host.answer = (incoming, outgoing) => {
      const service = String(incoming.url).split("/").at(-1);
      outgoing.writeHead(200, { "content-type": `application/x-${service}-result` }).end("ok");
    };
    const body = Buffer.alloc(5_000, "x");
    expect(await readAll(await open().post("git-upload-pack", body, 2))).toBe("ok");
    expect(await readAll(await open().post("git-receive-pack", body, 0))).toBe("ok");
    async function* parts() {
      yield body;
      yield body;
    }
    expect(await readAll(await open().post("git-receive-pack", parts(), 0))).toBe("ok");
    expect(host.seen.map(({ headers }) => headers["content-encoding"])).toEqual([
      "gzip",
      undefined,
      undefined,
    ]);
    expect(host.seen.map(({ body: sent }) => sent.length)).toEqual([gzipSync(body).length, 5_000, 10_000]);
    expect(host.seen.map(({ headers }) => headers["git-protocol"])).toEqual([
      "version=2",
      undefined,
      undefined,
    ]);
  });

  it.each([
    [401, {}, "unauthorized"],
    [403, {}, "forbidden"],
    [403, { "retry-after": "30" }, "busy"],
    [404, {}, "not-found"],
    [429, { "retry-after": "7" }, "busy"],
    [500, {}, "status"],
    [503, {}, "busy"],
  ] as const)("that answers %i %o is told apart as %s", async (status, headers, fault) => {
    host.answer = (_, outgoing) => outgoing.writeHead(status, headers).end("no");
    const reply = await open().discover("git-upload-pack");
    const wait = "retry-after" in headers ? Number(headers["retry-after"]) : null;
    expect(reply).toEqual({
      kind: "failed",
      fault,
      message: `the remote answered ${status}`,
      retryAfterSec: wait,
    });
  });

  it("that is no git server is not read", async () => {
    host.answer = give("<html>", "text/html");
    expect(await open().discover("git-upload-pack")).toMatchObject({ kind: "failed", fault: "not-git" });
  });

  it("that cannot be reached says so without the credential", async () => {
    const reply = await open({}, "http://127.0.0.1:1/r.git").discover("git-upload-pack");
    expect(reply).toMatchObject({ kind: "failed", fault: "unreachable" });
    expect(JSON.stringify(reply)).not.toContain("c2VjcmV0");
  });
});

describe("a redirect", () => {
  const redirect =
    (location: string, status = 301): Answer =>
    (_, outgoing) =>
      outgoing.writeHead(status, { location }).end();

  it("of the first request is followed, and later requests go there too", async () => {
    host.answer = (incoming, outgoing) =>
      incoming.url?.startsWith("/o/r.git")
        ? redirect("/moved/r.git/info/refs?service=git-upload-pack")(incoming, outgoing)
        : give("refs", incoming.method === "GET" ? undefined : "application/x-git-upload-pack-result")(
            incoming,
            outgoing,
          );
    const remote = open();
    expect(await readAll(await remote.discover("git-upload-pack"))).toBe("refs");
    expect(await readAll(await remote.post("git-upload-pack", Buffer.from("x"), 2))).toBe("refs");
    expect(host.seen.map(({ line }) => line).slice(1)).toEqual([
      "GET /moved/r.git/info/refs?service=git-upload-pack",
      "POST /moved/r.git/git-upload-pack",
    ]);
    expect(host.seen[2]?.headers.authorization).toBe("Basic c2VjcmV0");
  });

  it("to another host does not take the credential along", async () => {
    host.answer = redirect(`${other.url}/r.git/info/refs?service=git-upload-pack`);
    other.answer = give("refs");
    expect(await readAll(await open().discover("git-upload-pack"))).toBe("refs");
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
  });

  it("to an address that may not be called is not followed", async () => {
    host.answer = redirect(`${other.url}/r.git/info/refs?service=git-upload-pack`);
    const findAddressFault = (url: URL) =>
      url.href.startsWith(other.url) ? "is not a public address" : null;
    const reply = await open({ findAddressFault }).discover("git-upload-pack");
    expect(reply).toMatchObject({ kind: "failed", fault: "refused-address" });
    expect(other.seen).toHaveLength(0);
  });

  it.each([
    ["to something else", "http://example.org/login"],
    ["with credentials", "http://u:p@example.org/r.git/info/refs?service=git-upload-pack"],
    ["to no URL", "http://"],
    ["to a file", "file:///etc/passwd"],
  ])("%s is not followed", async (_, location) => {
    host.answer = redirect(location);
    expect(await open().discover("git-upload-pack")).toMatchObject({
      kind: "failed",
      fault: "refused-address",
    });
  });

  it("in a circle ends", async () => {
    host.answer = redirect("/o/r.git/info/refs?service=git-upload-pack", 302);
    expect(await open().discover("git-upload-pack")).toMatchObject({ fault: "refused-address" });
    expect(host.seen).toHaveLength(6);
  });

  it("of a request that carries data is not followed", async () => {
    host.answer = redirect(`${other.url}/r.git/git-receive-pack`, 307);
    const reply = await open().post("git-receive-pack", Buffer.from("pack"), 0);
    expect(reply).toMatchObject({ kind: "failed", fault: "refused-address" });
    expect(other.seen).toHaveLength(0);
  });
});

describe("a reply that does not come to an end", () => {
  it("is given up after a silence", async () => {
    host.answer = () => undefined;
    const reply = await open({ idleMs: 50 }).discover("git-upload-pack");
    expect(reply).toMatchObject({
      kind: "failed",
      fault: "timeout",
      message: "the remote was silent for 0.05 s",
    });
  });

  it("is given up when it stalls or takes too long", async () => {
    host.answer = (_, outgoing) => {
      outgoing.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
      outgoing.write("a");
    };
    const stalled = await open({ idleMs: 50 }).discover("git-upload-pack");
    await expect(readAll(stalled)).rejects.toMatchObject({ code: "interrupted" });
    host.answer = (_, outgoing) => {
      outgoing.writeHead(200, { "content-type": "application/x-git-upload-pack-advertisement" });
      const timer = setInterval(() => outgoing.write("a"), 10);
      outgoing.on("close", () => clearInterval(timer));
    };
    const slow = await open({ idleMs: 5_000, totalMs: 100 }).discover("git-upload-pack");
    await expect(readAll(slow)).rejects.toThrow("longer than 0.1 s");
  });

  it("is cut off at a limit, after decompression", async () => {
    const bomb = gzipSync(Buffer.alloc(20_000_000));
    host.answer = give(bomb, undefined, { "content-encoding": "gzip" });
    const reply = await open({ maxReplyBytes: 1_000_000 }).discover("git-upload-pack");
    await expect(readAll(reply)).rejects.toMatchObject({ code: "limit-exceeded" });
  });

  it("that breaks off is an interruption, not an end", async () => {
    host.answer = (_, outgoing) => {
      outgoing.writeHead(200, {
        "content-type": "application/x-git-upload-pack-advertisement",
        "content-length": "100",
      });
      outgoing.write("abc", () => outgoing.destroy());
    };
    await expect(readAll(await open().discover("git-upload-pack"))).rejects.toMatchObject({
      code: "interrupted",
    });
  });
});
