import { rangeError, typeError, valueError } from "./argument-errors.ts";

/** @throws RangeError ERR_OUT_OF_RANGE; TypeError ERR_INVALID_ARG_TYPE */
export function checkInteger(
  value: unknown,
  name: string,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (typeof value !== "number") throw typeError(name, "of type number", value);
  if (!Number.isInteger(value)) throw rangeError(name, "an integer", value);
  if (value < min || value > max) throw rangeError(name, `>= ${min} && <= ${max}`, value);
}

/** @throws TypeError ERR_INVALID_ARG_TYPE */
export function checkBoolean(value: unknown, name: string): asserts value is boolean {
  if (typeof value !== "boolean") throw typeError(name, "of type boolean", value);
}

/** @throws TypeError ERR_INVALID_ARG_TYPE */
export function checkObject(value: unknown, name: string): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw typeError(name, "of type object", value);
}

/** A numeric mode, from a number or octal text. Throws as node does. */
export function parseMode(value: unknown, name: string, missing?: number): number {
  let mode = value ?? missing;
  if (typeof mode === "string") {
    if (!/^[0-7]+$/.test(mode))
      throw valueError(name, mode, "must be a 32-bit unsigned integer or an octal string");
    mode = Number.parseInt(mode, 8);
  }
  checkInteger(mode, name, 0, 2 ** 32 - 1);
  return mode;
}

/** Checks a time that will not be stored. Throws ERR_INVALID_ARG_TYPE. */
export function checkTime(value: unknown, name = "time"): void {
  if (typeof value === "string" && value !== "" && Number.isFinite(Number(value))) return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (value instanceof Date) return;
  throw typeError(name, "an instance of Date or an Time in seconds", value);
}

const MAX_ID = 2 ** 32 - 1;

/** Checks an owner that will not be stored. */
export function checkOwner(uid: unknown, gid: unknown): void {
  checkInteger(uid, "uid", -1, MAX_ID);
  checkInteger(gid, "gid", -1, MAX_ID);
}

/** @throws TypeError ERR_INVALID_ARG_TYPE */
export function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal !== undefined && (typeof signal !== "object" || signal === null || !("aborted" in signal)))
    throw typeError("options.signal", "an instance of AbortSignal", signal);
}
