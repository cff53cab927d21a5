/** Newer engines have their own codec, many times faster than the portable way below. */
interface NativeBase64 {
  readonly toBase64?: () => string;
}
const native = Uint8Array as unknown as { readonly fromBase64?: (text: string) => Uint8Array }; // Absent in Node 20.

export function encodeBase64(bytes: Uint8Array): string {
  const { toBase64 } = bytes as NativeBase64;
  if (toBase64 !== undefined) return toBase64.call(bytes);
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text);
}

/** @throws an error of the platform when the text is not base64 */
export function decodeBase64(text: string): Uint8Array {
  if (native.fromBase64 !== undefined) return native.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
