import { findOffsets } from "./lines.ts";

/** Where a text to be replaced is, in the line ends that the file has. */
export interface Location {
  readonly offsets: readonly number[];
  readonly old: string;
  readonly replacement: string;
}

function toCrlf(text: string): string {
  return text.replace(/\r?\n/g, "\r\n");
}

/**
 * Finds `old` in `text`. Models write `\n`: in a file whose lines end with `\r\n` both sides of an edit that spans lines
 * are taken to mean that, so that it matches and leaves no mixed line ends behind.
 */
export function locateText(text: string, old: string, replacement: string): Location {
  const offsets = findOffsets(text, old);
  if (offsets.length === 0 && old.includes("\n") && text.includes("\r\n")) {
    return {
      offsets: findOffsets(text, toCrlf(old)),
      old: toCrlf(old),
      replacement: toCrlf(replacement),
    };
  }
  const windows = text.includes("\r\n") && !/(^|[^\r])\n/.test(text);
  return { offsets, old, replacement: windows ? toCrlf(replacement) : replacement };
}
