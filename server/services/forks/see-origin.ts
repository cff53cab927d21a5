import type { ForkFacts } from "../../ports/fork.ts";
import type { OrgStore, Principal, RepoRecord } from "../../ports/org.ts";
import { findRule, mayRead } from "../access/grant.ts";

interface Sight {
  /** null: somebody without a key. */
  readonly reader: Principal | null;
  readonly repo: RepoRecord;
  readonly fork: ForkFacts;
}

/**
 * Whether whoever reads a fork may be told what it was forked from. The keeper of the fork's org may: it made the fork.
 * Anybody else may when the source is one that it can read, because its name says that it is there.
 */
export async function maySeeOrigin(
  openOrg: (orgId: string) => OrgStore,
  { reader, repo, fork }: Sight,
): Promise<boolean> {
  const source = { namespace: fork.sourceNamespace, slug: fork.sourceSlug };
  if (reader?.scopes === null) return true;
  if (reader && fork.sourceOrgId === repo.orgId && mayRead(findRule(reader.scopes, source))) return true;
  const found = await openOrg(fork.sourceOrgId).authorize({
    credential: { kind: "none" },
    need: "read",
    repo: source,
  });
  return found.kind === "allowed" && found.repo?.id === fork.sourceRepoId;
}
