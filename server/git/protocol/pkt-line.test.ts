import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, equalBytes } from "../bytes/bytes.ts";
import { encodeUtf8 } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import {
  DELIM_PKT,
  decodePkts,
  encodeErrorPkt,
  encodePkt,
  encodePktMessage,
  FLUSH_PKT,
  formatPktText,
  MAX_PKT_PAYLOAD_BYTES,
  type Pkt,
  RESPONSE_END_PKT,
} from "./pkt-line.ts";
import { createPktReader } from "./pkt-reader.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (let i = 0; offset < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

async function readAll(bytes: Uint8Array, sizes: readonly number[]): Promise<Pkt[]> {
  const reader = createPktReader(chunked(bytes, sizes));
  const pkts: Pkt[] = [];
  for (let pkt = await reader.read(); pkt; pkt = await reader.read()) pkts.push(pkt);
  return pkts;
}

describe("encoding", () => {
  test("a line counts its own four digits", () => {
    expect(text(encodePkt("a\n"))).toBe("0006a\n");
    expect(text(encodePkt(""))).toBe("0004");
    expect(text(encodePktMessage(["x"]))).toBe("0005x0000");
  });

  test("lengths count bytes, not characters", () => {
    expect(text(encodePkt("refs/heads/é")).slice(0, 4)).toBe("0011");
    expect(decodePkts(encodePkt("日本"))).toEqual([{ kind: "data", payload: encodeUtf8("日本") }]);
  });

  test("the longest line is 65520 bytes and one more is refused", () => {
    expect(text(encodePkt(new Uint8Array(MAX_PKT_PAYLOAD_BYTES)).subarray(0, 4))).toBe("fff0");
    expect(() => encodePkt(new Uint8Array(MAX_PKT_PAYLOAD_BYTES + 1))).toThrow(GitError);
  });

  test("an error line never grows over the limit", () => {
    expect(encodeErrorPkt("x".repeat(100_000)).length).toBe(65_520);
    expect(text(encodeErrorPkt("no"))).toBe("000aERR no");
  });
});

describe("decoding", () => {
  test("control lines and upper-case digits", () => {
    const bytes = concatBytes([FLUSH_PKT, DELIM_PKT, RESPONSE_END_PKT, encodeUtf8("000Aabcdef")]);
    expect(decodePkts(bytes)).toEqual([
      { kind: "flush" },
      { kind: "delim" },
      { kind: "response-end" },
      { kind: "data", payload: encodeUtf8("abcdef") },
    ]);
  });

  test("one trailing line feed is not part of the text", () => {
    expect(formatPktText(encodeUtf8("a\n\n"))).toBe("a\n");
    expect(formatPktText(encodeUtf8(""))).toBe("");
  });

  for (const [name, bytes] of [
    ["a length of 3", "0003"],
    ["a length over 65520", "fff1"],
    ["digits that are not hexadecimal", "00g4"],
    ["a sign", "-004"],
    ["spaces", "   4"],
    ["a cut length", "00"],
    ["a cut payload", "0009abc"],
  ] as const) {
    test(`refuses ${name}`, async () => {
      expect(() => decodePkts(encodeUtf8(bytes))).toThrow(GitError);
      await expect(readAll(encodeUtf8(bytes), [1])).rejects.toThrow(GitError);
    });
  }

  test("any bytes give lines or a GitError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodePkts(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(GitError);
        }
      }),
    );
  });

  test("lines come back however the stream is cut", async () => {
    const payload = fc.uint8Array({ maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(payload, fc.constant(null)), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 }),
        async (lines, sizes) => {
          const bytes = concatBytes([
            new Uint8Array(0),
            new Uint8Array(0),
            ...lines.map((line) => (line ? encodePkt(line) : DELIM_PKT)),
          ]);
          const expected = lines.map((line) => (line ? { kind: "data", payload: line } : { kind: "delim" }));
          expect((await readAll(bytes, sizes)).map(plain)).toEqual(expected.map((pkt) => plain(pkt as Pkt)));
        },
      ),
    );
  });

  test("what follows the last line is handed on untouched", async () => {
    const rest = encodeUtf8("PACK and more bytes");
    const reader = createPktReader(chunked(concatBytes([encodePkt("one"), FLUSH_PKT, rest]), [3]));
    expect((await reader.read())?.kind).toBe("data");
    expect((await reader.read())?.kind).toBe("flush");
    const parts: Uint8Array[] = [];
    for await (const part of reader.rest()) parts.push(part);
    expect(equalBytes(concatBytes(parts), rest)).toBe(true);
  });
});

function plain(pkt: Pkt): unknown {
  return pkt.kind === "data" ? [...pkt.payload] : pkt.kind;
}
