/**
 * What the engine and the services need from storage. Stores implement these; nothing here knows a platform.
 * Readers take many ids at once, because every implementation has a cost per call.
 */

import type { ObjectType } from "./hash/object-type.ts";
import type { Oid } from "./hash/oid.ts";

export interface GitObject {
  readonly oid: Oid;
  readonly type: ObjectType;
  /** Inflated content without the `type size\0` header. */
  readonly data: Uint8Array;
}

export interface ObjectHeader {
  readonly type: ObjectType;
  /** Inflated size in bytes. */
  readonly size: number;
}

export interface Found<T> {
  readonly found: ReadonlyMap<Oid, T>;
  readonly missing: readonly Oid[];
}

export interface ObjectReader {
  /**
   * Contents of the given objects; absence is a value.
   * @throws GitError limit-exceeded when one object is larger than the store's whole-object ceiling (use `openObject`)
   */
  readObjects(oids: readonly Oid[]): Promise<Found<GitObject>>;
  /** Types and sizes only; never inflates a blob. */
  readHeaders(oids: readonly Oid[]): Promise<Found<ObjectHeader>>;
  /**
   * One object as chunks, bytes `start` to `end` (exclusive) of its content; null when absent.
   * Never holds the whole content unless the object is stored as a delta.
   */
  openObject?(oid: Oid, range?: { readonly start: number; readonly end: number }): Promise<OpenObject | null>;
  /**
   * Those of the objects that can be copied as they are stored, compressed, in the order in which they lie there.
   * A delta is given only when `hasBase` says that the other side can make use of it. The rest must be read.
   */
  readStored?(oids: readonly Oid[], hasBase: (base: Oid) => boolean): AsyncIterable<StoredEntry>;
}

/** An object as it lies in a pack. Bases of deltas never lead in a circle within one `readStored`. */
export interface StoredEntry {
  readonly oid: Oid;
  readonly type: ObjectType;
  /** Delta base; null when the object is stored whole. */
  readonly base: Oid | null;
  /** What `deflated` inflates to: the object, or the delta. */
  readonly size: number;
  readonly deflated: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface OpenObject extends ObjectHeader {
  readonly oid: Oid;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** A pack in a repository's catalog. Packs never change; `key` is where the bytes lie, whoever shares them. */
export interface PackEntry {
  /** Unique and sortable by creation. */
  readonly id: string;
  /** Storage key without extension; `.pack`, `.idx` and `.refs` are stored beside each other. */
  readonly key: string;
  readonly objects: number;
  readonly packBytes: number;
  readonly idxBytes: number;
  readonly refsBytes: number;
  readonly createdAtMs: number;
  /**
   * Of a pack that another repository made: a bit for each position in its index (bit 0 first) whose object this
   * repository may not see. Absent: it sees all.
   */
  readonly hidden?: Uint8Array;
}

/** Random-access bytes of immutable content. */
export interface ByteSource {
  readonly size: number;
  /** Bytes [offset, offset+length). @throws GitError corrupt-pack when the source is shorter */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Immutable files by key: R2, or a map in tests. */
export interface FileStore {
  /** null when there is no such file. */
  open(key: string): Promise<ByteSource | null>;
  /** The whole file, or null. */
  readFile(key: string): Promise<Uint8Array | null>;
  /** Bytes [offset, offset+length) without a size look-up; null when there is no such file. */
  readRange(key: string, offset: number, length: number): Promise<Uint8Array | null>;
  writeFile(key: string, bytes: Uint8Array): Promise<void>;
  /** A file whose length is not known in advance. Nothing is visible before `close`. */
  createFile(key: string): Promise<FileSink>;
  deleteFiles(keys: readonly string[]): Promise<void>;
}

export interface FileSink {
  write(chunk: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

/** What `refs/...` or HEAD names. `symbolic` HEAD may point at a branch that does not exist yet (unborn). */
export type Head =
  | { readonly kind: "symbolic"; readonly target: string }
  | { readonly kind: "detached"; readonly oid: Oid };

export interface RefRecord {
  readonly name: string;
  readonly oid: Oid;
  /** The object behind an annotated tag. */
  readonly peeled?: Oid;
}

export interface RefPage {
  readonly refs: readonly RefRecord[];
  /** Name to pass as `after` for the next page; null at the end. */
  readonly next: string | null;
}

export interface RefQuery {
  readonly prefix?: string;
  /** Only names greater than this, in byte order. */
  readonly after?: string;
  readonly limit?: number;
}

export interface RefUpdate {
  readonly name: string;
  /** null = must not exist; undefined = whatever it is now. */
  readonly expected?: Oid | null;
  /** null = delete. */
  readonly next: Oid | null;
  readonly peeled?: Oid;
}

export type RefUpdateResult =
  | {
      readonly kind: "moved";
      readonly name: string;
      readonly previous: Oid | null;
      /** Nothing moved now: the same request did it before, to this id. */
      readonly replayed?: Oid;
    }
  | {
      readonly kind: "rejected";
      readonly name: string;
      readonly reason:
        | "stale"
        | "name-conflict"
        | "default-branch"
        | "missing-object"
        | "not-attempted"
        | "idempotency-mismatch";
      readonly current: Oid | null;
    };

/** Who moved a ref and why: one reflog line. */
export interface RefReason {
  readonly actor: string;
  readonly message: string;
}

/** What a request sees of a repository: one consistent look at refs and packs. */
export interface RepoSnapshot {
  readonly head: Head;
  /** Of the names asked for, those that exist. */
  readonly refs: ReadonlyMap<string, Oid>;
  readonly catalogVersion: number;
  /** null when the caller's `knownCatalogVersion` is current. */
  readonly packs: readonly PackEntry[] | null;
  /** Objects that are not in a pack yet. 0 = no need to ask `readHot`. */
  readonly hotObjects: number;
}

/** A key that a client sends again with a retry, and a digest of what it asked for. */
export interface Idempotency {
  readonly key: string;
  readonly fingerprint: string;
}

/** One write of objects and refs: visible together or not at all. */
export interface RefTransaction {
  readonly updates: readonly RefUpdate[];
  /** All or nothing; otherwise each update stands for itself. */
  readonly atomic: boolean;
  readonly reason: RefReason;
  /** Objects to become visible with the refs (hot tier). */
  readonly objects?: readonly GitObject[];
  /** A pack, already stored, to enter the catalog with the refs. */
  readonly pack?: PackEntry;
  /** Another one: what was brought from another repository. */
  readonly carried?: PackEntry;
  /** HEAD from now on, set before the updates: so the default branch can be renamed. Atomic transactions only. */
  readonly head?: Head;
  /** Of a transaction with one update: a repetition gives the first result, or idempotency-mismatch. */
  readonly idempotency?: Idempotency;
}

/** The strongly consistent side of one repository (a Durable Object, or memory in tests). */
export interface RepoStore {
  snapshot(query: {
    readonly refs?: readonly string[];
    readonly knownCatalogVersion?: number;
  }): Promise<RepoSnapshot>;
  listRefs(query: RefQuery): Promise<RefPage>;
  countRefs(prefix: string): Promise<number>;
  readHot(oids: readonly Oid[]): Promise<readonly GitObject[]>;
  readHotHeaders(oids: readonly Oid[]): Promise<ReadonlyMap<Oid, ObjectHeader>>;
  transact(transaction: RefTransaction): Promise<readonly RefUpdateResult[]>;
  setHead(head: Head, reason: RefReason): Promise<void>;
  /** Reserves a storage key; what is never catalogued is swept. */
  beginPack(): Promise<{ readonly id: string; readonly key: string }>;
}
