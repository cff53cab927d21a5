import { codeError, typeError } from "../arguments/argument-errors.ts";
import { checkBoolean, checkInteger, checkObject } from "../arguments/check-values.ts";

/** node's options of cp, each with its default. */
export interface ParsedCpOptions {
  readonly dereference: boolean;
  readonly errorOnExist: boolean;
  readonly force: boolean;
  readonly preserveTimestamps: boolean;
  readonly recursive: boolean;
  readonly verbatimSymlinks: boolean;
  readonly mode: number;
  readonly filter: ((source: string, destination: string) => unknown) | undefined;
}

/** @throws TypeError ERR_INVALID_ARG_TYPE, ERR_INCOMPATIBLE_OPTION_PAIR; RangeError ERR_OUT_OF_RANGE */
export function parseCpOptions(options: unknown): ParsedCpOptions {
  if (options !== undefined) checkObject(options, "options");
  const given: Readonly<Record<string, unknown>> = { ...options };
  const flag = (name: string, missing: boolean): boolean => {
    const value = name in given ? given[name] : missing;
    checkBoolean(value, `options.${name}`);
    return value;
  };
  const flags = {
    dereference: flag("dereference", false),
    errorOnExist: flag("errorOnExist", false),
    force: flag("force", true),
    preserveTimestamps: flag("preserveTimestamps", false),
    recursive: flag("recursive", false),
    verbatimSymlinks: flag("verbatimSymlinks", false),
  };
  const mode = given.mode ?? 0;
  checkInteger(mode, "mode", 0, 7);
  if (flags.dereference && flags.verbatimSymlinks) {
    throw codeError(
      "ERR_INCOMPATIBLE_OPTION_PAIR",
      'Option "dereference" cannot be used in combination with option "verbatimSymlinks"',
      TypeError,
    );
  }
  const { filter } = given;
  if (filter !== undefined && typeof filter !== "function")
    throw typeError("options.filter", "of type function", filter);
  // What it takes cannot be told from a function.
  return { ...flags, mode, filter: filter as ParsedCpOptions["filter"] };
}
