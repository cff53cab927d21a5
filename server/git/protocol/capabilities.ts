/** Capability lists `name name=value …`. Source: gitprotocol-capabilities(5). */
import type { ByteString } from "../bytes/text.ts";

/** Said in `agent=`; a client only records it. */
export const AGENT = "coregit/0.1";

/** What a client asked for: name → values in order; a name without `=` has the value "". */
export type Capabilities = ReadonlyMap<string, readonly string[]>;

/** Parses words that are separated by spaces. Any text is a list; unknown names are kept. */
export function parseCapabilities(text: ByteString): Capabilities {
  const capabilities = new Map<string, string[]>();
  for (const word of text.split(" ")) {
    if (word === "") continue;
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const values = capabilities.get(name) ?? [];
    values.push(equals < 0 ? "" : word.slice(equals + 1));
    capabilities.set(name, values);
  }
  return capabilities;
}

/** The protocol version of a `Git-Protocol` header (`version=2:key=value`); the highest known one wins, none is 0. */
export function parseProtocolVersion(header: string | null): 0 | 1 | 2 {
  let version: 0 | 1 | 2 = 0;
  for (const part of (header ?? "").split(":")) {
    if (part === "version=2") version = 2;
    else if (part === "version=1" && version === 0) version = 1;
  }
  return version;
}
