/** What the steps of taking in a pack share, and the one way an object enters the ledger. */
import { applyDelta, decodeDeltaSizes } from "../delta/apply-delta.ts";
import { GitError } from "../errors.ts";
import { findObjectType, type ObjectType } from "../hash/object-type.ts";
import type { Oid } from "../hash/oid.ts";
import { hashToBytes } from "../hash/sha1.ts";
import type { GitObject } from "../ports.ts";
import type { BaseCache } from "./base-cache.ts";
import type { PackLedger } from "./pack-ledger.ts";

export interface IngestLimits {
  /** Entries in the pack. */
  readonly maxObjects: number;
  /** Largest object of all. Blobs that are not deltas are hashed as they stream by, so this may be large. */
  readonly maxObjectBytes: number;
  /** Bytes of the pack as it arrives. */
  readonly maxPackBytes: number;
  /** Largest object that must be held whole: commits, trees, tags, deltas and what they make. Default 64 MB. */
  readonly maxHeldBytes?: number;
  /** Longest delta chain. Default 4,096: one more than git can be told to make. */
  readonly maxDeltaDepth?: number;
  /** Content of all objects together, because each has to be hashed. Default 32 GB. */
  readonly maxTotalBytes?: number;
}

/**
 * Called with each object of the pack once, in no particular order. `data` is null for a blob too large to be held.
 * What it throws ends the ingest.
 */
export type OnObject = (oid: Oid, type: ObjectType, data: Uint8Array | null) => void;

export interface IngestState {
  readonly ledger: PackLedger;
  readonly limits: Required<IngestLimits>;
  /** Contents by entry number. */
  readonly contents: BaseCache;
  readonly onObject: OnObject | null;
  readonly findBases: (oids: readonly Oid[]) => Promise<ReadonlyMap<Oid, GitObject>>;
  /** Deltas whose base was not at hand when they came by: entry numbers. */
  readonly pending: number[];
  /** Such deltas, inflated, by entry number: they are small, and to read each again costs as much as its base. */
  readonly deltas: BaseCache;
  totalBytes: number;
}

/** Enters an object that is held. @throws GitError corrupt-pack, corrupt-object, limit-exceeded */
export function settleObject(
  state: IngestState,
  entry: number,
  object: { type: ObjectType; data: Uint8Array },
) {
  const { type, data } = object;
  countContent(state, data.length);
  state.ledger.settle(entry, hashToBytes(type, data), { type, size: data.length, data });
  state.onObject?.(state.ledger.oidOf(entry), type, data);
}

/** What a delta is applied to. */
export interface DeltaParent {
  readonly type: ObjectType;
  readonly content: Uint8Array;
  readonly depth: number;
}

/** Makes and enters the object of a delta entry. @throws GitError corrupt-pack, corrupt-object, limit-exceeded */
export function settleDelta(
  state: IngestState,
  entry: number,
  { delta, parent }: { readonly delta: Uint8Array; readonly parent: DeltaParent },
): Uint8Array {
  const { ledger, limits } = state;
  const depth = parent.depth + 1;
  checkLimit(limits, "maxDeltaDepth", depth);
  checkLimit(limits, "maxHeldBytes", decodeDeltaSizes(delta).resultSize);
  const data = applyDelta(parent.content, delta, limits.maxHeldBytes);
  ledger.depths[entry] = depth;
  settleObject(state, entry, { type: parent.type, data });
  return data;
}

/** A settled entry as a parent. */
export function parentOf(state: IngestState, entry: number, content: Uint8Array): DeltaParent {
  const type = findObjectType(state.ledger.types[entry] as number);
  if (type === null) throw new GitError("corrupt-pack", "delta base was not resolved");
  return { type, content, depth: state.ledger.depths[entry] as number };
}

export function countContent(state: IngestState, bytes: number): void {
  state.totalBytes += bytes;
  checkLimit(state.limits, "maxTotalBytes", state.totalBytes);
}

/** @throws GitError limit-exceeded naming the limit */
export function checkLimit(limits: Required<IngestLimits>, limit: keyof IngestLimits, value: number): void {
  const max = limits[limit];
  if (value <= max) return;
  throw new GitError("limit-exceeded", `${value} is over the limit of ${max} (${limit})`, {
    limit,
    value,
    max,
  });
}
