import { createParser } from "eventsource-parser";

/** One event of a `text/event-stream`, its data still text. */
export interface StreamEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** An event of a watch names ≤ 500 paths of ≤ 4 KB, and JSON may write a character as six. */
const MAX_EVENT_CHARS = 16 * 1024 * 1024;

/**
 * The events of a body, no faster than the caller takes them; null for each comment, which is how a server says that it
 * is still there.
 *
 * @throws SyntaxError when an event is longer than 16 Mi characters; whatever the body fails with.
 */
export async function* readEvents(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<StreamEvent | null, void, undefined> {
  const ready: (StreamEvent | null)[] = [];
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARS,
    onEvent: ({ event = "message", id, data }) => ready.push({ event, id, data }),
    onComment: () => ready.push(null),
    onError(error) {
      // Unknown fields are to be passed over (HTML standard, 9.2.6).
      if (error.type === "max-buffer-size-exceeded") throw new SyntaxError(error.message);
    },
  });
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
    yield* ready.splice(0);
  }
}
