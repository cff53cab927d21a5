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
}

const LINE = /^(?:(.*) )?<([^<>]*)> (-?\d{1,15}) ([+-]\d{1,7})$/s;
const FORBIDDEN = /[<>\n\0]/;

/** @throws GitError corrupt-object */
export function parseIdentity(line: ByteString): Identity {
  const match = LINE.exec(line);
  if (!match) throw new GitError("corrupt-object", `bad identity: ${line.slice(0, 120)}`);
  return {
    name: (match[1] ?? "") as ByteString,
    email: match[2] as ByteString,
    seconds: Number(match[3]),
    zone: match[4] as string,
  };
}

/** @throws GitError invalid-identity when name or email would break the line (git strips these; we refuse) */
export function formatIdentity(identity: Identity): ByteString {
  for (const [field, text] of [
    ["name", identity.name],
    ["email", identity.email],
  ] as const) {
    if (FORBIDDEN.test(text) || text.trim() !== text) {
      throw new GitError(
        "invalid-identity",
        `${field} may not hold <, >, NUL, a line break or outer spaces`,
        { field },
      );
    }
  }
  return `${identity.name} <${identity.email}> ${identity.seconds} ${identity.zone}` as ByteString;
}
