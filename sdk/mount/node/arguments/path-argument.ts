import { decodeText } from "../../kernel/text.ts";
import { codeError, typeError, valueError } from "./argument-errors.ts";

/** A WHATWG URL, of whatever realm or package, and not the result of node's old `url.parse`. */
function isUrl(value: unknown): value is URL {
  if (typeof value !== "object" || value === null) return false;
  const { href, protocol, auth, path } = value as Record<string, unknown>; // Any object may be asked.
  return Boolean(href && protocol) && auth === undefined && path === undefined;
}

function pathOfUrl(url: URL): string {
  if (url.protocol !== "file:")
    throw codeError("ERR_INVALID_URL_SCHEME", "The URL must be of scheme file", TypeError);
  if (url.hostname !== "")
    throw codeError(
      "ERR_INVALID_FILE_URL_HOST",
      'File URL host must be "localhost" or empty on linux',
      TypeError,
    );
  if (/%2f/i.test(url.pathname))
    throw codeError(
      "ERR_INVALID_FILE_URL_PATH",
      "File URL path must not include encoded / characters",
      TypeError,
    );
  return decodeURIComponent(url.pathname);
}

/**
 * A path in any of node's forms as text.
 *
 * @throws TypeError ERR_INVALID_ARG_TYPE; ERR_INVALID_ARG_VALUE for NUL; ERR_INVALID_URL_SCHEME and its family
 */
export function parsePathArgument(value: unknown, name: string): string {
  const given = isUrl(value) ? pathOfUrl(value) : value;
  if (typeof given !== "string" && !(given instanceof Uint8Array))
    throw typeError(name, "of type string or an instance of Buffer or URL", value);
  const text = typeof given === "string" ? given : decodeText(given);
  if (text.includes("\0"))
    throw valueError(name, given, "must be a string, Uint8Array, or URL without null bytes");
  return text;
}
