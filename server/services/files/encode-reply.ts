import type { Oid } from "../../git/hash/oid.ts";
import type { ObjectReader } from "../../git/ports.ts";
import { encodeBase64, isText, pieceJsonText, streamBase64 } from "./encode-content.ts";
import { type ContentRange, findText, readContent, readWholeContent } from "./read-file.ts";

/** A JSON reply above this is sent in pieces: its bytes, its text and its JSON would not fit an isolate together. */
const IN_ONE_PIECE_BYTES = 4 * 1024 * 1024;

export interface EncodedContent {
  readonly content: string;
  readonly encoding: "utf-8" | "base64";
}

export type EncodedReply<F> =
  | { readonly kind: "value"; readonly reply: EncodedContent & F }
  /** The reply's JSON text. */
  | { readonly kind: "stream"; readonly parts: AsyncIterable<string> };

export interface EncodeOptions {
  /** Send a part only. */
  readonly range?: ContentRange;
  /** Do not look for text. */
  readonly binary?: boolean;
}

/**
 * The JSON reply for an object's content, with `facts` beside it. Text stays text only when its bytes come back exactly:
 * valid UTF-8 without NUL, and cut between characters. Parts too large to look at first are base64 whatever they hold.
 * @throws GitError missing-object
 */
export async function encodeReply<F extends object>(
  reader: ObjectReader,
  file: { readonly oid: Oid; readonly size: number },
  facts: F,
  options: EncodeOptions = {},
): Promise<EncodedReply<F>> {
  const range = options.range ?? { start: 0, end: file.size };
  const isLarge = range.end - range.start > IN_ONE_PIECE_BYTES;
  if (isLarge && (options.range || options.binary)) {
    return streamReply("base64", streamBase64(readContent(reader, file, range)), facts);
  }
  const data = await readWholeContent(reader, file, range);
  if (isLarge) {
    return isText(data)
      ? streamReply("utf-8", pieceJsonText(data), facts)
      : streamReply("base64", streamBase64(only(data)), facts);
  }
  const text = options.binary ? null : findText(data);
  return text === null
    ? { kind: "value", reply: { content: encodeBase64(data), encoding: "base64", ...facts } }
    : { kind: "value", reply: { content: text, encoding: "utf-8", ...facts } };
}

type Pieces = AsyncIterable<string> | Iterable<string>;

function streamReply<F extends object>(
  encoding: EncodedContent["encoding"],
  content: Pieces,
  facts: F,
): EncodedReply<F> {
  return { kind: "stream", parts: writeReply(encoding, content, facts) };
}

async function* writeReply(
  encoding: EncodedContent["encoding"],
  content: Pieces,
  facts: object,
): AsyncGenerator<string> {
  yield '{"content":"';
  yield* content;
  yield `","encoding":"${encoding}",${JSON.stringify(facts).slice(1)}`;
}

async function* only(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield data;
}
