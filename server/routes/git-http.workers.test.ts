/** What differs in workerd: byte reads of the body, its gunzip, its identity streams. */
import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { concatBytes } from "../git/bytes/bytes.ts";
import { encodeUtf8 } from "../git/bytes/text.ts";
import type { Oid } from "../git/hash/oid.ts";
import { hashObject, sha1 } from "../git/hash/sha1.ts";
import { decodePkts, encodePkt, encodePktMessage, FLUSH_PKT } from "../git/protocol/pkt-line.ts";
import { createMemoryRepo, type MemoryRepo } from "../testing/memory-repo.ts";
import { handleGitRequest } from "./git-http.ts";
import { parseGitPath } from "./git-path.ts";

const ZERO = "0".repeat(40);

async function call(repo: MemoryRepo, path: string, init: RequestInit = {}): Promise<Uint8Array> {
  const request = new Request(`http://h/acme/demo.git/${path}`, init);
  const route = parseGitPath(request);
  if (!route || "status" in route) throw new Error("not a git path");
  const onFailure = (error: unknown) => {
    throw error;
  };
  const response = await handleGitRequest(request, {
    route,
    repo: repo.open(),
    principal: null,
    now: Date.now,
    onFailure,
  });
  expect(response.status).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

function post(service: string, body: Uint8Array | ReadableStream, headers: Record<string, string> = {}) {
  return {
    method: "POST",
    body,
    headers: { "content-type": `application/x-${service}-request`, ...headers },
  };
}

/** A pack of one commit with an empty tree and a blob of `bytes` that do not compress. */
function makePush(bytes: number): { readonly body: Uint8Array; readonly tip: Oid } {
  const blob = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(blob.subarray(at, at + 65_536));
  const blobOid = hashObject("blob", blob);
  const tree = concatBytes([encodeUtf8("100644 a\0"), Buffer.from(blobOid, "hex")]);
  const who = "A <a@b.c> 1700000000 +0000";
  const commit = encodeUtf8(`tree ${hashObject("tree", tree)}\nauthor ${who}\ncommitter ${who}\n\nm\n`);
  const pack = [encodeUtf8("PACK\0\0\0\u0002\0\0\0\u0003")];
  for (const [type, data] of [
    [1, commit],
    [2, tree],
    [3, blob],
  ] as const) {
    const head = [(type << 4) | (data.length & 15)];
    for (let rest = data.length >> 4; rest > 0; rest >>= 7) {
      head[head.length - 1] = (head.at(-1) ?? 0) | 0x80;
      head.push(rest & 0x7f);
    }
    pack.push(Uint8Array.from(head), deflateSync(data, { level: 1 }));
  }
  const whole = concatBytes(pack);
  const tip = hashObject("commit", commit);
  const command = encodePkt(`${ZERO} ${tip} refs/heads/main\0report-status`);
  return { body: concatBytes([command, FLUSH_PKT, whole, sha1(whole)]), tip };
}

test("pushes, plain and gzip'd, small and large, then a clone", async () => {
  for (const bytes of [100, 20_000_000]) {
    for (const encoding of ["identity", "gzip"]) {
      const repo = createMemoryRepo();
      const { body, tip } = makePush(bytes);
      const sent = encoding === "gzip" ? new Uint8Array(gzipSync(body, { level: 1 })) : body;
      const reply = await call(
        repo,
        "git-receive-pack",
        post("git-receive-pack", sent, { "content-encoding": encoding }),
      );
      expect(Buffer.from(reply).toString()).toContain("ok refs/heads/main");
      const fetchBody = encodePktMessage([`want ${tip}\n`]);
      const done = concatBytes([fetchBody, encodePkt("done\n")]);
      const fetched = await call(repo, "git-upload-pack", post("git-upload-pack", done));
      expect(Buffer.from(fetched.subarray(0, 16)).toString("latin1")).toContain("NAK\nPACK");
      expect(fetched.length).toBeGreaterThan(bytes);
    }
  }
});

test("the advertisement", async () => {
  const repo = createMemoryRepo();
  const reply = await call(repo, "info/refs?service=git-upload-pack", {
    headers: { "git-protocol": "version=2" },
  });
  expect(decodePkts(reply).at(-1)?.kind).toBe("flush");
});
