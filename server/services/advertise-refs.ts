import type { Oid } from "../git/hash/oid.ts";
import type { RefRecord, RepoSnapshot } from "../git/ports.ts";
import { AGENT } from "../git/protocol/capabilities.ts";
import { encodeLsRefsEntries, type LsRefsEntry, type LsRefsRequest } from "../git/protocol/ls-refs.ts";
import { FLUSH_PKT } from "../git/protocol/pkt-line.ts";
import { RECEIVE_CAPABILITIES } from "../git/protocol/receive-request.ts";
import {
  createRefAdvertisementEncoder,
  encodeServicePreamble,
  type GitService,
} from "../git/protocol/ref-advertisement.ts";
import { V0_UPLOAD_CAPABILITIES } from "../git/protocol/v0-upload.ts";
import { encodeV2Advertisement } from "../git/protocol/v2-request.ts";
import type { RepoHandle } from "../ports/repo.ts";

/** With more prefixes than this one listing of everything is cheaper than a round to the store for each. */
const MAX_PREFIX_QUERIES = 16;
const ALL_REFS = "refs/";

/**
 * The reply to `GET …/info/refs`: the refs in protocol v0 and v1, capabilities only in v2 (which receive-pack does
 * not have: a client that asks for it gets v0). Refs are read from the store in each call, never from a cache.
 */
export async function* advertiseRefs(
  repo: RepoHandle,
  service: GitService,
  version: 0 | 1 | 2,
): AsyncGenerator<Uint8Array> {
  if (service === "git-upload-pack" && version === 2) {
    yield encodeV2Advertisement();
    return;
  }
  const uploads = service === "git-upload-pack";
  const { snapshot, headOid } = await snapshotHead(repo);
  const capabilities = uploads ? formatUploadCapabilities(snapshot, headOid) : RECEIVE_CAPABILITIES;
  const encoder = createRefAdvertisementEncoder(capabilities, uploads);
  yield encodeServicePreamble(service, version === 1 ? 1 : 0);
  // A push moves named refs; git does not tell it of HEAD either.
  if (uploads && headOid) yield encoder.encodeRefs([{ name: "HEAD", oid: headOid }]);
  for await (const refs of listRefPages(repo, ALL_REFS)) yield encoder.encodeRefs(refs);
  yield encoder.finish();
}

/** The reply to the `ls-refs` command: HEAD, then refs in byte order of their names. */
export async function* listRefsV2(repo: RepoHandle, request: LsRefsRequest): AsyncGenerator<Uint8Array> {
  if (matchesPrefix(request.prefixes, "HEAD")) {
    const { snapshot, headOid } = await snapshotHead(repo);
    yield encodeLsRefsEntries(request, describeHead(snapshot, headOid));
  }
  const queries = planPrefixQueries(request.prefixes);
  for (const prefix of queries) {
    for await (const refs of listRefPages(repo, prefix)) {
      const wanted = refs.filter((ref) => matchesPrefix(request.prefixes, ref.name));
      yield encodeLsRefsEntries(
        request,
        wanted.map((ref) => ({ ...ref, kind: "ref" as const })),
      );
    }
  }
  yield FLUSH_PKT;
}

/** Every ref of the repository, page by page, in byte order of the names. */
export async function* listRefPages(
  repo: RepoHandle,
  prefix: string,
): AsyncGenerator<readonly RefRecord[], void, undefined> {
  let after: string | null = null;
  do {
    const page = await repo.store.listRefs(after === null ? { prefix } : { prefix, after });
    if (page.refs.length > 0) yield page.refs;
    after = page.next;
  } while (after !== null);
}

/** HEAD in one round: what it names, and the commit behind it; null on an unborn branch. */
export async function snapshotHead(
  repo: RepoHandle,
): Promise<{ readonly snapshot: RepoSnapshot; readonly headOid: Oid | null }> {
  const branch = `refs/heads/${repo.record.defaultBranch}`;
  let snapshot = await repo.snapshot([branch]);
  const { head } = snapshot;
  if (head.kind === "detached") return { snapshot, headOid: head.oid };
  // HEAD names another branch than the directory says only while that one is being changed.
  if (head.target !== branch) snapshot = await repo.snapshot([head.target]);
  return { snapshot, headOid: snapshot.refs.get(head.target) ?? null };
}

function formatUploadCapabilities(snapshot: RepoSnapshot, headOid: Oid | null): string[] {
  const symref = headOid && snapshot.head.kind === "symbolic" ? [`symref=HEAD:${snapshot.head.target}`] : [];
  return [...V0_UPLOAD_CAPABILITIES, ...symref, `agent=${AGENT}`];
}

function describeHead(snapshot: RepoSnapshot, headOid: Oid | null): LsRefsEntry[] {
  const { head } = snapshot;
  if (head.kind === "detached") return [{ kind: "ref", name: "HEAD", oid: head.oid }];
  if (!headOid) return [{ kind: "unborn", name: "HEAD", symrefTarget: head.target }];
  return [{ kind: "ref", name: "HEAD", oid: headOid, symrefTarget: head.target }];
}

function matchesPrefix(prefixes: readonly string[], name: string): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix));
}

/** The shortest list of prefixes that covers every ref asked for, none inside another, in order. */
function planPrefixQueries(prefixes: readonly string[]): readonly string[] {
  if (prefixes.length === 0) return [ALL_REFS];
  const useful = prefixes.filter((prefix) => prefix.startsWith(ALL_REFS) || ALL_REFS.startsWith(prefix));
  const queries: string[] = [];
  // Sorted, a prefix comes right before everything that it covers.
  for (const prefix of useful.sort()) {
    const last = queries.at(-1);
    if (last === undefined || !prefix.startsWith(last)) queries.push(prefix);
  }
  return queries.length > MAX_PREFIX_QUERIES ? [ALL_REFS] : queries;
}
