import type { StreamOptions } from "../shapes/node-types.ts";
import { findBuiltin, openReadStream, type StreamSource } from "./file-streams.ts";

/** Lines of a file, one after the other, until they end or are closed. */
export interface Lines extends AsyncIterable<string> {
  close(): void;
}

interface ReadlineModule {
  createInterface(options: object): Lines;
}

/** A file's lines: node's readline.Interface, or where the platform has none an iterator over the same lines. */
export function readLines(source: StreamSource, options: StreamOptions = {}): Lines {
  // Workers have that module, but nothing in it.
  const readline = isWorkers() ? undefined : findBuiltin("node:readline");
  if (readline === undefined) return new PlainLines(source, options);
  // That module and no other.
  return (readline as ReadlineModule).createInterface({
    input: openReadStream(source, options),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
}

function isWorkers(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } }; // Absent in old Node.
  return navigator?.userAgent === "Cloudflare-Workers";
}

const LINE_END = /\r\n|[\n\r\u2028\u2029]/;
const CHUNK_BYTES = 64 * 1024;

class PlainLines implements Lines {
  readonly #source: StreamSource;
  readonly #options: StreamOptions;
  #closed = false;

  constructor(source: StreamSource, options: StreamOptions) {
    this.#source = source;
    this.#options = options;
  }

  close(): void {
    this.#closed = true;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    const { start, end = Number.POSITIVE_INFINITY, autoClose = true } = this.#options;
    const decoder = new TextDecoder();
    let position = start ?? null;
    let left = end - (start ?? 0) + 1;
    let rest = "";
    try {
      while (!this.#closed && left > 0) {
        const buffer = new Uint8Array(Math.min(CHUNK_BYTES, left));
        const { bytesRead } = await this.#source.read(buffer, 0, buffer.length, position);
        if (bytesRead === 0) break;
        if (position !== null) position += bytesRead;
        left -= bytesRead;
        rest += decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
        // A \r at the very end may be the first half of \r\n.
        const lines = rest.split(rest.endsWith("\r") ? /\r\n|[\n\u2028\u2029]|\r(?!$)/ : LINE_END);
        rest = lines.pop() ?? "";
        yield* lines;
      }
      rest += decoder.decode();
      if (!this.#closed && rest !== "") yield rest.replace(/\r$/, "");
    } finally {
      if (autoClose) await this.#source.close();
    }
  }
}
