import type { MountedFS } from "../../mount/mounted-fs.ts";

/** What is used of `node:stream`. */
export interface StreamModule {
  readonly Readable: { from(source: AsyncIterable<Uint8Array>, options: object): unknown };
  readonly Writable: new (options: object) => unknown;
}

/** A stream of `node:stream`; typed by the module that was given, which this one does not import. */
// biome-ignore lint/suspicious/noExplicitAny: callers know node's stream types, this file must not
type NodeStream = any;

/** Streams as `node:fs` makes them. */
export interface FileStreams {
  /** `start` and `end` are both included. Large files pass the mount's cache by. */
  createReadStream(path: string, options?: ReadStreamOptions | string): NodeStream;
  /** Flags `w`, `wx`, `a` and `ax`; the file is made when the stream opens and grows by pieces of 1 MiB. */
  createWriteStream(path: string, options?: WriteStreamOptions | string): NodeStream;
}

export interface ReadStreamOptions {
  readonly start?: number;
  readonly end?: number;
  readonly encoding?: string;
  readonly highWaterMark?: number;
  readonly signal?: AbortSignal;
}

export interface WriteStreamOptions {
  readonly flags?: "w" | "wx" | "a" | "ax";
  readonly encoding?: string;
  readonly mode?: number;
  readonly signal?: AbortSignal;
}

/** Written bytes are put into the mount in pieces of this size, not chunk by chunk: each append copies the file. */
const PIECE_BYTES = 1024 * 1024;

/** node's default for file streams. */
const READ_BYTES = 64 * 1024;

/** `createReadStream` and `createWriteStream` over a mount, made with the caller's stream module. */
export function createFileStreams(mount: MountedFS, stream: StreamModule): FileStreams {
  return {
    createReadStream(path, options = {}) {
      const given = typeof options === "string" ? { encoding: options } : options;
      const { start, end, signal } = given;
      const range = {
        ...(start === undefined ? {} : { start }),
        ...(end === undefined ? {} : { end }),
        ...(signal === undefined ? {} : { signal }),
      };
      return stream.Readable.from(chunksOf(mount, path, range), {
        objectMode: false,
        highWaterMark: given.highWaterMark ?? READ_BYTES,
        ...(given.encoding === undefined ? {} : { encoding: given.encoding }),
        ...(signal === undefined ? {} : { signal }),
      });
    },
    createWriteStream(path, options = {}) {
      const given = typeof options === "string" ? { encoding: options } : options;
      return new stream.Writable(createSink(mount, path, given));
    },
  };
}

type ReadRange = Parameters<MountedFS["createReadStream"]>[1];

async function* chunksOf(mount: MountedFS, path: string, range: ReadRange): AsyncGenerator<Uint8Array> {
  const reader = mount.createReadStream(path, range).getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } finally {
    await reader.cancel();
  }
}

type Done = (error?: unknown) => void;

/** The options of a Writable that fills a file. */
function createSink(mount: MountedFS, path: string, options: WriteStreamOptions): object {
  const { promises } = mount;
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  const flush = async () => {
    const whole = pieces;
    pieces = [];
    bytes = 0;
    if (whole.length > 0) await promises.appendFile(path, whole);
  };
  const settle = (work: Promise<unknown>, done: Done) => {
    work.then(() => done(), done);
  };
  return {
    decodeStrings: true,
    defaultEncoding: options.encoding ?? "utf8",
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    construct(done: Done) {
      const { flags = "w", mode } = options;
      settle(promises.writeFile(path, "", { flag: flags, ...(mode === undefined ? {} : { mode }) }), done);
    },
    write(chunk: Uint8Array, _encoding: string, done: Done) {
      pieces.push(chunk);
      bytes += chunk.length;
      if (bytes < PIECE_BYTES) done();
      else settle(flush(), done);
    },
    final: (done: Done) => settle(flush(), done),
  };
}
