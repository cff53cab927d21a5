/** What a Range header asks of content of a known size. `end` is inclusive, as in Content-Range. */
export type ByteRange =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable"; readonly reason: string };

const BYTES_UNIT = /^bytes\s*=/i;
const RANGE = /^\s*(\d*)\s*-\s*(\d*)\s*$/;

/**
 * Reads a Range header (RFC 7233, section 2.1). What is no valid byte range is ignored, as the RFC demands: the whole
 * content is sent. Several ranges are refused rather than answered with a multipart body.
 */
export function parseByteRange(header: string | null, size: number): ByteRange {
  if (header === null || !BYTES_UNIT.test(header)) return { kind: "whole" };
  const list = header.slice(header.indexOf("=") + 1);
  if (list.includes(","))
    return { kind: "unsatisfiable", reason: "only one range can be asked for at a time" };
  const match = RANGE.exec(list);
  const [, first = "", last = ""] = match ?? [];
  if (!match || (first === "" && last === "")) return { kind: "whole" };
  const beyond = { kind: "unsatisfiable", reason: `the file has ${size} bytes` } as const;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? beyond : { kind: "part", start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return { kind: "whole" };
  if (start >= size) return beyond;
  return { kind: "part", start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}
