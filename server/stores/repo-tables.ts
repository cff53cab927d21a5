import type { Oid } from "../git/hash/oid.ts";
import type {
  GitObject,
  Head,
  ObjectHeader,
  PackEntry,
  ReflogEntry,
  ReflogQuery,
  RefPage,
  RefQuery,
  RefRecord,
  ReplyDetail,
} from "../git/ports.ts";
import type { CommitReceipt } from "../ports/commit.ts";

/**
 * The rows of one repository: SQLite in a Durable Object, maps in memory. Everything here is synchronous, so that what
 * runs inside {@link RepoTables.atomically} is one step to everybody else; the rules live above, once for all stores.
 */
export interface RepoTables {
  /** Runs `change` as one transaction: when it throws, nothing of it stays. */
  atomically<T>(change: () => T): T;
  readonly refs: RefTable;
  readonly packs: PackTable;
  readonly hot: HotTable;
  readonly receipts: ReceiptTable;
}

/** A move before it has its place in the order of all moves. */
export type ReflogLine = Omit<ReflogEntry, "id">;

export interface RefTable {
  readHead(): Head;
  writeHead(head: Head): void;
  find(name: string): RefRecord | null;
  /** Whether a ref exists whose name starts with `prefix`. */
  hasUnder(prefix: string): boolean;
  /** Writes where the ref is; when it goes is left as it was. */
  put(record: RefRecord): void;
  /** null: it stays. The ref must exist. */
  setExpiry(name: string, atMs: number | null): void;
  /** Also forgets when it was to go: whoever has the name next does not inherit that. */
  delete(name: string): void;
  /** When the next ref goes by itself; null: none does. Asked with every request, so it must cost nothing. */
  nextExpiry(): number | null;
  /** Refs whose time has come, some at a time. */
  listExpired(nowMs: number): readonly RefRecord[];
  /** In the order of the names' UTF-8 bytes. */
  list(query: RefQuery): RefPage;
  count(prefix: string): number;
  appendReflog(line: ReflogLine): void;
  /** Newest first. */
  listReflog(query: ReflogQuery): readonly ReflogEntry[];
  /** Moves after `after` of some refs (all of them when absent), oldest first. */
  listMoves(query: {
    readonly after: number;
    readonly refs?: readonly string[];
    readonly limit: number;
  }): readonly ReflogEntry[];
  /** Id of the last move; 0 before the first. */
  lastMove(): number;
}

export interface Catalog {
  /** Grows with every change of `packs`. */
  readonly version: number;
  /** Newest first: most reads want what was written last. */
  readonly packs: readonly PackEntry[];
}

export interface PackReservation {
  readonly id: string;
  readonly key: string;
  readonly reservedAtMs: number;
}

export interface PackTable {
  readCatalog(): Catalog;
  reserve(reservation: PackReservation): void;
  /** Whether the key may still enter the catalog: reserved, and not given up to the sweeper. */
  isReserved(pack: PackEntry): boolean;
  /** Enters the catalog and ends the reservation. */
  add(pack: PackEntry): void;
  /**
   * One pack takes the place of others, which then wait for deletion like a key that was reserved now: requests that
   * began before may still read them. The new pack's reservation ends.
   */
  replace(old: readonly PackEntry[], pack: PackEntry, atMs: number): void;
  /** Every pack of the catalog may be held by others from now on; the family, `familyId` unless it has one already. */
  share(familyId: string): string;
  /** Packs of another repository of the family enter the catalog, oldest first. */
  adopt(familyId: string, packs: readonly PackEntry[]): void;
}

/** Objects on their way into a pack. Positions grow: everything up to one can be taken out together. */
export interface HotTable {
  count(): number;
  bytes(): number;
  /** Objects that are there already are left alone. */
  put(objects: readonly GitObject[], atMs: number): void;
  read(oids: readonly Oid[]): readonly GitObject[];
  readHeaders(oids: readonly Oid[]): ReadonlyMap<Oid, ObjectHeader>;
  /** The oldest objects after a batch's end, at least one row, about `maxBytes`; null when there are none. */
  readOldest(maxBytes: number, after?: number): HotBatch | null;
  /** Removes everything up to a batch's end. */
  deleteUpTo(end: number): void;
}

export interface HotBatch {
  readonly objects: readonly GitObject[];
  /** To pass to `deleteUpTo` once the objects are in a catalogued pack. */
  readonly end: number;
}

/** A request may be repeated under its Idempotency-Key for so long. */
export const RECEIPT_MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** What a transaction of one ref, or of none, came to. */
export interface RefReceipt {
  readonly ref: string;
  readonly oid: Oid | null;
  /** Absent in receipts of an older version. */
  readonly previous?: Oid | null;
  readonly detail?: ReplyDetail;
}

export interface StoredReceipt {
  readonly fingerprint: string;
  readonly receipt: CommitReceipt | RefReceipt;
  readonly atMs: number;
}

export interface ReceiptTable {
  find(key: string): StoredReceipt | null;
  put(key: string, receipt: StoredReceipt): void;
}
