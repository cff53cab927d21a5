import type { Oid } from "../git/hash/oid.ts";
import type {
  GitObject,
  Head,
  PackEntry,
  ReflogEntry,
  ReflogQuery,
  RefPage,
  RefQuery,
  RefRecord,
} from "../git/ports.ts";
import { limitRefPage } from "./ref-page.ts";
import type {
  Catalog,
  HotTable,
  PackReservation,
  PackTable,
  ReceiptTable,
  ReflogLine,
  RefTable,
  RepoTables,
  StoredReceipt,
} from "./repo-tables.ts";

/** The rows of one repository in maps: for tests of everything above the store, and to judge the other stores by. */
export function createMemoryTables(defaultBranch: string): RepoTables {
  const state: State = {
    head: { kind: "symbolic", target: `refs/heads/${defaultBranch}` },
    refs: new Map(),
    expiries: new Map(),
    reflog: [],
    catalog: { version: 1, packs: [] },
    reservations: new Map(),
    hot: new Map(),
    hotEnd: 0,
    family: null,
    receipts: new Map(),
  };
  return {
    atomically(change) {
      const saved = copyState(state);
      try {
        return change();
      } catch (error) {
        Object.assign(state, saved);
        throw error;
      }
    },
    refs: createRefs(state),
    packs: createPacks(state),
    hot: createHot(state),
    receipts: createReceipts(state),
  };
}

interface State {
  head: Head;
  refs: Map<string, RefRecord>;
  expiries: Map<string, number>;
  reflog: ReflogLine[];
  catalog: Catalog;
  reservations: Map<string, PackReservation>;
  hot: Map<Oid, { readonly object: GitObject; readonly position: number }>;
  hotEnd: number;
  family: string | null;
  receipts: Map<string, StoredReceipt>;
}

function copyState(state: State): State {
  return {
    ...state,
    refs: new Map(state.refs),
    expiries: new Map(state.expiries),
    reflog: [...state.reflog],
    reservations: new Map(state.reservations),
    hot: new Map(state.hot),
    receipts: new Map(state.receipts),
  };
}

function createRefs(state: State): RefTable {
  return {
    readHead: () => state.head,
    writeHead(head) {
      state.head = head;
    },
    find: (name) => withExpiry(state, state.refs.get(name)) ?? null,
    hasUnder: (prefix) => [...state.refs.keys()].some((name) => name.startsWith(prefix)),
    put({ name, oid, peeled }) {
      state.refs.set(name, { name, oid, ...(peeled && { peeled }) });
    },
    setExpiry(name, atMs) {
      if (atMs === null) state.expiries.delete(name);
      else state.expiries.set(name, atMs);
    },
    delete(name) {
      state.refs.delete(name);
      state.expiries.delete(name);
    },
    nextExpiry: () => (state.expiries.size === 0 ? null : Math.min(...state.expiries.values())),
    listExpired: (nowMs) =>
      [...state.expiries].flatMap(([name, atMs]) => (atMs <= nowMs && state.refs.get(name)) || []),
    list: (query) => listRefs(state, query),
    count: (prefix) => [...state.refs.keys()].filter((name) => name.startsWith(prefix)).length,
    appendReflog: (line) => void state.reflog.push(line),
    listReflog: (query) =>
      numberLines(state.reflog)
        .reverse()
        .filter((entry) => isAskedFor(entry, query))
        .slice(0, query.limit),
    listMoves: ({ after, refs, limit }) =>
      numberLines(state.reflog)
        .filter(({ id, ref }) => id > after && (refs === undefined || refs.includes(ref)))
        .slice(0, limit),
    lastMove: () => state.reflog.length,
  };
}

function withExpiry(state: State, record: RefRecord | undefined): RefRecord | undefined {
  const expiresAtMs = record && state.expiries.get(record.name);
  return record && expiresAtMs !== undefined ? { ...record, expiresAtMs } : record;
}

function numberLines(lines: readonly ReflogLine[]): ReflogEntry[] {
  return lines.map((line, index) => ({ ...line, id: index + 1 }));
}

function isAskedFor({ id, ref, from, to }: ReflogEntry, query: ReflogQuery): boolean {
  return (
    (query.ref === undefined || query.ref === ref) &&
    (query.before === undefined || id < query.before) &&
    (query.id === undefined || id === query.id) &&
    (query.oid === undefined || query.oid === from || query.oid === to)
  );
}

function listRefs(state: State, query: RefQuery): RefPage {
  const prefix = query.prefix ?? "";
  const after = query.after === undefined ? null : Buffer.from(query.after);
  // Buffers compare as bytes; JavaScript's `<` would put U+1F600 before U+FF5E.
  const sorted = [...state.refs.values()]
    .filter((ref) => ref.name.startsWith(prefix))
    .map((ref) => ({ ref, bytes: Buffer.from(ref.name) }))
    .filter(({ bytes }) => after === null || Buffer.compare(bytes, after) > 0)
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ ref }) => withExpiry(state, ref) ?? ref);
  return limitRefPage(sorted, query.limit);
}

function createPacks(state: State): PackTable {
  return {
    readCatalog: () => state.catalog,
    reserve: (reservation) => void state.reservations.set(reservation.key, reservation),
    isReserved: (pack) => state.reservations.get(pack.key)?.id === pack.id,
    replace(old, pack) {
      const gone = new Set(old.map(({ key }) => key));
      state.reservations.delete(pack.key);
      state.catalog = {
        version: state.catalog.version + 1,
        packs: [pack, ...state.catalog.packs.filter(({ key }) => !gone.has(key))],
      };
    },
    share(familyId) {
      state.family ??= familyId;
      return state.family;
    },
    adopt(familyId, packs) {
      state.family = familyId;
      state.catalog = {
        version: state.catalog.version + 1,
        packs: [...[...packs].reverse(), ...state.catalog.packs],
      };
    },
    add(pack: PackEntry) {
      state.reservations.delete(pack.key);
      state.catalog = { version: state.catalog.version + 1, packs: [pack, ...state.catalog.packs] };
    },
  };
}

function createHot(state: State): HotTable {
  return {
    count: () => state.hot.size,
    bytes: () => [...state.hot.values()].reduce((sum, { object }) => sum + object.data.length, 0),
    put(objects) {
      const position = ++state.hotEnd;
      for (const object of objects) {
        if (state.hot.has(object.oid)) continue;
        state.hot.set(object.oid, { object: { ...object, data: object.data.slice() }, position });
      }
    },
    read: (oids) => oids.flatMap((oid) => state.hot.get(oid)?.object ?? []),
    readHeaders: (oids) =>
      new Map(
        oids.flatMap((oid) => {
          const object = state.hot.get(oid)?.object;
          return object ? [[oid, { type: object.type, size: object.data.length }] as const] : [];
        }),
      ),
    readOldest(maxBytes, after = 0) {
      const objects: GitObject[] = [];
      let bytes = 0;
      let end = 0;
      for (const { object, position } of state.hot.values()) {
        if (position <= after) continue;
        if (position !== end && bytes >= maxBytes) break;
        objects.push(object);
        bytes += object.data.length;
        end = position;
      }
      return objects.length > 0 ? { objects, end } : null;
    },
    deleteUpTo(end) {
      for (const [oid, { position }] of state.hot) if (position <= end) state.hot.delete(oid);
    },
  };
}

function createReceipts(state: State): ReceiptTable {
  return {
    find: (key) => state.receipts.get(key) ?? null,
    put: (key, receipt) => void state.receipts.set(key, receipt),
  };
}
