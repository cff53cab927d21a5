import readNdjsonStream from "ndjson-readablestream";

const NEWLINE = 10;
/** Lines that may be on their way between the splitter and the reader (queues of the pipe) before one counts as bad. */
const LINES_IN_FLIGHT = 8;
/** The longest line of the contract is a prefetched file of 4 MiB in base64. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/** Cuts bytes at newlines, so that each chunk handed on is one whole line whatever the network made of it. */
class LineSplitter {
  #parts: Uint8Array[] = [];
  #size = 0;

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      yield this.#take();
    }
    this.#keep(chunk.subarray(start));
  }

  *finish(): Generator<Uint8Array> {
    if (this.#size > 0) yield this.#take();
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#parts.push(part);
    this.#size += part.length;
    if (this.#size > MAX_LINE_BYTES) throw new SyntaxError(`a line is longer than ${MAX_LINE_BYTES} bytes`);
  }

  #take(): Uint8Array {
    const line = new Uint8Array(this.#size);
    let offset = 0;
    for (const part of this.#parts) {
      line.set(part, offset);
      offset += part.length;
    }
    this.#parts = [];
    this.#size = 0;
    return line;
  }
}

/**
 * The values of an NDJSON body, one line at a time and no faster than the caller takes them. Leaving the loop early
 * cancels the body.
 *
 * ndjson-readablestream tries to parse after every chunk and keeps what does not parse, so a long line in many chunks
 * costs quadratic time and one bad line hides all that follow. It is therefore fed whole lines, and a line that gives no
 * value is an error.
 *
 * @throws SyntaxError when a line is not JSON or longer than 8 MiB; whatever the body fails with.
 */
export async function* readNdjson<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  const reader = body.getReader();
  const splitter = new LineSplitter();
  let given = 0;
  let taken = 0;
  const lines = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          if (given - taken > LINES_IN_FLIGHT) throw new SyntaxError(`line ${taken + 1} is not JSON`);
          const { done, value } = await reader.read();
          let lineCount = 0;
          for (const line of done ? splitter.finish() : splitter.push(value)) {
            if (line.every((byte) => byte <= 32)) continue;
            lineCount += 1;
            controller.enqueue(line);
          }
          given += lineCount;
          if (done) return controller.close();
          if (lineCount > 0) return;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  try {
    for await (const value of readNdjsonStream<T>(lines)) {
      taken += 1;
      yield value;
    }
    if (taken < given) throw new SyntaxError(`line ${taken + 1} is not JSON`);
  } finally {
    // The library holds the stream's lock after an early return, so the body itself is cancelled here.
    await reader.cancel().catch(() => undefined);
  }
}
