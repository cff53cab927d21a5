import type { FieldError } from "../../sdk/contract/errors.ts";
import { LIMITS } from "../../sdk/contract/limits.ts";
import { toByteString } from "../git/bytes/text.ts";
import { GitError } from "../git/errors.ts";
import { formatIdentity } from "../git/object/identity.ts";
import type { CommitIdentity } from "../ports/commit.ts";
import { isWellFormed } from "../services/commits/decode-content.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for; \0 and line breaks included.
const CONTROL = /[\0-\x1f\x7f]/;

/** Author and tagger of requests that name none. */
export const DEFAULT_IDENTITY: CommitIdentity = { name: "Coregit", email: "noreply@coregit.dev" };

/** Why a text cannot be the message of a commit or a tag; `field` is message. As git does, a blank one is refused. */
export function checkMessage(message: string): readonly FieldError[] {
  const faults: string[] = [];
  const bytes = Buffer.byteLength(message, "utf8");
  if (bytes > LIMITS.messageBytes) {
    faults.push(`has ${bytes} bytes, at most ${LIMITS.messageBytes} are taken`);
  }
  if (!isWellFormed(message)) faults.push("holds a lone surrogate");
  if (message.includes("\0")) faults.push("holds a NUL");
  if (message.trim() === "") faults.push("is blank");
  return faults.map((fault) => ({ field: "message", message: fault }));
}

/** Why name or email cannot stand in a commit or tag; `field` is the object that holds them. */
export function checkIdentity(field: string, identity: CommitIdentity): readonly FieldError[] {
  return (["name", "email"] as const).flatMap((part) => {
    const text = identity[part];
    if (!isWellFormed(text)) return [{ field: `${field}.${part}`, message: "holds a lone surrogate" }];
    if (CONTROL.test(text)) return [{ field: `${field}.${part}`, message: "holds a control character" }];
    const line = { name: "x", email: "x", [part]: text };
    return collectFaults(`${field}.${part}`, () => {
      const { name, email } = line;
      formatIdentity({ name: toByteString(name), email: toByteString(email), seconds: 0, zone: "+0000" });
    });
  });
}

/** What the engine says against a value, as an error of the field it came in. */
export function collectFaults(field: string, check: () => void): readonly FieldError[] {
  try {
    check();
    return [];
  } catch (error) {
    if (error instanceof GitError) return [{ field, message: error.message }];
    throw error;
  }
}
