/** Request decoders of both generations: what a client may send, and what must be refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../bytes/bytes.ts";
import { type ByteString, encodeUtf8, toByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { parseOid } from "../hash/oid.ts";
import { parseCapabilities, parseProtocolVersion } from "./capabilities.ts";
import { encodeLsRefsEntries, parseLsRefsRequest } from "./ls-refs.ts";
import { parseObjectFilter } from "./object-filter.ts";
import { encodeObjectInfo, parseObjectInfoRequest } from "./object-info.ts";
import { DELIM_PKT, decodePkts, encodePkt, FLUSH_PKT } from "./pkt-line.ts";
import { createPktReader } from "./pkt-reader.ts";
import { encodePushReport } from "./receive-report.ts";
import { readReceiveRequest } from "./receive-request.ts";
import { createRefAdvertisementEncoder, encodeServicePreamble } from "./ref-advertisement.ts";
import { decodeV0UploadRequest as decodeV0Pkts } from "./v0-upload.ts";
import { parseV2FetchRequest } from "./v2-fetch.ts";
import { decodeV2Request as decodeV2Pkts, encodeV2Advertisement } from "./v2-request.ts";

const A = parseOid("a".repeat(40));
const B = parseOid("b".repeat(40));
const C = parseOid("c".repeat(40));
const Z = "0".repeat(40);

const decodeV0UploadRequest = (bytes: Uint8Array) => decodeV0Pkts(decodePkts(bytes));
const decodeV2Request = (bytes: Uint8Array) => decodeV2Pkts(decodePkts(bytes));
const args = (...lines: string[]) => lines.map(toByteString);
const message = (...parts: (string | Uint8Array)[]) =>
  concatBytes(parts.map((part) => (typeof part === "string" ? encodePkt(part) : part)));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8");
async function* once(bytes: Uint8Array) {
  yield bytes;
}
const readPush = (...parts: (string | Uint8Array)[]) =>
  readReceiveRequest(createPktReader(once(message(...parts))));

describe("capabilities", () => {
  test("names, values, repeats", () => {
    const found = parseCapabilities("a b=1 b=2=3  c=" as ByteString);
    expect([...found]).toEqual([
      ["a", [""]],
      ["b", ["1", "2=3"]],
      ["c", [""]],
    ]);
  });

  test("the highest protocol version that both know", () => {
    expect([null, "", "version=0", "version=1", "version=2", "version=3"].map(parseProtocolVersion)).toEqual([
      0, 0, 0, 1, 2, 0,
    ]);
    expect(parseProtocolVersion("version=1:foo=bar:version=2")).toBe(2);
  });
});

describe("advertisements", () => {
  test("v0: capabilities on the first line, peeled tags, the flush", () => {
    const encoder = createRefAdvertisementEncoder(["x", "y=z"], true);
    const refs = encoder.encodeRefs([
      { name: "HEAD", oid: A },
      { name: "refs/tags/é", oid: B, peeled: A },
    ]);
    expect(text(concatBytes([refs, encoder.finish()]))).toBe(
      `0038${A} HEAD\0x y=z\n003a${B} refs/tags/é\n003d${A} refs/tags/é^{}\n0000`,
    );
  });

  test("v0: a repository without refs still tells its capabilities", () => {
    expect(text(createRefAdvertisementEncoder(["x"], true).finish())).toBe(
      `003f${Z} capabilities^{}\0x\n0000`,
    );
  });

  test("receive-pack does not peel", () => {
    const encoder = createRefAdvertisementEncoder([], false);
    expect(text(encoder.encodeRefs([{ name: "refs/tags/t", oid: B, peeled: A }]))).not.toContain("^{}");
  });

  test("v1 says so after the service line", () => {
    expect(text(encodeServicePreamble("git-upload-pack", 1))).toBe(
      "001e# service=git-upload-pack\n0000000eversion 1\n",
    );
  });

  test("v2", () => {
    expect(text(encodeV2Advertisement())).toMatch(/^000eversion 2\n/);
  });
});

describe("v2 requests", () => {
  test("command, capabilities, arguments", () => {
    const bytes = message(
      "command=fetch\n",
      "agent=git/2",
      "object-format=sha1",
      DELIM_PKT,
      "done\n",
      FLUSH_PKT,
    );
    const request = decodeV2Request(bytes);
    expect(request?.command).toBe("fetch");
    expect(request?.args).toEqual(["done"]);
    expect(decodeV2Request(message("command=ls-refs\n", FLUSH_PKT))?.args).toEqual([]);
    expect(decodeV2Request(FLUSH_PKT)).toBeNull();
  });

  for (const [name, bytes] of [
    ["an empty body", message()],
    ["no end", message("command=fetch")],
    ["no command", message("agent=x", FLUSH_PKT)],
    ["two commands", message("command=fetch", "command=ls-refs", FLUSH_PKT)],
    ["an unknown command", message("command=constructor", FLUSH_PKT)],
    ["another hash", message("command=fetch", "object-format=sha256", FLUSH_PKT)],
    ["two delimiters", message("command=fetch", DELIM_PKT, DELIM_PKT, FLUSH_PKT)],
    ["a tail", message("command=fetch", FLUSH_PKT, FLUSH_PKT)],
  ] as const) {
    test(`refuses ${name}`, () => expect(() => decodeV2Request(bytes)).toThrow(GitError));
  }

  test("fetch arguments", () => {
    const request = parseV2FetchRequest(
      args(
        `want ${A}`,
        `want ${A}`,
        `have ${B}`,
        `shallow ${C}`,
        "deepen 3",
        "deepen-relative",
        "filter blob:none",
      ),
    );
    expect(request).toMatchObject({ wants: [A], haves: [B], shallow: [C], done: false, waitForDone: false });
    expect(request.deepen).toEqual({ kind: "depth", depth: 3, relative: true });
    expect(request.filter?.blobLimitBytes).toBe(0);
    expect(parseV2FetchRequest(args("deepen-since 12", "deepen-not refs/heads/é")).deepen).toEqual({
      kind: "cut",
      sinceSeconds: 12,
      notRefs: ["refs/heads/é"],
    });
  });

  for (const line of [
    "want",
    "want xyz",
    `want ${A}x`,
    `WANT ${A}`,
    "deepen 0",
    "deepen -1",
    "deepen 1e3",
    "deepen 99999999999999999999",
    "filter sparse:oid=x",
    "filter nothing",
    "constructor x",
    "toString",
    "",
  ]) {
    test(`fetch refuses '${line}'`, () => expect(() => parseV2FetchRequest(args(line))).toThrow(GitError));
  }

  test("depth and a cut exclude each other", () => {
    expect(() => parseV2FetchRequest(args("deepen 1", "deepen-since 5"))).toThrow(GitError);
  });

  test("ls-refs arguments and lines", () => {
    const request = parseLsRefsRequest(args("peel", "symrefs", "unborn", "ref-prefix refs/heads/é"));
    expect(request.prefixes).toEqual(["refs/heads/é"]);
    const lines = encodeLsRefsEntries(request, [
      { kind: "unborn", name: "HEAD", symrefTarget: "refs/heads/m" },
      { kind: "ref", name: "refs/tags/t", oid: A, peeled: B },
    ]);
    expect(text(lines)).toBe(
      `002bunborn HEAD symref-target:refs/heads/m\n0069${A} refs/tags/t peeled:${B}\n`,
    );
    expect(() => parseLsRefsRequest(args("peeled"))).toThrow(GitError);
  });

  test("object-info", () => {
    const request = parseObjectInfoRequest(args("size", `oid ${A}`, `oid ${B}`));
    expect(text(encodeObjectInfo(request, new Map([[A, 12]])))).toBe(`0008size002f${A} 12002d${B} 0000`);
    expect(() => parseObjectInfoRequest(args("oid x"))).toThrow(GitError);
  });
});

describe("filters", () => {
  for (const [spec, filter] of [
    ["blob:none", { blobLimitBytes: 0, treeDepth: null, type: null }],
    ["blob:limit=2k", { blobLimitBytes: 2048, treeDepth: null, type: null }],
    ["tree:0", { blobLimitBytes: null, treeDepth: 0, type: null }],
    ["object:type=commit", { blobLimitBytes: null, treeDepth: null, type: "commit" }],
    ["combine:blob:none+tree:3", { blobLimitBytes: 0, treeDepth: 3, type: null }],
    ["combine:blob%3Alimit=10+blob:limit=1m", { blobLimitBytes: 10, treeDepth: null, type: null }],
  ] as const) {
    test(spec, () => expect(parseObjectFilter(spec)).toEqual(filter));
  }
  for (const spec of [
    "",
    "blob:limit=",
    "blob:limit=-1",
    "tree:",
    "tree:x",
    "combine:%",
    "combine:combine:tree:0",
  ]) {
    test(`refuses '${spec}'`, () => expect(() => parseObjectFilter(spec)).toThrow(GitError));
  }
});

describe("v0 upload-pack requests", () => {
  test("wants, capabilities, haves", () => {
    const request = decodeV0UploadRequest(
      message(
        `want ${A} multi_ack_detailed side-band-64k thin-pack ofs-delta no-done agent=x\n`,
        `want ${B}\n`,
        `deepen 0\n`,
        FLUSH_PKT,
        `have ${C}\n`,
        "done\n",
      ),
    );
    expect(request).toMatchObject({
      wants: [A, B],
      haves: [C],
      done: true,
      multiAck: "detailed",
      noDone: true,
      sidebandBytes: 65_520,
      thinPack: true,
      deepen: null,
    });
  });

  test("nothing after the first flush counts", () => {
    const request = decodeV0UploadRequest(
      message(`want ${A}\n`, FLUSH_PKT, `have ${B}`, FLUSH_PKT, `have ${C}`),
    );
    expect(request).toMatchObject({ haves: [B], done: false, sidebandBytes: null, multiAck: "none" });
  });

  test("probes", () => {
    expect(decodeV0UploadRequest(message())).toBeNull();
    expect(decodeV0UploadRequest(FLUSH_PKT)).toBeNull();
  });

  for (const [name, bytes] of [
    ["no flush", message(`want ${A}`)],
    ["haves without an end", message(`want ${A}`, FLUSH_PKT, `have ${B}`)],
    ["a bad id", message("want abc", FLUSH_PKT)],
    ["a longer id", message(`want ${A}0`, `want ${B}0`, FLUSH_PKT)],
    ["a have among the wants", message(`want ${A}`, `have ${B}`, FLUSH_PKT)],
    ["a want among the haves", message(`want ${A}`, FLUSH_PKT, `want ${B}`, FLUSH_PKT)],
    ["a delimiter", message(`want ${A}`, DELIM_PKT)],
  ] as const) {
    test(`refuses ${name}`, () => expect(() => decodeV0UploadRequest(bytes)).toThrow(GitError));
  }

  test("any bytes give a request or a GitError", () => {
    const line = fc.oneof(fc.string({ maxLength: 60 }), fc.constantFrom(`want ${A}`, `have ${B}`, "done"));
    const part = fc.oneof(
      line.map(encodePkt),
      fc.constantFrom(FLUSH_PKT, DELIM_PKT),
      fc.uint8Array({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 8 }), (parts) => {
        for (const decode of [decodeV0UploadRequest, decodeV2Request]) {
          try {
            decode(concatBytes(parts));
          } catch (error) {
            expect(error).toBeInstanceOf(GitError);
          }
        }
      }),
    );
  });
});

describe("receive-pack requests", () => {
  test("commands, capabilities, push options, then the pack", async () => {
    const reader = createPktReader(
      once(
        message(
          `shallow ${C}`,
          `${A} ${B} refs/heads/é\0 report-status-v2 side-band-64k atomic push-options quiet object-format=sha1`,
          `${Z} ${B} refs/heads/new`,
          `${A} ${Z} refs/heads/old`,
          FLUSH_PKT,
          "option one\n",
          FLUSH_PKT,
          encodeUtf8("PACK"),
        ),
      ),
    );
    const request = await readReceiveRequest(reader);
    expect(request?.commands.map(({ name, previous, next }) => [name, previous, next])).toEqual([
      ["refs/heads/é", A, B],
      ["refs/heads/new", null, B],
      ["refs/heads/old", A, null],
    ]);
    expect(request).toMatchObject({ atomic: true, report: true, sideband: true, quiet: true, shallow: [C] });
    expect(request?.options).toEqual(["option one"]);
    for await (const rest of reader.rest()) expect(text(rest)).toBe("PACK");
  });

  test("probes", async () => {
    expect(await readPush(FLUSH_PKT)).toBeNull();
    expect(await readReceiveRequest(createPktReader(once(new Uint8Array(0))))).toBeNull();
  });

  test("a name that is not UTF-8 is kept for the report", async () => {
    const line = concatBytes([encodeUtf8(`${A} ${B} refs/heads/`), new Uint8Array([0xff])]);
    const request = await readPush(encodePkt(line), FLUSH_PKT);
    expect(request?.commands[0]?.name).toBeNull();
    expect(request?.commands[0]?.rawName.at(-1)).toBe(0xff);
  });

  for (const [name, parts] of [
    ["no flush", [`${A} ${B} refs/heads/x`]],
    ["a short line", [`${A} ${B}`, FLUSH_PKT]],
    ["no name", [`${A} ${B} `, FLUSH_PKT]],
    ["an upper-case id", [`${"A".repeat(40)} ${B} refs/heads/x`, FLUSH_PKT]],
    ["another hash", [`${A} ${B} refs/heads/x\0object-format=sha256`, FLUSH_PKT]],
    ["cut push options", [`${A} ${B} refs/heads/x\0push-options`, FLUSH_PKT, "a"]],
    ["endless push options", [`${A} ${B} r/x\0push-options`, FLUSH_PKT, ...Array(101).fill("a"), FLUSH_PKT]],
    ["a delimiter", [`${A} ${B} refs/heads/x`, DELIM_PKT]],
  ] as [string, (string | Uint8Array)[]][]) {
    test(`refuses ${name}`, () => expect(readPush(...parts)).rejects.toThrow(GitError));
  }
});

describe("push reports", () => {
  const commands = [
    { rawName: encodeUtf8("refs/heads/é"), error: null },
    { rawName: encodeUtf8("refs/heads/b"), error: "no\nway" },
  ];

  test("bare", () => {
    expect(text(encodePushReport({ unpackError: null, commands }, false))).toBe(
      "000eunpack ok\n0015ok refs/heads/é\n001bng refs/heads/b no way\n0000",
    );
  });

  test("in band 1, ended by a flush of its own", () => {
    expect(text(encodePushReport({ unpackError: "bad pack", commands: [] }, true))).toBe(
      "001d\u00010014unpack bad pack\n00000000",
    );
  });
});
