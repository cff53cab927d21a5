import { expect, test } from "vitest";
import { encodeUtf8 } from "../bytes/text.ts";
import { decodePkts } from "./pkt-line.ts";
import { encodeSideband, SIDEBAND_SMALL_BYTES } from "./sideband.ts";

test("a band byte goes before the data", () => {
  expect(Buffer.from(encodeSideband(2, "é\n")).toString()).toBe("0008\u0002é\n");
  expect(encodeSideband(1, new Uint8Array(0))).toHaveLength(0);
});

test("long data is cut at 65515 bytes, and at 995 for the old side-band", () => {
  const data = new Uint8Array(200_000).map((_, i) => i % 251);
  for (const max of [undefined, SIDEBAND_SMALL_BYTES]) {
    const lines = decodePkts(encodeSideband(1, data, max)).map((pkt) =>
      pkt.kind === "data" ? pkt.payload : encodeUtf8(""),
    );
    expect(lines[0]?.length).toBe((max ?? 65_520) - 4);
    expect(lines.every((line) => line[0] === 1)).toBe(true);
    expect(Buffer.concat(lines.map((line) => line.subarray(1))).equals(Buffer.from(data))).toBe(true);
  }
});
