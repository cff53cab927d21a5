/**
 * Many small pieces of a file in few reads: on object storage a read costs some 20 ms whatever its size, and a request
 * may have six connections.
 */
import type { ByteSource } from "../ports.ts";

/** Bytes between two pieces that are rather read along than paid for with another read. */
const MAX_GAP_BYTES = 32 * 1024;
/** Six of these are in memory at once. */
export const MAX_READ_BYTES = 4 * 1024 * 1024;
const READS_AT_ONCE = 6;
/** Of a file that is passed on as it is: six reads hold 6 MB. */
const STRETCH_BYTES = 1024 * 1024;

export interface Span {
  readonly offset: number;
  readonly length: number;
}

export interface Window<S extends Span> {
  readonly span: S;
  /** The span's bytes; null when it is longer than one read: whoever wants it streams it. */
  readonly bytes: Uint8Array | null;
}

/** Reads the spans, which are best in order of offset, and hands them on in the order given. */
export async function* readSpans<S extends Span>(
  source: ByteSource,
  spans: readonly S[],
): AsyncGenerator<Window<S>, void, undefined> {
  for await (const { range, bytes } of readRanges(source, planRanges(spans))) {
    for (const span of range.spans) {
      const from = span.offset - range.offset;
      yield { span, bytes: bytes?.subarray(from, from + span.length) ?? null };
    }
  }
}

/** All of a stretch of a file, however long, in reads of bounded size, the next ones under way. */
export async function* readStretch(
  source: ByteSource,
  { offset, length }: Span,
): AsyncGenerator<Uint8Array, void, undefined> {
  const spans: Span[] = [];
  for (let at = 0; at < length; at += STRETCH_BYTES) {
    spans.push({ offset: offset + at, length: Math.min(STRETCH_BYTES, length - at) });
  }
  for await (const { bytes } of readRanges(
    source,
    spans.map((span) => ({ ...span, spans: [span] })),
  )) {
    if (bytes) yield bytes; // none is longer than one read
  }
}

interface Range<S extends Span> extends Span {
  readonly spans: readonly S[];
}

/** Joins neighbours. Spans that go backwards start a new range. */
export function planRanges<S extends Span>(spans: readonly S[]): Range<S>[] {
  const ranges: { offset: number; length: number; spans: S[] }[] = [];
  for (const span of spans) {
    const last = ranges.at(-1);
    const end = span.offset + span.length;
    const lastEnd = last ? last.offset + last.length : 0;
    const joins =
      last !== undefined &&
      span.offset >= lastEnd &&
      span.offset - lastEnd <= MAX_GAP_BYTES &&
      end - last.offset <= MAX_READ_BYTES;
    if (joins) {
      last.length = end - last.offset;
      last.spans.push(span);
    } else {
      ranges.push({ offset: span.offset, length: span.length, spans: [span] });
    }
  }
  return ranges;
}

type Settled = { readonly bytes: Uint8Array | null } | { readonly failure: unknown };

/** Reads ahead, in order. A failed read is raised when its turn comes, so that none is ever left unhandled. */
async function* readRanges<S extends Span>(source: ByteSource, ranges: readonly Range<S>[]) {
  const reads: Promise<Settled>[] = [];
  let started = 0;
  for (const range of ranges) {
    while (started < ranges.length && reads.length < READS_AT_ONCE) {
      reads.push(startRead(source, ranges[started++] as Range<S>));
    }
    const settled = (await reads.shift()) as Settled; // this range's, started above at the latest
    if ("failure" in settled) throw settled.failure;
    yield { range, bytes: settled.bytes };
  }
}

async function startRead(source: ByteSource, range: Span): Promise<Settled> {
  if (range.length > MAX_READ_BYTES) return { bytes: null };
  try {
    return { bytes: await source.read(range.offset, range.length) };
  } catch (failure) {
    return { failure };
  }
}
