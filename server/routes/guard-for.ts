import type { Principal } from "../ports/org.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { findRule } from "../services/access/grant.ts";
import { guardRepo } from "../services/access/guard-repo.ts";

/** The repository with the limits of the caller's token around it; every door opens repositories through this. */
export function guardFor<T extends RepoHandle>(repo: T, principal: Principal | null): T {
  if (principal === null || principal.scopes === null) return repo;
  const rule = findRule(principal.scopes, repo.record);
  return rule === null ? repo : guardRepo(repo, rule);
}
