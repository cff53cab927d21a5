import { encodeText } from "../kernel/text.ts";

const ESCAPES: Readonly<Record<number, string>> = {
  7: "a",
  8: "b",
  9: "t",
  10: "n",
  11: "v",
  12: "f",
  13: "r",
  34: '"',
  92: "\\",
};

/** A path as git writes it in a patch: quoted when it holds control characters, quotes, backslashes or other than ASCII. */
export function quotePath(path: string): string {
  let quoted = "";
  let plain = true;
  for (const byte of encodeText(path)) {
    const escaped = ESCAPES[byte];
    if (escaped !== undefined) quoted += `\\${escaped}`;
    else if (byte < 32 || byte > 126) quoted += `\\${byte.toString(8).padStart(3, "0")}`;
    else {
      quoted += String.fromCharCode(byte);
      continue;
    }
    plain = false;
  }
  return plain ? path : `"${quoted}"`;
}

/** The name in a `---` or `+++` line: one that has spaces ends with a tab, or its end could not be told. */
export function formatSide(path: string): string {
  const quoted = quotePath(path);
  return quoted.startsWith('"') || !quoted.includes(" ") ? quoted : `${quoted}\t`;
}
