import { expect, it } from "vitest";
import { createMemorySource } from "../git/pack/byte-source.ts";
import { createRandom, randomBytes } from "../testing/git-packs.ts";
import { createReadAhead } from "./read-ahead.ts";

const content = randomBytes(3_000_000, 1);

function open() {
  const source = createMemorySource([content]);
  const reads: (readonly [offset: number, length: number])[] = [];
  const ahead = createReadAhead({
    size: source.size,
    async read(offset, length) {
      reads.push([offset, length]);
      return source.read(offset, length);
    },
  });
  return { ahead, reads };
}

it("gives the bytes of the file, wherever and in whatever order it is read", async () => {
  const { ahead } = open();
  const random = createRandom(5);
  let at = 0;
  for (let i = 0; i < 2_000; i++) {
    at = random(10) === 0 ? random(content.length - 200_000) : Math.max(0, at + random(4_000) - 1_800);
    const length = random(20) === 0 ? 100_000 : random(3_000);
    expect(Buffer.compare(await ahead.read(at, length), content.subarray(at, at + length))).toBe(0);
  }
  const end = content.length;
  await ahead.read(end - 20, 10);
  expect(Buffer.from(await ahead.read(end - 10, 10))).toEqual(Buffer.from(content.subarray(end - 10)));
});

it("reads neighbours together, forwards and backwards", async () => {
  for (const direction of [1, -1]) {
    const { ahead, reads } = open();
    for (let i = 0; i < 1_000; i++) await ahead.read(1_000_000 + direction * i * 200, 180);
    expect(reads.length).toBeLessThanOrEqual(6);
  }
});

it("leaves alone what is large or lies apart, and a single read", async () => {
  const { ahead, reads } = open();
  const asked = [
    [0, 300],
    [500_000, 300],
    [1_000_000, 100_000],
    [1_000_100, 100_000],
    [1_500_000, 300],
    [2_000_000, 300],
  ] as const;
  for (const [offset, length] of asked) await ahead.read(offset, length);
  expect(reads).toEqual(asked);
});
