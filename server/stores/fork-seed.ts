import type { RefRecord } from "../git/ports.ts";
import type { ForkSeed, ForkStart } from "../ports/fork.ts";
import type { RepoTables } from "./repo-tables.ts";

/** Namespaces of refs that a fork begins with. */
const COPIED = ["refs/heads/", "refs/tags/", "refs/notes/"];

/** What a fork of this repository begins with; its packs are shared from now on. One step. */
export function shareRepo(tables: RepoTables, repoId: string): ForkSeed {
  return tables.atomically(() => ({
    familyId: tables.packs.share(repoId),
    head: tables.refs.readHead(),
    refs: COPIED.flatMap((prefix) => listAllRefs(tables, prefix)),
    packs: tables.packs.readCatalog().packs,
    objects: tables.hot.readOldest(Number.POSITIVE_INFINITY)?.objects ?? [],
  }));
}

function listAllRefs(tables: RepoTables, prefix: string): readonly RefRecord[] {
  const refs: RefRecord[] = [];
  for (let after: string | null = null; ; ) {
    const page = tables.refs.list({ prefix, ...(after === null ? {} : { after }) });
    refs.push(...page.refs);
    after = page.next;
    if (after === null) return refs;
  }
}

/** Writes down what a fork begins with; to be called inside the step that makes its store. */
export function plantFork(tables: RepoTables, { seed, reason }: ForkStart, atMs: number): void {
  tables.packs.adopt(seed.familyId, [...seed.packs].reverse());
  if (seed.objects.length > 0) tables.hot.put(seed.objects, atMs);
  const head = tables.refs.readHead();
  const home = head.kind === "symbolic" ? head.target : null;
  for (const record of seed.refs) {
    tables.refs.put(record);
    const { expiresAtMs = null } = record;
    if (expiresAtMs !== null && record.name !== home) tables.refs.setExpiry(record.name, expiresAtMs);
    tables.refs.appendReflog({ ref: record.name, from: null, to: record.oid, reason, atMs });
  }
}
