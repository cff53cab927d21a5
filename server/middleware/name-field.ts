import { GitError } from "../git/errors.ts";

/** Runs a check of the engine's; what it refuses is reported under `field`, the caller's name of the value. */
export function nameField<T>(field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new GitError(error.code, error.message, { ...error.data, field }, { cause: error });
  }
}
