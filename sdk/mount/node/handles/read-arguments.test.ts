import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mountCounted } from "../../../testing/counted-mount.ts";

const TEXT = "hello world";
/** Node refuses positions out of range since this major version; earlier ones pass over them. */
const NODE_CHECKS_SINCE = 24;
const nodeMajor = Number(process.versions.node.split(".")[0]);

const bytes = () => new Uint8Array(8);
/** A call's arguments, and the code that it is rejected with or how much it reads. */
const CASES: readonly (readonly [args: readonly unknown[], outcome: string | number])[] = [
  [[bytes(), 0, 10, 0], "ERR_OUT_OF_RANGE"],
  [[bytes(), -1, 2, 0], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, -2, 0], "ERR_OUT_OF_RANGE"],
  [[bytes(), 2 ** 53, 1], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 4, -5], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 0, -2], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 8, 1.5], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 8, Number.NaN], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 8, 2 ** 53], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 8, -2n], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 8, 2n ** 63n - 8n], "ERR_OUT_OF_RANGE"],
  [[bytes(), { position: -3 }], "ERR_OUT_OF_RANGE"],
  [[{ buffer: bytes(), position: -3 }], "ERR_OUT_OF_RANGE"],
  [[bytes(), 0, 8, "0"], "ERR_INVALID_ARG_TYPE"],
  [[bytes(), 0, 8, true], "ERR_INVALID_ARG_TYPE"],
  [[bytes(), 0, 8, 9], 2],
  [[bytes(), 0, 8, 10n], 1],
  [[bytes(), 0, 8, 2 ** 53 - 1], 0],
  [[bytes(), 0, 4, -1], 4],
  [[bytes(), 0, 4, -1n], 4],
  [[bytes(), null, null, null], 3],
];

interface Handle {
  read(...args: readonly unknown[]): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

async function outcomesOf(handle: Handle): Promise<(string | number)[]> {
  const outcomes: (string | number)[] = [];
  for (const [args] of CASES) {
    const outcome = handle.read(...args).then(
      ({ bytesRead }) => bytesRead,
      (error: Error & { readonly code: string }) => `${error.code} ${error.message}`,
    );
    outcomes.push(await outcome);
  }
  await handle.close();
  return outcomes;
}

async function openMounted(): Promise<Handle> {
  const { mount } = await mountCounted({ file: TEXT });
  return (await mount.promises.open("/file", "r+")) as unknown as Handle; // Called with what its types refuse.
}

describe("what a handle's read is given", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coregit-read-"));
    await writeFile(join(folder, "file"), TEXT);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("is refused when it is out of range, and -1 reads on", async () => {
    const outcomes = (await outcomesOf(await openMounted())).map((outcome) =>
      typeof outcome === "string" ? outcome.split(" ")[0] : outcome,
    );
    expect(outcomes).toEqual(CASES.map(([, outcome]) => outcome));
  });

  test.runIf(nodeMajor >= NODE_CHECKS_SINCE)(
    "is refused in node's own words (skipped before Node 24, which does not look at positions)",
    async () => {
      const handle = (await open(join(folder, "file"), "r+")) as unknown as Handle; // As above.
      expect(await outcomesOf(await openMounted())).toEqual(await outcomesOf(handle));
    },
  );
});
