import { MountConflictError } from "../../errors.ts";
import type { UnsavedChange } from "../../mount/commit/saver.ts";
import type { MountedFS } from "../../mount/mounted-fs.ts";

const LETTERS: Readonly<Record<UnsavedChange["status"], string>> = {
  added: "A",
  modified: "M",
  deleted: "D",
  renamed: "R",
};

/** One unsaved change a line, as `git status --short` writes them: `M /path`, `R /old -> /new`. */
export function formatStatus(changes: readonly UnsavedChange[]): string {
  if (changes.length === 0) return "Nothing is unsaved.";
  return changes
    .map(({ status, path, from }) => `${LETTERS[status]} ${from === undefined ? path : `${from} -> ${path}`}`)
    .join("\n");
}

/** What became of a commit, in words that a model can act on. */
export interface CommitReport {
  /** Commit by repository; empty when there was nothing to commit. */
  readonly commits: Readonly<Record<string, string>>;
  readonly text: string;
}

/**
 * Commits, and makes of a conflict an error that says which files, and what to do.
 *
 * @throws Error for a conflict, nothing being lost; the mount's errors.
 */
export async function commitWithReport(
  mount: Pick<MountedFS, "commit">,
  message: string,
): Promise<CommitReport> {
  try {
    const commits = await mount.commit({ message });
    const lines = Object.entries(commits).map(([repo, sha]) => `Committed to ${repo}: ${sha}`);
    return { commits, text: lines.length === 0 ? "Nothing to commit." : lines.join("\n") };
  } catch (error) {
    if (!(error instanceof MountConflictError)) throw error;
    const files = error.conflicts.map(({ path, currentSha }) =>
      currentSha === null ? `${path} (deleted on the branch)` : `${path} (now blob ${currentSha})`,
    );
    throw new Error(
      `Not committed, and nothing lost: somebody else changed ${files.join(", ")} on the branch. ` +
        "Discard your change of these files, refresh, read them anew, make your change again, and commit.",
      { cause: error },
    );
  }
}
