/** Large files of a repository, beside git: who has which, where the bytes lie, and who has locked what. */

/** Named by the SHA-256 of its bytes, in hex. */
export interface LfsObject {
  readonly oid: string;
  /** Bytes. */
  readonly size: number;
}

/** An object and the key of its file. */
export interface StoredLfsObject extends LfsObject {
  readonly key: string;
}

export interface LfsLock {
  readonly id: string;
  readonly path: string;
  /** Of the credential that locked it: a key's or token's id. */
  readonly owner: string;
  readonly lockedAtMs: number;
}

export interface LfsLockQuery {
  readonly path?: string;
  readonly id?: string;
  /** Lock to begin behind. */
  readonly after: number;
  readonly limit: number;
}

export interface LfsLockPage {
  readonly locks: readonly LfsLock[];
  /** `after` of the next page; null at the end. */
  readonly next: number | null;
}

export type LfsLocking =
  | { readonly kind: "locked"; readonly lock: LfsLock }
  | { readonly kind: "held"; readonly lock: LfsLock }
  | { readonly kind: "full"; readonly limit: number };

export type LfsUnlocking =
  | { readonly kind: "unlocked"; readonly lock: LfsLock }
  | { readonly kind: "not-owner"; readonly lock: LfsLock }
  | { readonly kind: "unknown" };

/** One repository's large files. An object is part of it once it is confirmed; before that it is only expected. */
export interface LfsStore {
  /** Those of the objects that the repository has. */
  find(oids: readonly string[]): Promise<readonly StoredLfsObject[]>;
  /** A place for each upload that is about to begin; what is never confirmed is swept after a day. */
  expect(objects: readonly LfsObject[]): Promise<readonly StoredLfsObject[]>;
  /** Places where an upload of the object may have arrived, newest first. */
  listExpected(oid: string): Promise<readonly StoredLfsObject[]>;
  /** The bytes lie at `key` and are what they should be: from now on the repository has the object. */
  confirm(object: StoredLfsObject): Promise<void>;
  lock(path: string, owner: string): Promise<LfsLocking>;
  listLocks(query: LfsLockQuery): Promise<LfsLockPage>;
  /** `force`: whoever owns it. */
  unlock(id: string, owner: string, force: boolean): Promise<LfsUnlocking>;
  /** Takes over what another repository has, for a fork of it; neither notices when the other goes. */
  adopt(sourceRepoId: string): Promise<void>;
  /** The repository is gone. Files that a fork has adopted stay until that is gone, too. */
  destroy(): Promise<void>;
}

export interface LfsUpload {
  readonly key: string;
  readonly oid: string;
  readonly size: number;
  readonly body: ReadableStream<Uint8Array>;
}

export interface LfsFile {
  readonly size: number;
  readonly body: ReadableStream<Uint8Array>;
}

/** Where the bytes lie. */
export interface LfsFiles {
  /** Stores the body as it comes; false, and nothing stored, when its hash or length is not what was said. */
  put(upload: LfsUpload): Promise<boolean>;
  /** Bytes `start` to `end`, inclusive; null when there is no such file. */
  open(key: string, range: { readonly start: number; readonly end: number } | null): Promise<LfsFile | null>;
  /** Whether the file is there whole and its bytes have this hash. Reads it unless the storage knows. */
  verify(object: StoredLfsObject): Promise<boolean>;
  delete(keys: readonly string[]): Promise<void>;
}

/** Addresses at which a client may put or get a file without this server in between. */
export interface LfsPresigner {
  upload(object: StoredLfsObject): Promise<PresignedRequest>;
  download(object: StoredLfsObject): Promise<PresignedRequest>;
}

export interface PresignedRequest {
  readonly href: string;
  readonly header: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly expiresIn: number;
}
