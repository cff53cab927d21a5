import { describe, expect, it } from "vitest";
import type { FileStore } from "../git/ports.ts";
import { fillBytes } from "./repo-store-contract.ts";

const MIB = 1024 * 1024;

/** What every file store does. `make` is called once per test; `prefix` keeps tests of one bucket apart. */
export function fileStoreContract(make: () => Promise<FileStore>): void {
  let made = 0;
  const freshKey = () => `contract/${Date.now()}-${++made}.bin`;

  describe("files", () => {
    it("answers null for a file that is not there", async () => {
      const files = await make();
      const key = freshKey();
      expect(await files.open(key)).toBeNull();
      expect(await files.readFile(key)).toBeNull();
      expect(await files.readRange(key, 0, 1)).toBeNull();
      expect(await files.readRange(key, 0, 0)).toBeNull();
      await files.deleteFiles([key]);
    });

    it("gives back bytes, whole and by range, and the rest when a range goes beyond the end", async () => {
      const files = await make();
      const key = freshKey();
      const bytes = fillBytes(100_000, 1);
      await files.writeFile(key, bytes);
      expect(await files.readFile(key)).toEqual(bytes);
      expect(await files.readRange(key, 10, 20)).toEqual(bytes.subarray(10, 30));
      expect(await files.readRange(key, 99_990, 20)).toEqual(bytes.subarray(99_990));
      expect(await files.readRange(key, 5, 0)).toEqual(new Uint8Array(0));
    });

    it("keeps an empty file apart from none", async () => {
      const files = await make();
      const key = freshKey();
      await files.writeFile(key, new Uint8Array(0));
      expect(await files.readFile(key)).toEqual(new Uint8Array(0));
      expect((await files.open(key))?.size).toBe(0);
    });

    it("is not changed by what the caller does with the bytes later", async () => {
      const files = await make();
      const key = freshKey();
      const bytes = new Uint8Array([1, 2, 3]);
      await files.writeFile(key, bytes);
      bytes.fill(9);
      expect(await files.readFile(key)).toEqual(new Uint8Array([1, 2, 3]));
    });

    it("opens a file for random access, bounds checked", async () => {
      const files = await make();
      const key = freshKey();
      const bytes = fillBytes(5_000, 2);
      await files.writeFile(key, bytes);
      const source = await files.open(key);
      expect(source?.size).toBe(5_000);
      expect(await source?.read(4_990, 10)).toEqual(bytes.subarray(4_990));
      expect(await source?.read(5_000, 0)).toEqual(new Uint8Array(0));
      await expect(source?.read(4_991, 10)).rejects.toMatchObject({ code: "corrupt-pack" });
      await expect(source?.read(-1, 1)).rejects.toMatchObject({ code: "corrupt-pack" });
    });

    it("deletes many, and those that are not there", async () => {
      const files = await make();
      const keys = [freshKey(), freshKey()];
      for (const key of keys) await files.writeFile(key, new Uint8Array([1]));
      await files.deleteFiles([...keys, freshKey()]);
      for (const key of keys) expect(await files.readFile(key)).toBeNull();
    });
  });

  describe("files of unknown length", () => {
    it.each([
      ["nothing", []],
      ["one small piece", [10]],
      ["many small pieces", Array.from({ length: 300 }, () => 4_096)],
      ["exactly two parts", [5 * MIB, 5 * MIB]],
      ["pieces larger than a part, and a rest", [7 * MIB, 6 * MIB + 1, 3]],
    ])("stores %s", async (_name, sizes) => {
      const files = await make();
      const key = freshKey();
      const sink = await files.createFile(key);
      const pieces = sizes.map((size, i) => fillBytes(size, i));
      for (const piece of pieces) {
        const sent = piece.slice();
        await sink.write(sent);
        sent.fill(0); // the sink must have its own copy by now
      }
      expect(await files.readFile(key)).toBeNull();
      await sink.close();
      const stored = (await files.readFile(key)) ?? new Uint8Array(1);
      // Compared as buffers: a mismatch of megabytes must not be printed.
      expect(Buffer.compare(Buffer.from(stored), Buffer.concat(pieces))).toBe(0);
    });

    it.each([
      ["small", 10],
      ["in the middle of its parts", 11 * MIB],
    ])("leaves nothing of an aborted file: %s", async (_name, size) => {
      const files = await make();
      const key = freshKey();
      const sink = await files.createFile(key);
      await sink.write(fillBytes(size, 3));
      await sink.abort();
      expect(await files.readFile(key)).toBeNull();
      await expect(sink.write(new Uint8Array(1))).rejects.toThrow();
      await expect(sink.close()).rejects.toThrow();
    });
  });
}
