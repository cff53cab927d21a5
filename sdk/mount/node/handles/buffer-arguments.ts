import { rangeError, typeError, valueError } from "../arguments/argument-errors.ts";
import { checkInteger, checkObject } from "../arguments/check-values.ts";
import { asBuffer } from "../shapes/bytes.ts";

const DEFAULT_READ_BYTES = 16_384;

/** Where in a buffer and where in a file a read or write goes. */
export interface Transfer {
  readonly buffer: ArrayBufferView;
  readonly offset: number;
  readonly length: number;
  /** null: where the last call ended. */
  readonly position: number | null;
}

interface Given {
  readonly buffer?: unknown;
  readonly offset?: unknown;
  readonly length?: unknown;
  readonly position?: unknown;
}

/** Bytes of any view. */
export function bytesOfView(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function positionOf(position: unknown): number | null {
  return Number.isSafeInteger(position) && Number(position) >= 0 ? Number(position) : null;
}

const MAX_FILE_POSITION = 2n ** 63n - 1n;

/**
 * Where a read starts; -1 and nothing at all mean where the last call ended. Node has refused all other values since 24;
 * before, it read on from there as if nothing had been said, which is the wrong part of the file.
 */
function readPositionOf(position: unknown, byteLength: number): number | null {
  if (position === undefined || position === null) return null;
  if (typeof position === "bigint") {
    const last = MAX_FILE_POSITION - BigInt(byteLength);
    if (position < -1n || position > last) throw rangeError("position", `>= -1 && <= ${last}`, position);
  } else if (typeof position === "number") checkInteger(position, "position", -1);
  else throw typeError("position", "of type bigint or integer", position);
  return Number(position) === -1 ? null : Number(position);
}

/** The arguments of a handle's `read`, in any of its forms. Throws as node does. */
export function parseRead(first: unknown, offset: unknown, length: unknown, position: unknown): Transfer {
  let given: Given = { buffer: first, offset, length, position };
  if (!ArrayBuffer.isView(first)) {
    if (first !== undefined && first !== null) checkObject(first, "options");
    const options: Given = first ?? {};
    given = { ...options, buffer: options.buffer ?? asBuffer(new Uint8Array(DEFAULT_READ_BYTES)) };
  } else if (typeof offset === "object" && offset !== null) {
    given = { ...offset, buffer: first };
  }
  const { buffer } = given;
  if (!ArrayBuffer.isView(buffer))
    throw typeError("buffer", "an instance of Buffer, TypedArray, or DataView", buffer);
  const start = given.offset ?? 0;
  checkInteger(start, "offset", 0);
  const count = given.length ?? buffer.byteLength - start;
  if (typeof count !== "number") throw typeError("length", "of type number", count);
  const at = readPositionOf(given.position, count);
  if (count !== 0) {
    if (buffer.byteLength === 0) throw valueError("buffer", buffer, "is empty and cannot be written");
    if (count < 0) throw rangeError("length", ">= 0", count);
    if (start + count > buffer.byteLength)
      throw rangeError("length", `<= ${buffer.byteLength - start}`, count);
  }
  return { buffer, offset: start, length: count, position: at };
}

/** The arguments of a handle's `write` of bytes. Throws as node does. */
export function parseWrite(
  buffer: ArrayBufferView,
  offset: unknown,
  length: unknown,
  position: unknown,
): Transfer {
  const given: Given = typeof offset === "object" && offset !== null ? offset : { offset, length, position };
  const start = given.offset ?? 0;
  checkInteger(start, "offset", 0);
  const count = typeof given.length === "number" ? given.length : buffer.byteLength - start;
  if (start > buffer.byteLength) throw rangeError("offset", `<= ${buffer.byteLength}`, start);
  if (count > buffer.byteLength - start) throw rangeError("length", `<= ${buffer.byteLength - start}`, count);
  if (count < 0) throw rangeError("length", ">= 0", count);
  const at = typeof given.position === "number" ? positionOf(given.position) : null;
  return { buffer, offset: start, length: count, position: at };
}

/** @throws TypeError ERR_INVALID_ARG_TYPE unless every one is a view */
export function checkViews(buffers: unknown): asserts buffers is readonly ArrayBufferView[] {
  if (!Array.isArray(buffers) || !buffers.every((buffer) => ArrayBuffer.isView(buffer)))
    throw typeError("buffers", "an ArrayBufferView[]", buffers);
}

/** A plain answer without a prototype, as node gives it. */
export function answer<T extends object>(values: T): T {
  return Object.assign(Object.create(null), values);
}
