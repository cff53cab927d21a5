import { codeError } from "../arguments/argument-errors.ts";
import type { NodeStream, StreamOptions } from "../shapes/node-types.ts";

const CHUNK_BYTES = 64 * 1024;

/** What streams need of a handle. */
export interface StreamSource {
  readonly fd: number;
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesRead: number }>;
  write(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

type Done = (error?: unknown) => void;

interface StreamModule {
  readonly Readable: new (options: object) => NodeStream & { push(chunk: Uint8Array | null): boolean };
  readonly Writable: new (options: object) => NodeStream;
}

/** A module of node's own, where the platform has it, without naming it to bundlers. */
export function findBuiltin(name: string): unknown {
  const { process } = globalThis as {
    readonly process?: { getBuiltinModule?(name: string): unknown };
  }; // Absent in browsers.
  return process?.getBuiltinModule?.(name);
}

function requireStreams(method: string): StreamModule {
  const streams = findBuiltin("node:stream");
  if (streams !== undefined) return streams as StreamModule; // That module and no other.
  throw codeError(
    "ERR_METHOD_NOT_IMPLEMENTED",
    `The ${method} method is not implemented here: it needs node:stream (Node 20.16); use readableWebStream()`,
  );
}

function closer(source: StreamSource, autoClose: boolean) {
  return (error: unknown, done: Done) => {
    if (!autoClose) return done(error);
    source.close().then(
      () => done(error),
      (failure: unknown) => done(error ?? failure),
    );
  };
}

/** node's ReadStream over a handle. */
export function openReadStream(source: StreamSource, options: StreamOptions = {}): NodeStream {
  const { Readable } = requireStreams("createReadStream()");
  const { start, end = Number.POSITIVE_INFINITY, autoClose = true, highWaterMark = CHUNK_BYTES } = options;
  let position = start ?? null;
  let left = end - (start ?? 0) + 1;
  const stream = new Readable({
    encoding: options.encoding ?? null,
    emitClose: options.emitClose ?? true,
    autoDestroy: autoClose,
    highWaterMark,
    ...(options.signal ? { signal: options.signal } : {}),
    read(size: number) {
      const buffer = new Uint8Array(Math.max(0, Math.min(size, left)));
      if (buffer.length === 0) return stream.push(null);
      source.read(buffer, 0, buffer.length, position).then(
        ({ bytesRead }) => {
          if (position !== null) position += bytesRead;
          left -= bytesRead;
          facts.bytesRead += bytesRead;
          stream.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead));
        },
        (error: Error) => stream.destroy(error),
      );
    },
    destroy: closer(source, autoClose),
  });
  const facts = Object.assign(stream, { bytesRead: 0, pending: false, fd: source.fd });
  return stream;
}

/** node's WriteStream over a handle. */
export function openWriteStream(
  source: StreamSource,
  options: StreamOptions & { readonly flush?: boolean } = {},
): NodeStream {
  const { Writable } = requireStreams("createWriteStream()");
  const { start, autoClose = true, highWaterMark = CHUNK_BYTES } = options;
  let position = start ?? null;
  const stream = new Writable({
    defaultEncoding: options.encoding ?? "utf8",
    emitClose: options.emitClose ?? true,
    autoDestroy: autoClose,
    highWaterMark,
    ...(options.signal ? { signal: options.signal } : {}),
    write(chunk: Uint8Array, _encoding: string, done: Done) {
      source.write(chunk, 0, chunk.length, position).then(({ bytesWritten }) => {
        if (position !== null) position += bytesWritten;
        facts.bytesWritten += bytesWritten;
        done();
      }, done);
    },
    final(done: Done) {
      if (!options.flush) return done();
      source.sync().then(() => done(), done);
    },
    destroy: closer(source, autoClose),
  });
  const facts = Object.assign(stream, { bytesWritten: 0, pending: false, fd: source.fd });
  return stream;
}

/** The rest of a file as a stream of the web, cancelled when the handle is closed. */
export function streamFile(source: StreamSource, autoClose: boolean): ReadableStream<Uint8Array> {
  let finished = false;
  const finish = async () => {
    finished = true;
    source.off("close", onClose);
    if (autoClose) await source.close();
  };
  let onClose: () => void = () => undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onClose = () => {
          if (!finished) controller.close();
          finished = true;
        };
        source.once("close", onClose);
      },
      async pull(controller) {
        const buffer = new Uint8Array(CHUNK_BYTES);
        const { bytesRead } = await source.read(buffer, 0, buffer.length, null);
        if (finished) return;
        if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
        await finish();
        controller.close();
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
