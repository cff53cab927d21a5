import { spawn } from "node:child_process";

/** What git makes of a merge. */
export interface GitVerdict {
  readonly clean: boolean;
  /** With conflicts, the tree as it would be checked out, markers and all. */
  readonly tree: string;
  /** Of each path in conflict, what base, ours and theirs have there: `mode oid`, or null. */
  readonly stages: ReadonlyMap<string, readonly (string | null)[]>;
  readonly messages: readonly GitMessage[];
}

/** One line of what git says about a merge. */
export interface GitMessage {
  readonly paths: readonly string[];
  /** Stable name of the kind, such as `CONFLICT (rename/delete)` or `Auto-merging`. */
  readonly type: string;
  readonly text: string;
}

/** Two names of commits, as git writes them into conflict markers. */
export interface MergePair {
  readonly ours: string;
  readonly theirs: string;
}

/**
 * Merges each pair with one `git merge-tree --write-tree --stdin`. Histories that are unrelated end the process: leave
 * them out. Source of the format: git-merge-tree(1), OUTPUT.
 * @param config such as `merge.directoryRenames=false`
 * @throws Error when git ends before the last verdict
 */
export async function* judgeMerges(
  gitDir: string,
  pairs: readonly MergePair[],
  config: readonly string[] = [],
): AsyncGenerator<GitVerdict, void, undefined> {
  const options = config.flatMap((entry) => ["-c", entry]);
  const args = [...options, "merge-tree", "--write-tree", "--stdin", "--messages"];
  const child = spawn("git", args, { cwd: gitDir, stdio: ["pipe", "pipe", "inherit"] });
  // When git dies early, what was not read of the input is no failure of its own.
  child.stdin.on("error", () => child.stdin.destroy());
  child.stdin.end(pairs.map(({ ours, theirs }) => `${ours} ${theirs}\n`).join(""));
  let count = 0;
  for await (const verdict of parseVerdicts(cutTokens(child.stdout))) {
    count++;
    yield verdict;
  }
  if (count !== pairs.length) throw new Error(`git merged ${count} of ${pairs.length} pairs`);
}

async function* cutTokens(stream: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      yield rest.toString("utf8", 0, end);
      rest = rest.subarray(end + 1);
    }
  }
}

async function* parseVerdicts(tokens: AsyncGenerator<string, void>): AsyncGenerator<GitVerdict, void> {
  const take = async () => {
    const { value, done } = await tokens.next();
    if (done) throw new Error("git merge-tree ended in the middle of a verdict");
    return value;
  };
  for (let first = await tokens.next(); !first.done; first = await tokens.next()) {
    const tree = await take();
    const stages = new Map<string, (string | null)[]>();
    for (let line = await take(); line !== ""; line = await take()) addStage(stages, line);
    const messages: GitMessage[] = [];
    // An empty token ends a verdict. Where submodules conflict, git prints free advice there instead.
    for (let paths = await take(); /^\d+$/.test(paths); paths = await take()) {
      const named: string[] = [];
      for (let n = Number(paths); n > 0; n--) named.push(await take());
      messages.push({ paths: named, type: await take(), text: await take() });
    }
    yield { clean: first.value === "1", tree, stages, messages };
  }
}

/** `mode oid stage\tpath` */
function addStage(stages: Map<string, (string | null)[]>, line: string): void {
  const tab = line.indexOf("\t");
  const [mode, oid, stage] = line.slice(0, tab).split(" ");
  const path = line.slice(tab + 1);
  const known = stages.get(path) ?? [null, null, null];
  known[Number(stage) - 1] = `${mode} ${oid}`;
  stages.set(path, known);
}
