import { constants } from "../shapes/constants.ts";
import { valueError } from "./argument-errors.ts";
import { checkInteger } from "./check-values.ts";

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_SYNC } = constants;
const NEW = O_CREAT | O_TRUNC;
const ADD = O_CREAT | O_APPEND;

const FLAGS: ReadonlyMap<string, number> = new Map([
  ["r", O_RDONLY],
  ["rs", O_RDONLY | O_SYNC],
  ["sr", O_RDONLY | O_SYNC],
  ["r+", O_RDWR],
  ["rs+", O_RDWR | O_SYNC],
  ["sr+", O_RDWR | O_SYNC],
  ["w", NEW | O_WRONLY],
  ["wx", NEW | O_WRONLY | O_EXCL],
  ["xw", NEW | O_WRONLY | O_EXCL],
  ["w+", NEW | O_RDWR],
  ["wx+", NEW | O_RDWR | O_EXCL],
  ["xw+", NEW | O_RDWR | O_EXCL],
  ["a", ADD | O_WRONLY],
  ["ax", ADD | O_WRONLY | O_EXCL],
  ["xa", ADD | O_WRONLY | O_EXCL],
  ["as", ADD | O_WRONLY | O_SYNC],
  ["sa", ADD | O_WRONLY | O_SYNC],
  ["a+", ADD | O_RDWR],
  ["ax+", ADD | O_RDWR | O_EXCL],
  ["xa+", ADD | O_RDWR | O_EXCL],
  ["as+", ADD | O_RDWR | O_SYNC],
  ["sa+", ADD | O_RDWR | O_SYNC],
]);

/** Open flags as a number. Throws ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE. */
export function parseFlags(flags: unknown): number {
  if (typeof flags === "number") {
    checkInteger(flags, "flags", -(2 ** 31), 2 ** 31 - 1);
    return flags;
  }
  if (flags === undefined || flags === null) return O_RDONLY;
  const found = typeof flags === "string" ? FLAGS.get(flags) : undefined;
  if (found === undefined) throw valueError("flags", flags);
  return found;
}
