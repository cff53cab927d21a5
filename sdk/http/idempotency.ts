/** A key that no other request has: time-free, 128 random bits, within the wire's 255 characters. */
export function createIdempotencyKey(): string {
  return `sdk_${crypto.randomUUID()}`;
}
