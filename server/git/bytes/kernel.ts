/**
 * WebAssembly for small objects: inflate and SHA-1 without a call into the platform for each, made from
 * server/kernel/assembly. Who has the compiled module installs it, once; without it, and for what it leaves alone, the
 * plain code does the same.
 */
import { GitError } from "../errors.ts";
import type { SmallInflated } from "./inflate-small.ts";

/** The largest content that the kernel takes; up to here it wins in workerd: 8,000 bytes of text in 42 µs against 66. */
export const KERNEL_MAX_BYTES = 8 * 1024;

export interface Kernel {
  /**
   * As `inflateSmall`: the zlib stream at the start of `input`, which may go on after it, as exactly `size` bytes; null
   * when it is bad, of another size or larger than the kernel takes.
   */
  inflate(input: Uint8Array, size: number): SmallInflated | null;
  /** SHA-1 of `prefix` (ASCII) and `data`, 20 bytes. @throws GitError limit-exceeded above {@link KERNEL_MAX_BYTES} */
  sha1(prefix: string, data: Uint8Array): Uint8Array;
}

/** What the module exports; addresses and lengths in bytes. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  prepare(): void;
  inputAt(): number;
  outputAt(): number;
  digestAt(): number;
  inflate(length: number, size: number): number;
  sha1(length: number): void;
}

/** The part of WebAssembly that is used: the types of Node and of workers do not agree on it. */
declare const WebAssembly: {
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

let installed: Kernel | null = null;

/** Uses a compiled module from now on, for everything in this isolate; null: none. */
export function installKernel(module: object | null): void {
  installed = module === null ? null : createKernel(module);
}

/** The installed kernel; null = there is none. */
export function findKernel(): Kernel | null {
  return installed;
}

/** @param module a WebAssembly.Module of server/kernel/assembly */
export function createKernel(module: object): Kernel {
  const exports = new WebAssembly.Instance(module).exports as KernelExports; // of our own making
  exports.prepare();
  // The memory never grows, so these stay valid.
  const memory = new Uint8Array(exports.memory.buffer);
  const inputAt = exports.inputAt();
  const outputAt = exports.outputAt();
  const digestAt = exports.digestAt();
  return {
    inflate(input, size) {
      if (!(size >= 0 && size <= KERNEL_MAX_BYTES)) return null;
      // What is longer is the rest of a pack. An encoder so wasteful that its stream does not end here is left to zlib.
      const length = Math.min(input.length, size + (size >>> 3) + 320);
      memory.set(length < input.length ? input.subarray(0, length) : input, inputAt);
      const consumed = exports.inflate(length, size);
      return consumed < 0 ? null : { data: memory.slice(outputAt, outputAt + size), consumed };
    },
    sha1(prefix, data) {
      if (prefix.length + data.length > KERNEL_MAX_BYTES + 64) {
        throw new GitError("limit-exceeded", `the kernel hashes at most ${KERNEL_MAX_BYTES} bytes`);
      }
      for (let i = 0; i < prefix.length; i++) memory[inputAt + i] = prefix.charCodeAt(i);
      memory.set(data, inputAt + prefix.length);
      exports.sha1(prefix.length + data.length);
      return memory.slice(digestAt, digestAt + 20);
    },
  };
}
