/** A variable of the process's environment; undefined where there is no process (browsers, Workers without Node's). */
export function readEnvironment(name: string): string | undefined {
  // Not every platform types or has `process`; where env access needs a permission (Deno), a refusal counts as unset.
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  try {
    return process?.env?.[name] || undefined;
  } catch {
    return undefined;
  }
}
