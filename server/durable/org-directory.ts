import type { ForkFacts } from "../ports/fork.ts";
import type { NewRepo, RepoPage, RepoPageQuery, RepoPatch, RepoRecord } from "../ports/org.ts";

type RepoRow = {
  readonly seq: number;
  readonly id: string;
  readonly namespace: string;
  readonly slug: string;
  readonly description: string | null;
  readonly visibility: string;
  readonly default_branch: string;
  readonly is_template: number;
  readonly auto_index: number;
  readonly created_at_ms: number;
  readonly fork: string | null;
};

/** Whose directory it is. */
export interface OrgFacts {
  readonly id: string;
  readonly slug: string;
}

const COLUMNS =
  "seq, id, namespace, slug, description, visibility, default_branch, is_template, auto_index, created_at_ms, fork";

export function findRepoByName(
  sql: SqlStorage,
  org: OrgFacts,
  namespace: string | null,
  slug: string,
): RepoRecord | null {
  const rows = sql.exec<RepoRow>(
    `SELECT ${COLUMNS} FROM repos WHERE namespace = ? AND slug = ?`,
    namespace ?? "",
    slug,
  );
  return firstRecord(rows, org);
}

export function findRepoById(sql: SqlStorage, org: OrgFacts, id: string): RepoRecord | null {
  return firstRecord(sql.exec<RepoRow>(`SELECT ${COLUMNS} FROM repos WHERE id = ?`, id), org);
}

/** null when the name is taken. */
export function insertRepo(sql: SqlStorage, org: OrgFacts, repo: NewRepo, nowMs: number): RepoRecord | null {
  const rows = sql.exec<RepoRow>(
    `INSERT INTO repos (id, namespace, slug, description, visibility, default_branch, is_template, auto_index,
       created_at_ms, fork) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (namespace, slug) DO NOTHING RETURNING ${COLUMNS}`,
    repo.id,
    repo.namespace ?? "",
    repo.slug,
    repo.description,
    repo.visibility,
    repo.defaultBranch,
    Number(repo.isTemplate),
    Number(repo.autoIndex),
    nowMs,
    repo.fork === null ? null : JSON.stringify(repo.fork),
  );
  return firstRecord(rows, org);
}

/** null when there is no such repository. */
export function patchRepo(sql: SqlStorage, org: OrgFacts, id: string, patch: RepoPatch): RepoRecord | null {
  const rows = sql.exec<RepoRow>(
    `UPDATE repos SET description = CASE WHEN ? THEN ? ELSE description END, visibility = coalesce(?, visibility),
       default_branch = coalesce(?, default_branch), is_template = coalesce(?, is_template),
       auto_index = coalesce(?, auto_index) WHERE id = ? RETURNING ${COLUMNS}`,
    Number(patch.description !== undefined),
    patch.description ?? null,
    patch.visibility ?? null,
    patch.defaultBranch ?? null,
    patch.isTemplate === undefined ? null : Number(patch.isTemplate),
    patch.autoIndex === undefined ? null : Number(patch.autoIndex),
    id,
  );
  return firstRecord(rows, org);
}

export function removeRepo(sql: SqlStorage, id: string): boolean {
  return sql.exec("DELETE FROM repos WHERE id = ? RETURNING id", id).toArray().length > 0;
}

export function hasRepoRow(sql: SqlStorage, id: string): boolean {
  return sql.exec("SELECT 1 FROM repos WHERE id = ?", id).toArray().length > 0;
}

/** One page, oldest first; a row more than asked for tells whether there is another. */
export function listRepoPage(sql: SqlStorage, org: OrgFacts, query: RepoPageQuery): RepoPage {
  const where = ["seq > ?"];
  const bindings: (string | number)[] = [query.after ?? 0];
  if (query.namespace !== undefined) {
    where.push("namespace = ?");
    bindings.push(query.namespace);
  }
  if (query.isTemplate !== undefined) {
    where.push("is_template = ?");
    bindings.push(Number(query.isTemplate));
  }
  if (query.publicOnly) where.push("visibility = 'public'");
  if (query.names) {
    // At most LIMITS.tokenScopes of them, two parameters each; none means that nothing is listed.
    const each = query.names.map(() => "(namespace = ? AND slug = ?)");
    where.push(each.length === 0 ? "0" : `(${each.join(" OR ")})`);
    bindings.push(...query.names.flatMap(({ namespace, slug }) => [namespace ?? "", slug]));
  }
  const rows = sql
    .exec<RepoRow>(
      `SELECT ${COLUMNS} FROM repos WHERE ${where.join(" AND ")} ORDER BY seq LIMIT ? OFFSET ?`,
      ...bindings,
      query.limit + 1,
      query.offset,
    )
    .toArray();
  const page = rows.slice(0, query.limit);
  const last = page[page.length - 1];
  return {
    repos: page.map((row) => toRecord(row, org)),
    next: rows.length > page.length && last ? last.seq : null,
  };
}

function firstRecord(rows: Iterable<RepoRow>, org: OrgFacts): RepoRecord | null {
  let found: RepoRecord | null = null;
  for (const row of rows) found ??= toRecord(row, org);
  return found;
}

function toRecord(row: RepoRow, org: OrgFacts): RepoRecord {
  return {
    id: row.id,
    orgId: org.id,
    orgSlug: org.slug,
    namespace: row.namespace === "" ? null : row.namespace,
    slug: row.slug,
    description: row.description,
    visibility: row.visibility === "public" ? "public" : "private",
    defaultBranch: row.default_branch,
    isTemplate: row.is_template === 1,
    autoIndex: row.auto_index === 1,
    createdAtMs: row.created_at_ms,
    // Written by insertRepo.
    fork: row.fork === null ? null : (JSON.parse(row.fork) as ForkFacts),
  };
}
