/**
 * `git http-backend` behind HTTP, to compare with: `node --import tsx server/bench/http-backend.ts FOLDER` serves the
 * bare repositories of FOLDER on a free port of the loopback interface and prints the port. Only what git itself uses
 * counts as its CPU: `GET /usage` gives that of the children, not that of this process.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const root = process.argv[2] ?? ".";
const HEADER_END = "\r\n\r\n";
let running = 0;

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
  if (url.pathname === "/usage") {
    outgoing.end(JSON.stringify({ running, cpuSec: await readChildrenCpu() }));
    return;
  }
  const child = spawn("git", ["http-backend"], {
    env: describeRequest(incoming, url),
    stdio: ["pipe", "pipe", "inherit"],
  });
  running++;
  const closed = once(child, "close");
  incoming.pipe(child.stdin);
  child.stdin.on("error", () => incoming.resume()); // it has heard enough: its exit says whether that was right
  await relay(child.stdout, outgoing);
  await closed;
  running--;
  outgoing.end();
}

function describeRequest(incoming: IncomingMessage, url: URL): Record<string, string> {
  const header = (name: string) => String(incoming.headers[name] ?? "");
  return {
    PATH: process.env.PATH ?? "",
    HOME: root,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    REMOTE_USER: "bench",
    REMOTE_ADDR: "127.0.0.1",
    REQUEST_METHOD: incoming.method ?? "GET",
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: header("content-type"),
    CONTENT_LENGTH: header("content-length"),
    HTTP_CONTENT_ENCODING: header("content-encoding"),
    GIT_PROTOCOL: header("git-protocol"),
  };
}

/** CGI's header lines become those of the reply. */
async function relay(output: AsyncIterable<Buffer>, outgoing: ServerResponse): Promise<void> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of output) {
    if (head === null) {
      if (!outgoing.write(chunk)) await once(outgoing, "drain");
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(HEADER_END);
    if (end < 0) continue;
    const lines = head.subarray(0, end).toString().split("\r\n");
    const fields = lines.map((line) => line.split(/:\s*/, 2) as [string, string]);
    const status = Number.parseInt(fields.find(([name]) => name === "Status")?.[1] ?? "200", 10);
    outgoing.writeHead(status, Object.fromEntries(fields.filter(([name]) => name !== "Status")));
    outgoing.write(head.subarray(end + HEADER_END.length));
    head = null;
  }
}

/** User and system time of all children that have ended, and of theirs: fields 16 and 17 of /proc/self/stat. */
async function readChildrenCpu(): Promise<number> {
  const text = await readFile("/proc/self/stat", "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

const server = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch((error: Error) => outgoing.destroy(error));
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
