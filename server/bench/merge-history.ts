/**
 * Replays every merge commit of a repository on disk with this engine and with git, and prints where they differ. The
 * repository stays as it is.
 *
 *   node --import tsx server/bench/merge-history.ts <git dir> [newest merges, else all] [git config …]
 *
 * Git's guesses about renamed directories are left out, as docs/merge.md says, unless
 * `merge.directoryRenames=conflict` is given.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { judgeMerges, type MergePair } from "./git-merges.ts";
import { openGitObjects, openScratchStore } from "./git-objects.ts";
import { compareMerge } from "./merge-judge.ts";

interface ReplayedMerge extends MergePair {
  readonly commit: string;
}

const LOG_BYTES_MAX = 1024 * 1024 * 1024;

/** Merges of two parents, newest first. */
async function listMerges(gitDir: string, limit: string): Promise<readonly ReplayedMerge[]> {
  const args = ["rev-list", "--all", "--merges", "--parents", `--max-count=${limit}`];
  const { stdout } = await promisify(execFile)("git", args, { cwd: gitDir, maxBuffer: LOG_BYTES_MAX });
  return stdout.split("\n").flatMap((line) => {
    const [commit, ours, theirs, ...more] = line.split(" ");
    return commit && ours && theirs && more.length === 0 ? [{ commit, ours, theirs }] : [];
  });
}

async function replay(gitDir: string, limit: string, config: readonly string[]): Promise<void> {
  const merges = await listMerges(gitDir, limit);
  const scratch = await openScratchStore(gitDir);
  const objects = openGitObjects(gitDir, scratch.env);
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  let next = 0;
  let ownMs = 0;
  try {
    for await (const verdict of judgeMerges(gitDir, merges, { config, env: scratch.env })) {
      const merge = merges[next++];
      if (!merge) break;
      if (!verdict) {
        count("not merged by git: unrelated histories, or a fault");
        continue;
      }
      const startedAt = performance.now();
      const compared = await compareMerge(objects, merge, verdict);
      ownMs += performance.now() - startedAt;
      if (compared.kind === "different") {
        count(`different: ${compared.what}`);
        console.log(`${merge.commit} ${compared.what}\n  git: ${compared.git}\n  engine: ${compared.engine}`);
        continue;
      }
      count(compared.clean ? "equal trees" : "equal conflicts");
      for (const type of compared.types) count(`  of these with ${type}`);
    }
  } finally {
    objects.close();
    await scratch.remove();
  }
  console.log(`${merges.length} merges, ${(ownMs / 1_000).toFixed(1)} s in this engine`);
  for (const [what, n] of counts) console.log(`${String(n).padStart(7)} ${what}`);
}

const [gitDir, limit = "-1", ...config] = process.argv.slice(2);
if (gitDir === undefined) throw new Error("which repository? merge-history.ts <git dir> [newest merges]");
await replay(gitDir, limit, config.length > 0 ? config : ["merge.directoryRenames=false"]);
