import { argumentError } from "../../kernel/errno.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  "\\": "\\\\",
};

/** Text in quotes, as node's inspect writes it. */
function quote(text: string): string {
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes("`") ? "`" : "'";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped.
  const escaped = text.replace(/[\u0000-\u001f\\\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
    return ESCAPES[character] ?? `\\x${code}`;
  });
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

/** A value in the short form in which errors show it. */
function inspect(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `[ ${value.map(inspect).join(", ")} ]`.replace("[  ]", "[]");
  if (ArrayBuffer.isView(value) && value instanceof Uint8Array) {
    const bytes = Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return value.constructor.name === "Buffer"
      ? `<Buffer ${bytes}>`
      : `Uint8Array(${value.length}) ${inspect([...value])}`;
  }
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0 ? "{}" : "[Object]";
  if (typeof value === "function") return `[Function ${value.name || "(anonymous)"}]`;
  return String(value);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function" && value.name !== "") return `function ${value.name}`;
  if (typeof value === "object") {
    // Not every object has a constructor; the type of `constructor` does not say so.
    const name = (value.constructor as { name?: string } | undefined)?.name;
    return name ? `an instance of ${name}` : "[Object: null prototype] {}";
  }
  const text = inspect(value);
  return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

/** ERR_INVALID_ARG_TYPE. `expected`: what follows "must be", such as "of type string". */
export function typeError(name: string, expected: string, value: unknown): TypeError {
  const noun = name.includes(".") ? "property" : "argument";
  return argumentError(
    "ERR_INVALID_ARG_TYPE",
    `The "${name}" ${noun} must be ${expected}. Received ${describe(value)}`,
  );
}

/** ERR_INVALID_ARG_VALUE. */
export function valueError(name: string, value: unknown, reason = "is invalid"): TypeError {
  const text = inspect(value);
  const noun = name.includes(".") ? "property" : "argument";
  const shown = text.length > 128 ? `${text.slice(0, 128)}...` : text;
  return argumentError("ERR_INVALID_ARG_VALUE", `The ${noun} '${name}' ${reason}. Received ${shown}`);
}

/** ERR_OUT_OF_RANGE. */
export function rangeError(name: string, range: string, value: unknown): RangeError {
  const isLarge =
    typeof value === "bigint"
      ? value > 2n ** 32n || value < -(2n ** 32n)
      : typeof value === "number" && Number.isInteger(value) && Math.abs(value) > 2 ** 32;
  const shown = isLarge ? inspect(value).replace(/\B(?=(\d{3})+n?$)/g, "_") : inspect(value);
  return Object.assign(
    new RangeError(`The value of "${name}" is out of range. It must be ${range}. Received ${shown}`),
    { code: "ERR_OUT_OF_RANGE" },
  );
}

/** An error that is told by its code alone. */
export function codeError(
  code: string,
  message: string,
  Kind: new (message: string) => Error = Error,
): Error {
  return Object.assign(new Kind(message), { code });
}

/** What a call is rejected with when its signal aborts: node's AbortError with the signal's reason as its cause. */
export function abortError(signal: AbortSignal): Error {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  error.name = "AbortError";
  return Object.assign(error, { code: "ABORT_ERR" });
}
