/**
 * Replays every merge commit of a repository on disk with this engine and with git, and prints where they differ:
 * `node --import tsx server/bench/merge-history.ts <git dir> [limit]`
 */
import { spawnSync } from "node:child_process";
import { parseOid } from "../git/hash/oid.ts";
import { mergeCommits } from "../git/merge/merge-commits.ts";
import { openGitObjects } from "./git-objects.ts";
import { judgeMerges } from "./git-merges.ts";

const [gitDir = ".", limit = "1000000"] = process.argv.slice(2);
const log = spawnSync("git", ["rev-list", "--merges", "--all", "--parents", `--max-count=${limit}`], { cwd: gitDir, encoding: "utf8", maxBuffer: 1e9 });
const pairs = log.stdout.trim().split("\n").map((l) => l.split(" ")).filter((p) => p.length === 3)
  .filter(([,a,b]) => process.env.SKIPBASE || spawnSync("git", ["merge-base", a!, b!], { cwd: gitDir }).status === 0)
  .map(([merge, ours, theirs]) => ({ merge: merge!, ours: ours!, theirs: theirs! }));
console.log("pairs", pairs.length);
const objects = openGitObjects(gitDir);
const counts: Record<string, number> = {};
const bump = (k: string) => { counts[k] = (counts[k] ?? 0) + 1; };
let i = 0;
let own = 0;
for await (const v of judgeMerges(gitDir, pairs, process.env.NODIR ? ["merge.directoryRenames=false"] : [])) {
  const p = pairs[i++]!;
  const t = performance.now();
  const m = await mergeCommits(objects, { ours: parseOid(p.ours), theirs: parseOid(p.theirs) }, { oursName: p.ours, theirsName: p.theirs });
  own += performance.now() - t;
  if (m.kind !== "merged") { bump("unrelated"); continue; }
  for (const c of m.conflicts) bump(`type ${c.type}`);
  for (const c of v.messages) bump(`git ${c.type}`);
  if (v.clean !== (m.conflicts.length === 0)) {
    bump("DIFF clean");
    console.log(p.merge, p.ours, p.theirs, "git clean", v.clean, JSON.stringify(m.conflicts.map(({path,type})=>({path,type})).slice(0,5)), JSON.stringify(v.messages.filter(m=>/CONFLICT/.test(m.type)).map(m=>[m.type,m.text]).slice(0, 4)));
  } else if (v.clean) {
    if (v.tree === m.tree) bump("same clean"); else { bump("DIFF tree"); console.log(p.merge, p.ours, p.theirs, v.tree, m.tree, JSON.stringify(v.messages.map(m=>m.text).slice(0,5))); }
  } else bump("same conflict");
}
console.log(counts, "own ms", own.toFixed(0));
objects.close();
