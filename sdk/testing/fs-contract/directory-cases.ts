import { answerOf, call, type LooseFs } from "./answers.ts";
import type { CaseGroup, FsCase } from "./cases.ts";

interface LooseDir {
  readonly path: string;
  read(callback?: (error: unknown, value?: unknown) => void): Promise<unknown>;
  readSync(): unknown;
  close(callback?: (error: unknown) => void): Promise<void>;
  closeSync(): void;
  [Symbol.asyncIterator](): AsyncIterator<{ readonly name: string }>;
}

const LISTINGS: readonly (readonly unknown[])[] = [
  ["/", { recursive: true }],
  ["/", { recursive: true, withFileTypes: true }],
  ["/dir", { recursive: true }],
  ["/dir/", { recursive: true }],
  ["/dir/../dir", { recursive: true }],
  ["/dirlink", { recursive: true }],
  ["/dirlink/", { recursive: true, withFileTypes: true }],
  ["/dir/", { withFileTypes: true }],
  ["/dir//sub/..", { withFileTypes: true }],
  ["/file", { recursive: true }],
  ["/missing", { recursive: true, withFileTypes: true }],
  ["/dir", "buffer"],
  ["/dir", { encoding: "buffer", withFileTypes: true }],
  ["/dir", { encoding: "hex" }],
  ["/dir", { encoding: "base64", withFileTypes: true }],
  ["/dir", null],
  ["/dir", 7],
];

async function listDir(fs: LooseFs, ...args: unknown[]): Promise<string[]> {
  const dir = (await call(fs, ["opendir", ...args])) as AsyncIterable<{ readonly name: string }>;
  const names: string[] = [];
  for await (const entry of dir) names.push(await answerOf(() => entry));
  return names;
}

function onDir(title: string, run: (dir: LooseDir) => Promise<unknown>): FsCase {
  return {
    title,
    run: async (fs, note) => {
      const dir = (await call(fs, ["opendir", "/dir/sub"])) as LooseDir;
      await note(() => run(dir));
      await dir.close().catch(() => undefined); // Most of these have closed it.
    },
  };
}

const directories: readonly FsCase[] = [
  onDir("read, one by one", async (dir) => [await dir.read(), await dir.read(), await dir.read()]),
  onDir("readSync", async (dir) => [dir.readSync(), dir.readSync()]),
  onDir("path", async (dir) => dir.path),
  onDir("close twice", async (dir) => {
    await dir.close();
    await dir.close();
  }),
  onDir("read after close", async (dir) => {
    await dir.close();
    return await dir.read();
  }),
  onDir("closeSync, readSync", async (dir) => {
    dir.closeSync();
    return dir.readSync();
  }),
  onDir("callbacks", async (dir) => {
    const entry = await new Promise((resolve, reject) =>
      dir.read((error, value) => (error ? reject(error) : resolve(value))),
    );
    const closed = await new Promise((resolve) => dir.close((error) => resolve(error ?? "closed")));
    return [entry, closed];
  }),
  onDir("a loop that is left closes it", async (dir) => {
    for await (const _ of { [Symbol.asyncIterator]: () => dir[Symbol.asyncIterator]() }) break;
    return await answerOf(() => dir.close());
  }),
  {
    title: "iterates",
    run: async (fs, note) => {
      await note(() => listDir(fs, "/dir"));
      await note(() => listDir(fs, "/dirlink/", { bufferSize: 1 }));
      await note(() => listDir(fs, "/empty/.."));
      await note(() => listDir(fs, "/dir", { recursive: true }));
      await note(() => listDir(fs, "/dir", { encoding: "buffer" }));
    },
  },
];

const links: readonly FsCase[] = [
  {
    title: "40 links in a row are followed, 41 are not",
    run: async (fs, note) => {
      await call(fs, ["mkdir", "/chain"]);
      await call(fs, ["symlink", "../file", "/chain/1"]);
      for (let index = 2; index <= 42; index += 1)
        await call(fs, ["symlink", String(index - 1), `/chain/${index}`]);
      for (const index of [39, 40, 41, 42]) {
        await note(() => call(fs, ["readFile", `/chain/${index}`, "utf8"]));
        await note(() => call(fs, ["lstat", `/chain/${index}`]));
        await note(() => call(fs, ["realpath", `/chain/${index}`]));
      }
    },
  },
  {
    title: "names of 255 bytes, not 255 characters",
    run: async (fs, note) => {
      for (const name of ["é".repeat(127), "é".repeat(128), "😀".repeat(63), "😀".repeat(64)]) {
        await note(() => call(fs, ["writeFile", `/${name}`, "x"]));
        await note(() => call(fs, ["mkdir", `/d${name}`]));
        await note(() => call(fs, ["stat", `/dir/${name}`]));
      }
    },
  },
  {
    title: "a path beyond 4096 bytes",
    run: async (fs, note) => {
      const long = `/${"d/".repeat(2_100)}x`;
      await note(() => call(fs, ["stat", long]));
      await note(() => call(fs, ["writeFile", long, "x"]));
      await note(() => call(fs, ["rename", "/file", long]));
    },
  },
  {
    title: "odd names are names",
    run: async (fs, note) => {
      for (const name of [
        "a%20b",
        "a b",
        "a\\b",
        "*?[x]",
        "-rf",
        "\n",
        "\u0301e",
        "..a",
        "...",
        "~",
        "café",
      ]) {
        await note(() => call(fs, ["writeFile", `/${name}`, name]));
        await note(() => call(fs, ["readFile", `/${name}`, "utf8"]));
      }
      await note(() => call(fs, ["readdir", "/"]));
    },
  },
];

const PREFIXES = [
  ["/", "made-"],
  ["/dir", "/"],
  ["/dirlink", "/x"],
  ["/", "link"],
  ["/missing", "/x"],
  ["/file", "/x"],
  ["/loop", "/x"],
  ["/dir", `/${"n".repeat(250)}`],
] as const;

/** A random name is compared by what it begins with, and then has its random part cut off. */
const temporary: readonly FsCase[] = PREFIXES.map(([parent, start]) => ({
  title: `mkdtemp ${parent}${start}`,
  run: async (fs, note) => {
    const list = async () => (await call(fs, ["readdir", parent])) as string[];
    const before = await list().catch(() => []); // Not a directory: nothing can be made.
    await note(async () => {
      await (call(fs, ["mkdtemp", parent + start]) as Promise<string>).catch(
        (error: { readonly code: string; syscall: string }) => {
          throw new Error(`${error.code} ${error.syscall}`);
        },
      );
      const made = (await list()).find((name) => !(before as string[]).includes(name)) ?? "";
      const cut = made.slice(0, -6);
      if (cut !== "") await call(fs, ["rename", `${parent}/${made}`, `${parent}/${cut}-cut`]);
      else await call(fs, ["rmdir", `${parent}/${made}`]);
      return [cut, made.length];
    });
  },
}));

export const directoryCases: readonly CaseGroup[] = [
  { title: "mkdtemp", cases: temporary },
  {
    title: "readdir: options",
    cases: LISTINGS.map((args, index) => ({
      title: `${index} ${JSON.stringify(args)}`,
      run: async (fs, note) => await note(() => call(fs, ["readdir", ...args])),
    })),
  },
  { title: "opendir: Dir", cases: directories },
  { title: "links and names at their limits", cases: links },
];
