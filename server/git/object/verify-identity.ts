import type { ByteString } from "../bytes/text.ts";

/** Something wrong with an object, under the message id of git-fsck(1). */
export interface ObjectFault {
  /** Such as `treeNotSorted`. */
  readonly id: string;
  readonly message: string;
}

const MAX_SECONDS = "9223372036854775807"; // 2^63 - 1

/**
 * The first fault of an author, committer or tagger line (what follows the word and a space, without the line break),
 * or null. Source: git-fsck(1), message ids badEmail to zeroPaddedDate.
 */
export function findIdentityFault(line: ByteString): ObjectFault | null {
  const open = indexOfBracket(line, 0);
  if (open === 0 && line[0] === "<") return fault("missingNameBeforeEmail", "missing space before email");
  if (line[open] === ">") return fault("badName", "bad name");
  if (open === line.length) return fault("missingEmail", "missing email");
  if (line[open - 1] !== " ") return fault("missingSpaceBeforeEmail", "missing space before email");
  const close = indexOfBracket(line, open + 1);
  if (line[close] !== ">") return fault("badEmail", "bad email");
  if (line[close + 1] !== " ") return fault("missingSpaceBeforeDate", "missing space before date");
  return findDateFault(line.slice(close + 2));
}

function findDateFault(text: string): ObjectFault | null {
  const space = /^[ \t]*/.exec(text)?.[0].length ?? 0;
  const digits = /^\d*/.exec(text.slice(space))?.[0] ?? "";
  const end = space + digits.length;
  if (text[0] === "0" && text[1] !== " ") return fault("zeroPaddedDate", "zero-padded date");
  const value = digits.replace(/^0+/, "");
  if (value.length > MAX_SECONDS.length || (value.length === MAX_SECONDS.length && value > MAX_SECONDS)) {
    return fault("badDateOverflow", "date causes integer overflow");
  }
  if (digits === "" || text[end] !== " ") return fault("badDate", "bad date");
  if (!/^[+-]\d{4}$/.test(text.slice(end + 1))) return fault("badTimezone", "bad time zone");
  return null;
}

/** Offset of the next `<` or `>`, or the length. */
function indexOfBracket(line: string, start: number): number {
  for (let i = start; i < line.length; i++) if (line[i] === "<" || line[i] === ">") return i;
  return line.length;
}

function fault(id: string, message: string): ObjectFault {
  return { id, message: `invalid author/committer line - ${message}` };
}
