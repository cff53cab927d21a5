import { GitError } from "../../git/errors.ts";
import { BRANCH_PREFIX, checkRefName, TAG_PREFIX } from "../../git/object/ref-name.ts";

/**
 * Whether the API may create a ref of this full name. A push may name a branch `@`, but every revision reads that as
 * HEAD: nobody could ever look at it by name. A tag that starts with - is an option to every command that names it;
 * `git tag` refuses it as well.
 * @throws GitError invalid-ref-name
 */
export function checkNewRef(name: string): void {
  checkRefName(name);
  if (name === `${BRANCH_PREFIX}@`) {
    throw new GitError("invalid-ref-name", "a branch cannot be named @, which stands for HEAD", { name });
  }
  if (name.startsWith(`${TAG_PREFIX}-`)) {
    throw new GitError("invalid-ref-name", "a tag name cannot start with -", { name });
  }
}
