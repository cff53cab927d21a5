import { call, type LooseFs } from "./answers.ts";
import type { CaseGroup, FsCase, Note } from "./cases.ts";

/** A file handle, loosely typed: the suite passes bad arguments on purpose. */
interface LooseHandle {
  readonly fd: number;
  [method: string]: unknown;
}

type Run = (
  h: (method: string, ...args: unknown[]) => Promise<unknown>,
  more: {
    readonly fs: (method: string, ...args: unknown[]) => Promise<unknown>;
    readonly handle: LooseHandle;
  },
) => Promise<void>;

const text = (value: string) => new TextEncoder().encode(value);

/** A case about one handle: every call of `h` and of `fs` is noted, and the handle is closed at the end. */
function onHandle(title: string, open: readonly unknown[], run: Run): FsCase {
  return {
    title: `${title} (open ${open.join(" ")})`,
    run: async (fs: LooseFs, note: Note) => {
      const handle = (await call(fs, ["open", ...open])) as LooseHandle;
      const on =
        (what: (method: string, args: unknown[]) => unknown) =>
        async (method: string, ...args: unknown[]) => {
          let value: unknown;
          await note(async () => {
            value = await what(method, args);
            return value;
          });
          return value;
        };
      const h = on((method, args) =>
        (handle[method] as (...given: unknown[]) => unknown).apply(handle, args),
      );
      try {
        await run(h, { fs: on((method, args) => call(fs, [method, ...args])), handle });
      } finally {
        await (handle.close as () => Promise<void>)();
      }
    },
  };
}

const reading: readonly FsCase[] = [
  onHandle("reads on from where it is", ["/file", "r"], async (h) => {
    await h("read", new Uint8Array(3));
    await h("read", new Uint8Array(3), 1, 2);
    await h("read", { buffer: new Uint8Array(4), offset: 1, length: 2, position: 0 });
    await h("read", new Uint8Array(9), 0, 9, 5);
    await h("read", new Uint8Array(9), { position: 1, length: 3 });
    await h("readFile", "utf8");
    await h("readFile");
    await h("read", new Uint8Array(2));
    await h("read", new Uint8Array(9), 0, 9, 50);
    await h("readv", [new Uint8Array(2), new Uint8Array(3)], 1);
    await h("readv", [new Uint8Array(2)], null);
    await h("read", new Uint8Array(0));
    await h("read", new Uint16Array(2), 0, 4, 0);
  }),
  onHandle("checks what it is given", ["/file", "r+"], async (h) => {
    await h("read", 1);
    await h("read", new Uint8Array(3), -1);
    await h("read", new Uint8Array(3), 1.5);
    await h("read", new Uint8Array(3), 0, 4);
    await h("read", new Uint8Array(3), 0, -1);
    await h("read", { buffer: "x" });
    await h("read", new Uint8Array(0), 0, 1);
    await h("readv", 1);
    await h("readv", [1]);
    await h("write", 1);
    await h("write", undefined);
    await h("write", text("abc"), 4);
    await h("write", text("abc"), 1, 3);
    await h("write", text("abc"), 0, -1);
    await h("writev", [1]);
    await h("writeFile", 1);
    await h("readFile", "nope");
    await h("readFile", "buffer");
    await h("truncate", "x");
    await h("truncate", 1.5);
    await h("truncate", -1);
    await h("chmod", "x");
    await h("chown", "x", 1);
    await h("utimes", "x", 1);
  }),
  onHandle("writes text in an encoding that there is not", ["/file", "r+"], async (h) => {
    await h("write", "abc", 0, "nope");
  }),
  onHandle("a directory", ["/dir", "r"], async (h) => {
    await h("read", new Uint8Array(3));
    await h("readFile");
    await h("stat");
    await h("truncate", 0);
    await h("write", "x");
    await h("sync");
  }),
  onHandle("a file that may only be read", ["/file", "r"], async (h) => {
    await h("write", "x");
    await h("writeFile", "x");
    await h("appendFile", "x");
    await h("truncate", 1);
    await h("chmod", 0o755);
    await h("utimes", 1, 1);
    await h("datasync");
    await h("stat", { bigint: true });
  }),
  onHandle("a file that may only be written", ["/file", "w"], async (h) => {
    await h("read", new Uint8Array(1));
    await h("readFile");
    await h("stat");
  }),
];

const writing: readonly FsCase[] = [
  onHandle("writes on from where it is", ["/file", "r+"], async (h, { fs }) => {
    await h("write", "AB");
    await h("write", text("xCDx"), 1, 2);
    await h("write", text("Z"), 0, 1, 0);
    await h("write", text("pq"), { offset: 1, length: 1, position: 6 });
    await h("write", "E", null, "latin1");
    await h("write", "616263", 4, "hex");
    await h("writev", [text("1"), text("22")]);
    await h("writev", [text("3"), text("44")], 1);
    await h("writev", []);
    await h("write", new Uint8Array(0));
    await fs("readFile", "/file", "utf8");
    await h("stat");
  }),
  onHandle("leaves a gap of zeros", ["/file", "r+"], async (h, { fs }) => {
    await h("write", "end", 10);
    await fs("readFile", "/file");
    await h("truncate", 4);
    await fs("readFile", "/file");
    await h("truncate", 6);
    await fs("readFile", "/file");
    await h("write", "x", 8);
    await h("truncate");
    await fs("stat", "/file");
  }),
  onHandle("empties and reads back", ["/file", "w+"], async (h, { fs }) => {
    await fs("readFile", "/file");
    await h("writeFile", "one");
    await h("writeFile", "two");
    await h("readFile", "utf8");
    await h("read", new Uint8Array(6), 0, 6, 0);
    await h("appendFile", ["three", text("four")]);
    await fs("readFile", "/file", "utf8");
  }),
  onHandle("appends wherever it is", ["/file", "a+"], async (h, { fs }) => {
    await h("write", "A", 0);
    await fs("appendFile", "/file", "B");
    await h("write", text("C"), 0, 1, 0);
    await h("read", new Uint8Array(3), 0, 3, 0);
    await h("readFile", "utf8");
    await h("truncate", 2);
    await h("write", "D");
    await fs("readFile", "/file", "utf8");
  }),
  onHandle("makes a new file", ["/new", "wx", 0o755], async (h, { fs }) => {
    await fs("stat", "/new");
    await h("writeFile", "x");
    await fs("open", "/new", "wx");
    await h("chmod", 0o644);
    await fs("stat", "/new");
  }),
  onHandle("makes what a broken link leads to", ["/broken", "a"], async (h, { fs }) => {
    await h("write", "x");
    await fs("readFile", "/nowhere", "utf8");
  }),
  onHandle("numeric flags", ["/file", 0o1002], async (h, { fs }) => {
    await h("write", "x");
    await fs("readFile", "/file", "utf8");
  }),
  {
    title: "appends that run together are all kept",
    run: async (fs, note) => {
      const handles = (await Promise.all(
        [1, 2, 3].map(() => call(fs, ["open", "/file", "a"])),
      )) as LooseHandle[];
      const append = (handle: LooseHandle) => (handle.appendFile as (data: string) => Promise<void>)("+1");
      await Promise.all(handles.flatMap((handle) => [append(handle), append(handle)]));
      for (const handle of handles) await (handle.close as () => Promise<void>)();
      await note(() => call(fs, ["readFile", "/file", "utf8"]));
    },
  },
];

const naming: readonly FsCase[] = [
  onHandle("follows a rename", ["/file", "r+"], async (h, { fs }) => {
    await fs("rename", "/file", "/dir/moved");
    await h("write", "NEW");
    await fs("readFile", "/dir/moved", "utf8");
    await fs("writeFile", "/file", "another");
    await h("read", new Uint8Array(9), 0, 9, 0);
    await fs("rename", "/dir", "/else");
    await h("write", "er");
    await fs("readFile", "/else/moved", "utf8");
    await h("stat");
  }),
  onHandle("lives on without its name", ["/file", "r+"], async (h, { fs }) => {
    await fs("unlink", "/file");
    await h("readFile", "utf8");
    await h("write", "!!");
    await h("read", new Uint8Array(20), 0, 20, 0);
    await fs("writeFile", "/file", "another");
    await h("truncate", 3);
    await h("chmod", 0o755);
    await h("stat");
    await fs("readFile", "/file", "utf8");
    await fs("stat", "/file");
  }),
  onHandle("is not what replaces it", ["/file", "r+"], async (h, { fs }) => {
    await fs("rename", "/exec", "/file");
    await h("readFile", "utf8");
    await h("write", "!!");
    await fs("readFile", "/file", "utf8");
  }),
  onHandle("outlives its directory", ["/dir/sub/deep", "r+"], async (h, { fs }) => {
    await fs("rm", "/dir", { recursive: true });
    await h("write", "x");
    await h("read", new Uint8Array(9), 0, 9, 0);
    await fs("stat", "/dir");
  }),
  onHandle("sees what others write", ["/file", "r"], async (h, { fs }) => {
    await fs("writeFile", "/file", "by its path");
    await h("readFile", "utf8");
    await fs("truncate", "/file", 2);
    await h("read", new Uint8Array(9), 0, 9, 0);
    await h("stat");
    await fs("copyFile", "/exec", "/file");
    await h("read", new Uint8Array(20), 0, 20, 0);
  }),
  {
    title: "two handles on one removed file see each other",
    run: async (fs, note) => {
      const one = (await call(fs, ["open", "/file", "r+"])) as LooseHandle;
      const two = (await call(fs, ["open", "/file", "r"])) as LooseHandle;
      await call(fs, ["unlink", "/file"]);
      await note(() => (one.write as (data: string) => unknown)("shared"));
      await note(() => (two.readFile as (encoding: string) => unknown)("utf8"));
      for (const handle of [one, two]) await (handle.close as () => Promise<void>)();
    },
  },
];

const closing: readonly FsCase[] = [
  onHandle("closed", ["/file", "r+"], async (h) => {
    await h("close");
    await h("close");
    await h("read", new Uint8Array(1));
    await h("readv", [new Uint8Array(1)]);
    await h("write", "x");
    await h("writev", [text("x")]);
    await h("readFile");
    await h("writeFile", "x");
    await h("appendFile", "x");
    await h("stat");
    await h("truncate");
    await h("sync");
    await h("datasync");
    await h("chmod", 0o644);
    await h("chown", 1, 1);
    await h("utimes", 1, 1);
  }),
  {
    title: "closing waits for what runs, and tells its listeners",
    run: async (fs, note) => {
      const handle = (await call(fs, ["open", "/file", "r+"])) as LooseHandle;
      const told: string[] = [];
      (handle.on as (event: string, listener: () => void) => void)("close", () => told.push("close"));
      // Each to a place of its own: node's threads take writes without one in any order.
      const writes = ["1", "2", "3"].map((text, position) =>
        (handle.write as (data: string, position: number) => unknown)(text, position),
      );
      await (handle.close as () => Promise<void>)();
      await Promise.all(writes);
      await note(() => [...told, handle.fd]);
      await note(() => call(fs, ["readFile", "/file", "utf8"]));
    },
  },
  {
    title: "a handle in place of a path",
    run: async (fs, note) => {
      const handle = (await call(fs, ["open", "/file", "r+"])) as LooseHandle;
      await note(() => call(fs, ["readFile", handle, "utf8"]));
      await note(() => call(fs, ["writeFile", handle, "more"]));
      await note(() => call(fs, ["appendFile", handle, "!"]));
      await (handle.close as () => Promise<void>)();
      await note(() => call(fs, ["readFile", "/file", "utf8"]));
    },
  },
];

async function collect(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  let all = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) all += typeof chunk === "string" ? chunk : decoder.decode(chunk);
  return all;
}

type Streams = (options?: object) => AsyncIterable<Uint8Array>;

/** A case that opens a handle and gives it to a stream, which closes it. */
function onStream(title: string, work: (handle: LooseHandle) => Promise<unknown>): FsCase {
  return {
    title,
    run: async (fs, note) => {
      const handle = (await call(fs, ["open", "/file", "r+"])) as LooseHandle;
      await note(() => work(handle));
      await (handle.close as () => Promise<void>)();
      await note(() => handle.fd);
      await note(() => call(fs, ["readFile", "/file", "utf8"]));
    },
  };
}

const streaming: readonly FsCase[] = [
  onStream("createReadStream", (handle) => collect((handle.createReadStream as Streams)())),
  onStream("createReadStream of a span", (handle) =>
    collect((handle.createReadStream as Streams)({ start: 2, end: 4, encoding: "utf8" })),
  ),
  onStream("createReadStream that stays open", async (handle) => {
    const all = await collect((handle.createReadStream as Streams)({ autoClose: false, highWaterMark: 2 }));
    return [all, handle.fd > 0];
  }),
  onStream("createWriteStream", async (handle) => {
    const stream = (handle.createWriteStream as (options: object) => unknown)({ start: 3 }) as {
      write(data: string): void;
      end(data: string): void;
      on(event: string, listener: (error?: Error) => void): void;
    };
    const closed = new Promise<void>((resolve, reject) => {
      stream.on("close", () => resolve());
      stream.on("error", (error) => reject(error));
    });
    stream.write("12");
    stream.end("345");
    await closed;
  }),
  onStream("readLines", async (handle) => {
    await (handle.write as (data: string) => Promise<unknown>)("a\r\nb\n\nc");
    const lines: string[] = [];
    const options = { start: 0 };
    for await (const line of (handle.readLines as (options: object) => AsyncIterable<string>)(options))
      lines.push(line);
    return lines.join("|");
  }),
  onStream("readableWebStream", async (handle) => {
    await (handle.read as (options: object) => Promise<unknown>)({ length: 2, buffer: new Uint8Array(2) });
    const open = (handle.readableWebStream as Streams).bind(handle);
    return await collect(open({ type: "bytes" }));
  }),
  onStream("readableWebStream twice", async (handle) => {
    const open = (handle.readableWebStream as Streams).bind(handle);
    open({ type: "bytes" });
    return open({ type: "bytes" });
  }),
];

export const handleCases: readonly CaseGroup[] = [
  { title: "handles: reading", cases: reading },
  { title: "handles: writing", cases: writing },
  { title: "handles: names that change", cases: naming },
  { title: "handles: closing", cases: closing },
  { title: "handles: streams", cases: streaming },
];
