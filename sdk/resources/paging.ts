/** One page of a list. */
export interface PageQuery {
  /** Entries per page; the endpoint has its own default and maximum. */
  readonly limit?: number;
  /** `next_cursor` of the page before; it is opaque. */
  readonly cursor?: string;
}

/** An inclusive byte range; without `end` to the end of the file. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** The Range header of a byte range, as further headers of a call. */
export function rangeHeaders(range: ByteRange | undefined): Readonly<Record<string, string>> {
  return range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ""}` };
}
