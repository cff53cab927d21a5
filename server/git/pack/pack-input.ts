/** A pack as it arrives: a window over the stream that slides as entries are taken from it. */
import { GitError } from "../errors.ts";
import { createSha1, type Sha1 } from "../hash/sha1.ts";

/** A push of a few objects never needs more than the first. */
const FIRST_WINDOW_BYTES = 64 * 1024;
const WINDOW_BYTES = 1024 * 1024;

/** Gets every byte of the pack once, in order; the memory is reused after it returns. */
export type TakeBytes = (bytes: Uint8Array) => Promise<void>;

export class PackInput {
  /** Place in the pack of the next byte to be taken. */
  offset = 0;
  /** Bytes that arrived so far. */
  received = 0;
  private window = new Uint8Array(FIRST_WINDOW_BYTES);
  private start = 0;
  private end = 0;
  private hashedTo = 0;
  private rest: Uint8Array = new Uint8Array(0);
  private readonly chunks: AsyncIterator<Uint8Array>;
  private hash: Sha1 | null = createSha1();
  private readonly pass: TakeBytes;
  private readonly maxBytes: number;

  constructor(input: AsyncIterable<Uint8Array>, pass: TakeBytes, maxBytes: number) {
    this.chunks = input[Symbol.asyncIterator]();
    this.pass = pass;
    this.maxBytes = maxBytes;
  }

  get available(): number {
    return this.end - this.start;
  }

  /** What is there, not taken yet; valid until the next `fill`. */
  view(): Uint8Array {
    return this.window.subarray(this.start, this.end);
  }

  take(bytes: number): void {
    this.start += bytes;
    this.offset += bytes;
  }

  /**
   * Waits until `bytes` (at most half a large window) are there; false when the stream ends before.
   * @throws GitError limit-exceeded when more arrives than may
   */
  async fill(bytes: number): Promise<boolean> {
    while (this.available < bytes) {
      if (this.rest.length === 0) {
        const next = await this.chunks.next();
        if (next.done) return false;
        this.rest = next.value;
        this.received += next.value.length;
        this.checkSize();
      }
      if (this.window.length - this.end < this.rest.length) await this.makeRoom(bytes);
      const part = this.rest.subarray(0, this.window.length - this.end);
      this.window.set(part, this.end);
      this.end += part.length;
      this.rest = this.rest.subarray(part.length);
    }
    return true;
  }

  /** SHA-1 of all that was taken; what is taken after it is not hashed. */
  digest(): Uint8Array {
    const digest = (this.hash ?? createSha1())
      .update(this.window.subarray(this.hashedTo, this.start))
      .digest();
    this.hash = null;
    return digest;
  }

  /** Hands on what was taken since the window last moved. */
  async flush(): Promise<void> {
    await this.slide();
  }

  /** Tells the sender that nothing more is read. */
  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  /** Room for what is at hand, as far as that is worth moving bytes for. */
  private async makeRoom(bytes: number): Promise<void> {
    if (this.window.length < WINDOW_BYTES) {
      const larger = new Uint8Array(WINDOW_BYTES);
      larger.set(this.window.subarray(0, this.end));
      this.window = larger;
    }
    if (WINDOW_BYTES - this.end < Math.min(bytes, this.rest.length)) await this.slide();
  }

  private async slide(): Promise<void> {
    const taken = this.window.subarray(0, this.start);
    this.hash?.update(taken.subarray(this.hashedTo));
    await this.pass(taken);
    this.window.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    this.hashedTo = 0;
  }

  private checkSize(): void {
    if (this.received <= this.maxBytes) return;
    throw new GitError("limit-exceeded", `pack is larger than ${this.maxBytes} bytes`, {
      limit: "maxPackBytes",
      max: this.maxBytes,
    });
  }
}
