/** Preconditions of reads: RFC 9110, sections 13.1 and 14.2. */

const ENTITY_TAG = /(?:W\/)?"[^"]*"/g;

/** Whether If-None-Match names one of these tags: weakly compared, lists and `*` included. */
export function matchesEtag(header: string | null, ...etags: readonly string[]): boolean {
  if (header === null) return false;
  if (header.trim() === "*") return true;
  const given = header.match(ENTITY_TAG) ?? [];
  return given.some((tag) => etags.some((etag) => opaque(tag) === opaque(etag)));
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}

/**
 * The Range header, if it is to be looked at: only of a GET, and with If-Range only when that names what would be sent
 * now. A weak tag or a date never does: it does not promise the same bytes.
 */
export function readRange(request: Request, ...etags: readonly string[]): string | null {
  const range = request.headers.get("range");
  if (range === null || request.method !== "GET") return null;
  const condition = request.headers.get("if-range");
  return condition === null || etags.includes(condition.trim()) ? range : null;
}
