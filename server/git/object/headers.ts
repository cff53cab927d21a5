/**
 * The header block that commits and tags share: `name value` lines, a continued line starts with a space, an empty
 * line ends it. Source: git-commit-tree, Documentation/gitformat-signature.
 */
import { type ByteString, byteStringFromBytes } from "../bytes/text.ts";
import { GitError } from "../errors.ts";

export interface Header {
  readonly name: string;
  /** Lines of a multi-line value are joined by \n, without the leading spaces. */
  readonly value: ByteString;
}

export interface HeaderBlock {
  readonly headers: readonly Header[];
  /** Everything after the empty line. */
  readonly message: ByteString;
}

/** A header without a value has an empty one. @throws GitError corrupt-object when the first line is a continued one */
export function parseHeaderBlock(data: Uint8Array): HeaderBlock {
  const text = byteStringFromBytes(data);
  const headers: { name: string; value: ByteString }[] = [];
  let offset = 0;
  while (offset < text.length && text[offset] !== "\n") {
    const newline = text.indexOf("\n", offset);
    const line = text.slice(offset, newline < 0 ? text.length : newline);
    offset = newline < 0 ? text.length : newline + 1;
    if (line.startsWith(" ")) {
      const last = headers.at(-1);
      if (!last) throw new GitError("corrupt-object", "header block starts with a continued line");
      last.value = `${last.value}\n${line.slice(1)}` as ByteString;
      continue;
    }
    const space = line.indexOf(" ");
    const nameEnd = space < 0 ? line.length : space;
    headers.push({ name: line.slice(0, nameEnd), value: line.slice(nameEnd + 1) as ByteString });
  }
  return { headers, message: text.slice(offset + 1) as ByteString };
}

/** Gives back what was parsed, but for a missing empty line at the end, which is added. */
export function formatHeaderBlock(block: HeaderBlock): ByteString {
  let text = "";
  for (const { name, value } of block.headers) text += `${name} ${value.replaceAll("\n", "\n ")}\n`;
  return `${text}\n${block.message}` as ByteString;
}
