const encoder = new TextEncoder();
/** Keeps a byte order mark, as node does; bytes that are not UTF-8 read as U+FFFD. */
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  // An encoder's memory is never shared; the types of Workers leave that open.
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
