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
  /** When the ref goes by itself; absent: never. */
  readonly expiresAtMs?: number;
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
  /** When the ref goes by itself; null: never. Absent: a ref that exists keeps what it has, a new one stays. */
  readonly expiresAtMs?: number | null;
}

/** What a request under an Idempotency-Key came to the first time. */
export interface RefReplay {
  /** Where it moved the ref; null: it deleted it, or moved none. */
  readonly oid: Oid | null;
  readonly detail: ReplyDetail;
}

/** What a reply says beyond the ref, where it is and where it was. */
export type ReplyDetail = Readonly<Record<string, string | number | null>>;

export type RefUpdateResult =
  | {
      readonly kind: "moved";
      readonly name: string;
      readonly previous: Oid | null;
      /** Nothing moved now: the same request did it before. `previous` is what it was then. */
      readonly replayed?: RefReplay;
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

/** One move of a ref (or of HEAD), kept for ever. */
export interface ReflogEntry {
  /** Its place in the order of all moves of the repository: grows with every move, from 1. */
  readonly id: number;
  readonly ref: string;
  /** null: it did not exist. */
  readonly from: Oid | null;
  /** null: it was deleted. */
  readonly to: Oid | null;
  readonly reason: RefReason;
  readonly atMs: number;
}

/** Which moves to list, newest first. */
export interface ReflogQuery {
  /** Full name; absent: of all refs, those that are gone too. */
  readonly ref?: string;
  /** Only moves older than this one. */
  readonly before?: number;
  /** The one move with this id. */
  readonly id?: number;
  /** Only moves from or to this object. */
  readonly oid?: Oid;
  readonly limit: number;
}

/** What a request sees of a repository: one consistent look at refs and packs. */
export interface RepoSnapshot {
  readonly head: Head;
  /** Of the names asked for, those that exist. */
  readonly refs: ReadonlyMap<string, Oid>;
  /** Of these, those that go by themselves, with their times; absent when there are none. */
  readonly expiries?: ReadonlyMap<string, number>;
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
  /** Kept with the result, for the reply to a repetition. */
  readonly detail?: ReplyDetail;
}

/** A note on a commit: the blob with its text, which the repository has or the same write brings. */
export interface NoteWrite {
  readonly annotated: Oid;
  readonly blob: Oid;
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
  /** Of a transaction with at most one update: a repetition gives the first result, or idempotency-mismatch. */
  readonly idempotency?: Idempotency;
  /** Written to the notes of agents in the same step, beside whatever is written there meanwhile. Atomic ones only. */
  readonly notes?: readonly NoteWrite[];
  /** Made in a turn of {@link RepoStore.takeTurn}. It ends with this, unless the update lost to somebody else's. */
  readonly turn?: RefTurn;
}

/** A place at the head of the line of those who compute on a ref before they move it. */
export interface RefTurn {
  readonly name: string;
  readonly id: number;
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
  /**
   * Waits until the caller is first of those who compute on a ref before they move it, and null when it had better go
   * on without. No lock: it only spares all but one of them from computing in vain. End it by a transaction that names
   * it, if need be one without updates; it ends by itself after some seconds.
   */
  takeTurn(name: string): Promise<RefTurn | null>;
  setHead(head: Head, reason: RefReason): Promise<void>;
  /** Newest first. */
  listReflog(query: ReflogQuery): Promise<readonly ReflogEntry[]>;
  /** Reserves a storage key; what is never catalogued is swept. */
  beginPack(): Promise<{ readonly id: string; readonly key: string }>;
}
