import type * as node from "node:fs/promises";
import { expect, test } from "vitest";
import { makeMemoryMount } from "../../../testing/memory-mount.ts";
import type { FileHandle, NodeFsPromises } from "./node-types.ts";

/** Results that are classes of node's own are compared below; node's writes also take its old Stream, which has no iterator. */
type Apart = "open" | "opendir" | "constants" | "watch" | "glob" | "writeFile" | "appendFile";

type Shared = Exclude<keyof typeof node & keyof NodeFsPromises, Apart>;

test("the types take the place of node:fs/promises", async () => {
  const asNode = (fs: NodeFsPromises): Pick<typeof node, Shared> => fs;
  type HandleCall = Exclude<
    keyof node.FileHandle & keyof FileHandle,
    "createReadStream" | "createWriteStream" | "readLines" | "readableWebStream"
  >;
  const asNodeHandle = (handle: FileHandle): Pick<node.FileHandle, HandleCall> => handle;
  const { fs } = await makeMemoryMount({ "a.txt": "a" });
  const bytes: Buffer = await asNode(fs.promises).readFile("/a.txt");
  expect(bytes.toString("utf8")).toBe("a");
  const handle = await fs.promises.open("/a.txt");
  expect(await asNodeHandle(handle).readFile("utf8")).toBe("a");
  await handle.close();
});

test("no call of node's is missing", async () => {
  const { fs } = await makeMemoryMount();
  const real: Readonly<Record<string, unknown>> = await import("node:fs/promises");
  const missing = Object.keys(real).filter((name) => name !== "default" && !(name in fs.promises));
  expect(missing).toEqual([]);
  expect(fs.promises.constants).toEqual(real.constants);
});
