import type { RefPage, RefRecord } from "../git/ports.ts";

/** Most refs in one page, whatever was asked: a page travels as one message. */
export const REF_PAGE_MAX = 10_000;
/** Most characters of names in one page; one name may have 4,096. */
const PAGE_CHARS_MAX = 4 * 1024 * 1024;

/** Cuts refs, already in order, into one page. Reads at most one record more than the page holds. */
export function limitRefPage(refs: Iterable<RefRecord>, limit = REF_PAGE_MAX): RefPage {
  const most = Math.max(1, Math.min(limit, REF_PAGE_MAX));
  const page: RefRecord[] = [];
  let chars = 0;
  for (const ref of refs) {
    const last = page.at(-1);
    if (last && (page.length === most || chars > PAGE_CHARS_MAX)) return { refs: page, next: last.name };
    page.push(ref);
    chars += ref.name.length;
  }
  return { refs: page, next: null };
}
