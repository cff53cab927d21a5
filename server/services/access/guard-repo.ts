import { GitError } from "../../git/errors.ts";
import { BRANCH_PREFIX } from "../../git/object/ref-name.ts";
import type { ScopeRule, WriteGuard } from "../../ports/access.ts";
import type { CommittingRepoStore, RepoHandle } from "../../ports/repo.ts";
import { createGlobMatcher } from "../files/glob.ts";
import { layReaders, readHeld } from "../lay-readers.ts";
import { createWriteGuard, isAllowedRef } from "./write-guard.ts";

/**
 * The repository as somebody sees it whose rule has globs: every way to move a ref leads through the store, and the store
 * refuses what the rule does not allow. A handle without globs is given back as it is.
 * Its methods throw GitError forbidden.
 */
export function guardRepo<T extends RepoHandle>(repo: T, rule: ScopeRule): T {
  if (rule.refs === null && rule.paths === null) return repo;
  const guard = createWriteGuard(repo, rule);
  const judged = new Set<string>();
  const remembering: WriteGuard = {
    async findObjection(move, objects) {
      const objection = await guard.findObjection(move, objects);
      if (objection === null) judged.add(`${move.next} ${move.name}`);
      return objection;
    },
  };
  return { ...repo, store: guardStore(repo, rule, remembering, judged), guard: remembering };
}

function guardStore(
  repo: RepoHandle,
  rule: ScopeRule,
  guard: WriteGuard,
  judged: ReadonlySet<string>,
): CommittingRepoStore {
  const { store } = repo;
  const refs = createGlobMatcher(rule.refs ?? ["**"]);
  const checkRef = (name: string) => {
    if (!isAllowedRef(refs, name))
      throw new GitError("forbidden", `not permitted to move ${name}`, { ref: name });
  };
  return {
    ...store,
    async transact(transaction) {
      const objects = layReaders(readHeld(transaction.objects ?? []), repo.objects);
      for (const { name, next } of transaction.updates) {
        checkRef(name);
        // A pack cannot be looked into here; who brings one asks the guard itself.
        if (judged.has(`${next} ${name}`)) continue;
        if ((transaction.pack || transaction.carried) && rule.paths !== null)
          throw new Error("a pack came without having been judged");
        const objection = await guard.findObjection({ name, next }, objects);
        if (objection !== null) throw new GitError("forbidden", objection, { ref: name });
      }
      if (transaction.head) throw new GitError("forbidden", "not permitted to move HEAD");
      return store.transact(transaction);
    },
    async commit(request) {
      checkRef(BRANCH_PREFIX + request.branch);
      return store.commit({ ...request, ...(rule.paths !== null && { allowedPaths: rule.paths }) });
    },
    async setHead() {
      throw new GitError("forbidden", "not permitted to move HEAD");
    },
  };
}
