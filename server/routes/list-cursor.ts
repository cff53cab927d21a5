import { invalidField } from "../middleware/request-error.ts";

const DIGITS = /^\d{1,15}$/;

/** A place in the list `name`, opaque to callers. */
export function formatListCursor(name: string, seq: number): string {
  return Buffer.from(`${name}:${seq}`).toString("base64url");
}

/** @throws RequestError VALIDATION_ERROR for what is not a cursor of this list */
export function parseListCursor(name: string, cursor: string): number {
  const text = Buffer.from(cursor, "base64url").toString("latin1");
  const seq = text.startsWith(`${name}:`) ? text.slice(name.length + 1) : "";
  if (!DIGITS.test(seq)) throw invalidField("cursor", "not a cursor of this list");
  return Number(seq);
}
