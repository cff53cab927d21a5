/** A command as a model sends it: nothing about it is sure. */
export type ToolInput = Readonly<Record<string, unknown>>;

/** A fault that is the model's: its message goes back as the tool's result. */
export class ToolFault extends Error {
  override readonly name = "ToolFault";
}

function faultOf({ command }: ToolInput, name: string): string {
  return `Parameter \`${name}\` is required${command === undefined ? "" : ` for command: ${String(command)}`}`;
}

export function readInput(value: unknown): ToolInput {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as ToolInput; // Any object.
  throw new ToolFault("The input must be an object with a `command`");
}

/** @throws ToolFault when the field is not text. */
export function readField(input: ToolInput, name: string): string {
  const value = input[name];
  if (typeof value === "string") return value;
  throw new ToolFault(faultOf(input, name));
}

/** @throws ToolFault when the field is there and not text. */
export function findField(input: ToolInput, name: string): string | null {
  return input[name] === undefined || input[name] === null ? null : readField(input, name);
}

/** @throws ToolFault when the field is not a whole number. */
export function readNumber(input: ToolInput, name: string): number {
  const value = input[name];
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new ToolFault(faultOf(input, name));
}

export function findRange(input: ToolInput): readonly [number, number] | null {
  const range = input.view_range;
  if (range === undefined || range === null) return null;
  if (Array.isArray(range) && range.length === 2 && range.every(Number.isInteger)) {
    return [range[0] as number, range[1] as number]; // Two whole numbers, as just checked.
  }
  throw new ToolFault("Invalid `view_range`. It should be a list of two integers.");
}
