import type { Oid } from "../../git/hash/oid.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { resolveRefTarget } from "../read-target.ts";

/** What a caller names as a branch, tag, revision or id. */
export type NamedCommit =
  | { readonly kind: "found"; readonly oid: Oid; readonly branch: string | null }
  | { readonly kind: "unknown-ref"; readonly ref: string };

/** The commit behind a name. A branch without commits and a tree count as unknown. @throws GitError invalid-revision */
export async function findNamedCommit(repo: RepoHandle, ref: string): Promise<NamedCommit> {
  const resolution = await resolveRefTarget(repo, ref);
  const commit = resolution.kind === "resolved" ? resolution.target.commit : null;
  if (resolution.kind !== "resolved" || commit === null || resolution.path !== "")
    return { kind: "unknown-ref", ref };
  return { kind: "found", oid: commit, branch: resolution.branch };
}
