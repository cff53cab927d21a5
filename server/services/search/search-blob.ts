import { LIMITS } from "../../../sdk/contract/limits.ts";
import { decodeUtf8Lossy } from "../../git/bytes/text.ts";
import { dropCutCharacter } from "../files/read-file.ts";
import type { LineMatcher } from "./line-matcher.ts";

/** What is told of a matching line. */
export interface LineText {
  /** 1 for the first. */
  readonly line: number;
  readonly content: string;
  /** Bytes of the whole line; null when `content` is all of it. */
  readonly lineBytes: number | null;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

const NEWLINE = 10;

/** The matching lines of one file, found as they are asked for. */
export function* searchBlob(
  matcher: LineMatcher,
  content: Uint8Array,
  contextLines: number,
): Generator<LineText> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  for (const { line, start, end } of matcher.find(content)) {
    yield {
      line,
      content: readLine(bytes, start, end),
      lineBytes: end - start > LIMITS.grepLineBytes ? end - start : null,
      before: readBefore(bytes, start, contextLines),
      after: readAfter(bytes, end, contextLines),
    };
  }
}

/** A line's text; of a long one its beginning. */
function readLine(bytes: Buffer, start: number, end: number): string {
  const cut = Math.min(end, start + LIMITS.grepLineBytes);
  const part = bytes.subarray(start, cut);
  return decodeUtf8Lossy(cut < end ? dropCutCharacter(part) : part);
}

function readBefore(bytes: Buffer, start: number, count: number): readonly string[] {
  const lines: string[] = [];
  for (let end = start - 1; end >= 0 && lines.length < count; ) {
    const newline = end === 0 ? -1 : bytes.lastIndexOf(NEWLINE, end - 1);
    lines.push(readLine(bytes, newline + 1, end));
    end = newline;
  }
  return lines.reverse();
}

function readAfter(bytes: Buffer, end: number, count: number): readonly string[] {
  const lines: string[] = [];
  for (let start = end + 1; start < bytes.length && lines.length < count; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const stop = newline === -1 ? bytes.length : newline;
    lines.push(readLine(bytes, start, stop));
    start = stop + 1;
  }
  return lines;
}
