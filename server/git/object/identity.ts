import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";

/** Who and when, as in `Name <email> 1700000000 +0100`. Name and email are byte strings. */
export interface Identity {
  readonly name: ByteString;
  readonly email: ByteString;
  /** Seconds since 1970 UTC. */
  readonly seconds: number;
  /** Time zone as written: `+0100`. Odd ones from old tools are kept. */
  readonly zone: string;
  /** The line as it was, where the four parts do not give it back: old tools wrote many things. */
  readonly raw?: ByteString;
}

const WELL_FORMED = /^([^<>]*) <([^<>]*)> (0|[1-9]\d{0,14}) ([+-]\d{4,7})$/;
const ODD_DATE = /^[\t-\r ]*(\d{1,15})(?:[\t-\r ]+([+-]\d{1,7}))?/;
const FORBIDDEN = /[<>\n\0]/;
// ASCII only: \s would find the byte a0, which ends letters such as "à" in UTF-8.
const OUTER_SPACE = /^[\t-\r ]|[\t-\r ]$/;
const MAX_SECONDS = 999_999_999_999_999;
const ZONE = /^[+-]\d{4,7}$/;

/**
 * Reads an identity line; any line gives a value. What is not well formed is read as git reads it (the email is between
 * the first `<` and the `>` after it, the date behind the last `>`, 0 without one), and kept in `raw`.
 */
export function parseIdentity(line: ByteString): Identity {
  const match = WELL_FORMED.exec(line);
  if (!match) return parseOddIdentity(line);
  // The groups take part in every match; a part of a byte string is one.
  const [, name, email, seconds, zone] = match as unknown as [string, ByteString, ByteString, string, string];
  if (OUTER_SPACE.test(name) || OUTER_SPACE.test(email)) return parseOddIdentity(line);
  return { name, email, seconds: Number(seconds), zone };
}

function parseOddIdentity(line: ByteString): Identity {
  const open = line.indexOf("<");
  const close = open < 0 ? -1 : line.indexOf(">", open);
  const date = close < 0 ? null : ODD_DATE.exec(line.slice(line.lastIndexOf(">") + 1));
  return {
    name: trimSpace(close < 0 ? line : line.slice(0, open)),
    email: trimSpace(close < 0 ? "" : line.slice(open + 1, close)),
    seconds: Number(date?.[1] ?? 0),
    zone: date?.[2] ?? "+0000",
    raw: line,
  };
}

/**
 * The line of an identity; of one that was read, the line as it was.
 * @throws GitError invalid-identity with `data.field` when a part would break the line (git strips such characters
 * silently; we refuse) or is no date
 */
export function formatIdentity(identity: Identity): ByteString {
  if (identity.raw !== undefined) return identity.raw;
  for (const field of ["name", "email"] as const) {
    if (FORBIDDEN.test(identity[field]) || OUTER_SPACE.test(identity[field])) {
      throw invalid(field, `${field} may not hold <, >, NUL, a line break or outer spaces`);
    }
  }
  const { name, email, seconds, zone } = identity;
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) {
    throw invalid("seconds", "date is not a whole number of seconds since 1970");
  }
  if (!ZONE.test(zone)) throw invalid("zone", "time zone is not of the form +0100");
  return `${name} <${email}> ${seconds} ${zone}` as ByteString;
}

function trimSpace(text: string): ByteString {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end) as ByteString; // a part of a byte string is one
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function invalid(field: string, message: string): GitError {
  return new GitError("invalid-identity", message, { field });
}
