import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes } from "../bytes/bytes.ts";
import { encodeUtf8 } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { parseLsRefsRequest } from "./ls-refs.ts";
import { DELIM_PKT, decodePkts, encodePkt, FLUSH_PKT, RESPONSE_END_PKT } from "./pkt-line.ts";
import { createPktReader } from "./pkt-reader.ts";
import { encodePushReport } from "./receive-report.ts";
import { readReceiveRequest } from "./receive-request.ts";
import { createRefAdvertisementEncoder, encodeServicePreamble } from "./ref-advertisement.ts";
import { encodeV0Fetch, encodeV2Fetch, readV0Fetch, readV2Fetch } from "./remote-fetch.ts";
import { choosePushTerms, encodePushCommands, readPushReport } from "./remote-push.ts";
import { encodeLsRefs, readDiscovery, readLsRefs } from "./remote-refs.ts";
import { MAX_PROGRESS_BYTES, readBands } from "./remote-sideband.ts";
import { encodeSideband } from "./sideband.ts";
import { decodeV0UploadRequest } from "./v0-upload.ts";
import { parseV2FetchRequest } from "./v2-fetch.ts";
import { decodeV2Request, encodeV2Advertisement } from "./v2-request.ts";

const A = "a".repeat(40) as Oid;
const B = "b".repeat(40) as Oid;
const Z = "0".repeat(40);
const UPLOAD = "git-upload-pack";

async function* once(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? encodePkt(part) : part;
}
const read = (...parts: (string | Uint8Array)[]) => createPktReader(once(...parts));
const preamble = encodeServicePreamble(UPLOAD, 0);

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [new Uint8Array(0)];
  for await (const part of bytes) parts.push(part);
  return Buffer.from(concatBytes(parts)).toString("latin1");
}

describe("what a server advertises", () => {
  test("is read as this server's own advertisement writes it", async () => {
    const encoder = createRefAdvertisementEncoder(["thin-pack", "symref=HEAD:refs/heads/é"], true);
    const refs = encoder.encodeRefs([
      { name: "HEAD", oid: A },
      { name: "refs/heads/é", oid: A },
      { name: "refs/tags/t", oid: B, peeled: A },
    ]);
    expect(await readDiscovery(read(preamble, refs, encoder.finish()), UPLOAD)).toMatchObject({
      kind: "refs",
      head: "refs/heads/é",
      refs: [
        { name: "refs/heads/é", oid: A },
        { name: "refs/tags/t", oid: B, peeled: A },
      ],
    });
  });

  test("has no refs when the repository is empty", async () => {
    const empty = createRefAdvertisementEncoder(["x"], true).finish();
    expect(await readDiscovery(read(preamble, empty), UPLOAD)).toMatchObject({ refs: [], head: null });
  });

  test("tells of objects behind refs that are not shown", async () => {
    const lines = read(
      encodeServicePreamble("git-receive-pack", 0),
      `${B} .have\0report-status\n`,
      FLUSH_PKT,
    );
    expect(await readDiscovery(lines, "git-receive-pack")).toMatchObject({ refs: [], alsoHas: [B] });
  });

  test("may be of version 1 or 2, with the line of the service or without", async () => {
    const v1 = read(encodeServicePreamble(UPLOAD, 1), `${A} refs/heads/m\0 x\n`, FLUSH_PKT);
    expect(await readDiscovery(v1, UPLOAD)).toMatchObject({ refs: [{ name: "refs/heads/m" }] });
    const v2 = await readDiscovery(read(encodeV2Advertisement()), UPLOAD);
    expect(v2.kind).toBe("commands");
    expect(v2.capabilities.get("fetch")).toEqual(["shallow", "wait-for-done", "filter"]);
  });

  test("leaves out names that are not UTF-8", async () => {
    const line = concatBytes([encodeUtf8(`${A} refs/heads/`), new Uint8Array([0xff])]);
    expect(await readDiscovery(read(preamble, encodePkt(line), FLUSH_PKT), UPLOAD)).toMatchObject({
      refs: [],
    });
  });

  test.each([
    ["nothing", []],
    ["a cut line", [preamble, encodeUtf8("0040abc")]],
    ["no end", [preamble, `${A} refs/heads/m\0 x\n`]],
    ["a web page", [encodeUtf8("<!doctype html><html>")]],
    ["an id that is none", [preamble, `${"x".repeat(40)} refs/heads/m\n`, FLUSH_PKT]],
    ["another hash", [preamble, `${A} refs/heads/m\0object-format=sha256\n`, FLUSH_PKT]],
    ["another hash in version 2", ["version 2\n", "object-format=sha256\n", FLUSH_PKT]],
    ["an error", [preamble, "ERR access denied\n"]],
    ["no flush after the service", ["# service=git-upload-pack\n", `${A} refs/heads/m\n`]],
    ["a control line", [preamble, RESPONSE_END_PKT]],
  ] as [string, (string | Uint8Array)[]][])("is refused when it is %s", async (_, parts) => {
    await expect(readDiscovery(read(...parts), UPLOAD)).rejects.toMatchObject({ code: "protocol" });
  });

  test("never brings control characters of the server into a message", async () => {
    const told = readDiscovery(read(preamble, "ERR \u001b[2Jgo\u0007away\n"), UPLOAD);
    await expect(told).rejects.toThrow("the remote says: [2Jgo away");
  });

  test("any bytes are refused or read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (bytes) => {
        for (const decode of [
          () => readDiscovery(read(bytes), UPLOAD),
          () => readLsRefs(read(bytes)),
          () => readV2Fetch(read(bytes)),
          () => readPushReport(read(bytes), { sideband: false, atomic: false }),
        ]) {
          await decode().catch((error: unknown) => expect(error).toBeInstanceOf(GitError));
        }
      }),
    );
  });
});

describe("ls-refs", () => {
  test("asks what this server understands", () => {
    const request = decodeV2Request(decodePkts(encodeLsRefs(["refs/heads/", "refs/tags/"])));
    expect(request?.command).toBe("ls-refs");
    expect(parseLsRefsRequest(request?.args ?? [])).toEqual({
      peel: true,
      symrefs: true,
      unborn: false,
      prefixes: ["HEAD", "refs/heads/", "refs/tags/"],
    });
  });

  test("reads refs, peeled tags, HEAD, and one that is not born yet", async () => {
    const lines = [
      `${A} HEAD symref-target:refs/heads/m\n`,
      `${A} refs/heads/m\n`,
      `${B} refs/tags/t peeled:${A}\n`,
    ];
    expect(await readLsRefs(read(...lines, FLUSH_PKT))).toEqual({
      head: "refs/heads/m",
      alsoHas: [],
      refs: [
        { name: "refs/heads/m", oid: A },
        { name: "refs/tags/t", oid: B, peeled: A },
      ],
    });
    const unborn = read("unborn HEAD symref-target:refs/heads/new\n", FLUSH_PKT);
    expect(await readLsRefs(unborn)).toEqual({ head: "refs/heads/new", alsoHas: [], refs: [] });
  });
});

describe("a fetch", () => {
  test("asks in version 2 and 0 what this server understands", () => {
    const round = { wants: [A], haves: [B], done: true };
    const v2 = decodeV2Request(decodePkts(encodeV2Fetch(round)));
    expect(parseV2FetchRequest(v2?.args ?? [])).toMatchObject({ ...round, thinPack: true, ofsDelta: true });
    const offered = new Map([
      ["side-band-64k", [""]],
      ["ofs-delta", [""]],
      ["agent", ["x"]],
    ]);
    const v0 = decodeV0UploadRequest(decodePkts(encodeV0Fetch(round, offered)));
    expect(v0).toMatchObject({ ...round, sidebandBytes: 65_520, thinPack: false, multiAck: "none" });
  });

  test("reads acknowledgements, then the pack", async () => {
    const acks = read("acknowledgments\n", `ACK ${B}\n`, FLUSH_PKT);
    expect(await readV2Fetch(acks)).toEqual({ kind: "acknowledged", common: [B] });
    const ready = read(
      "acknowledgments\n",
      "ready\n",
      DELIM_PKT,
      "packfile\n",
      encodeSideband(1, "PACK"),
      FLUSH_PKT,
    );
    const reply = await readV2Fetch(ready);
    expect(reply.kind === "pack" && (await drain(reply.bytes))).toBe("PACK");
  });

  test("reads a bare pack of a server without side-band", async () => {
    const bytes = await readV0Fetch(read("NAK\n", encodeUtf8("PACK")), new Map());
    expect(await drain(bytes)).toBe("PACK");
    await expect(readV0Fetch(read("WHAT\n"), new Map())).rejects.toMatchObject({ code: "protocol" });
  });

  test.each([
    ["an unknown section", ["packfile-uris\n"]],
    ["neither ACK nor NAK", ["acknowledgments\n", "MAYBE\n", FLUSH_PKT]],
    ["an end in a section", ["acknowledgments\n", "NAK\n"]],
  ])("is refused with %s", async (_, parts) => {
    await expect(readV2Fetch(read(...parts))).rejects.toMatchObject({ code: "protocol" });
  });
});

describe("bands", () => {
  test("give the data and drop the talk", async () => {
    const bands = read(encodeSideband(2, "hello"), encodeSideband(1, "a"), encodeSideband(1, "b"), FLUSH_PKT);
    expect(await drain(readBands(bands))).toBe("ab");
  });

  test.each([
    ["an error of the server", [encodeSideband(3, "no\nspace")], "the remote says: no space"],
    ["a break", [encodeSideband(1, "a")], "the remote broke off"],
    ["an unknown band", ["\u0009x"], "the remote sent band 9"],
    ["an error line", ["ERR gone"], "the remote says: gone"],
    ["an empty line", [""], "the remote sent band none"],
    ["a delimiter", [DELIM_PKT], "unexpected delim"],
  ])("end with %s", async (_, parts, message) => {
    await expect(drain(readBands(read(...parts)))).rejects.toThrow(message);
  });

  test("end when a server only talks", async () => {
    async function* chatter() {
      const line = encodeSideband(2, "x".repeat(60_000));
      for (;;) yield line;
    }
    const talk = drain(readBands(createPktReader(chatter())));
    await expect(talk).rejects.toMatchObject({ code: "limit-exceeded" });
    expect(MAX_PROGRESS_BYTES).toBe(16 * 1024 * 1024);
  });
});

describe("a push", () => {
  const offered = new Map([
    ["report-status", [""]],
    ["side-band-64k", [""]],
    ["atomic", [""]],
  ]);

  test("sends commands that this server understands", async () => {
    const terms = choosePushTerms(offered, true);
    const moves = [
      { name: "refs/heads/é", previous: null, next: A },
      { name: "refs/heads/old", previous: B, next: null },
    ];
    const request = await readReceiveRequest(read(encodePushCommands(moves, terms)));
    expect(request).toMatchObject({ atomic: true, report: true, sideband: true });
    expect(request?.commands).toMatchObject(moves);
  });

  test("wants to be told what became of it", () => {
    expect(() => choosePushTerms(new Map(), false)).toThrow(GitError);
    expect(() => choosePushTerms(new Map([["report-status", [""]]]), true)).toThrow("cannot push atomically");
  });

  test("reads the report, in bands and bare", async () => {
    const commands = [
      { rawName: encodeUtf8("refs/heads/é"), error: null },
      { rawName: encodeUtf8("refs/heads/b"), error: "hook declined" },
    ];
    for (const sideband of [true, false]) {
      const bytes = encodePushReport({ unpackError: null, commands }, sideband);
      const report = await readPushReport(read(bytes), { sideband, atomic: false });
      expect(report.unpackError).toBeNull();
      expect([...report.results]).toEqual([
        ["refs/heads/é", null],
        ["refs/heads/b", "hook declined"],
      ]);
    }
  });

  test.each([
    ["no report", [FLUSH_PKT]],
    ["an error", ["ERR full\n"]],
    ["another text", [`ok ${Z}\n`, FLUSH_PKT]],
  ] as [string, (string | Uint8Array)[]][])("is not taken for done after %s", async (_, parts) => {
    const report = readPushReport(read(...parts), { sideband: false, atomic: false });
    await expect(report).rejects.toMatchObject({ code: "protocol" });
  });
});
