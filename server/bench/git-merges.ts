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

export interface JudgeOptions {
  /** Such as `merge.directoryRenames=false`. */
  readonly config?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * What git makes of each pair; null where it fails: histories without a common ancestor, or a fault of its own. One
 * `git merge-tree --write-tree --stdin` for all, another after each failure.
 * Source of the format: git-merge-tree(1), OUTPUT.
 */
export async function* judgeMerges(
  gitDir: string,
  pairs: readonly MergePair[],
  options: JudgeOptions = {},
): AsyncGenerator<GitVerdict | null, void, undefined> {
  for (let done = 0; done < pairs.length; ) {
    for await (const verdict of runMergeTree(gitDir, pairs.slice(done), options)) {
      done++;
      yield verdict;
    }
    const next = pairs[done];
    if (!next) return;
    // The pair at fault is this one or, as output is lost when git aborts, one after it.
    let alone: GitVerdict | null = null;
    for await (const verdict of runMergeTree(gitDir, [next], options)) alone = verdict;
    done++;
    yield alone;
  }
}

async function* runMergeTree(
  gitDir: string,
  pairs: readonly MergePair[],
  { config = [], env = {} }: JudgeOptions,
): AsyncGenerator<GitVerdict, void, undefined> {
  const settings = config.flatMap((entry) => ["-c", entry]);
  const args = [...settings, "merge-tree", "--write-tree", "--stdin", "--messages"];
  const child = spawn("git", args, {
    cwd: gitDir,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "ignore"],
  });
  // When git ends early, what was not read of the input is no failure of its own.
  child.stdin.on("error", () => child.stdin.destroy());
  child.stdin.end(pairs.map(({ ours, theirs }) => `${ours} ${theirs}\n`).join(""));
  yield* parseVerdicts(cutTokens(child.stdout));
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

/** Ends at a verdict that is cut off. */
async function* parseVerdicts(tokens: AsyncGenerator<string, void>): AsyncGenerator<GitVerdict, void> {
  for (;;) {
    const [clean, tree] = [await tokens.next(), await tokens.next()];
    if (clean.done || tree.done) return;
    const stages = new Map<string, (string | null)[]>();
    let token = await tokens.next();
    for (; !token.done && token.value !== ""; token = await tokens.next()) addStage(stages, token.value);
    const messages: GitMessage[] = [];
    // An empty token ends a verdict. Where submodules conflict, git prints free advice there instead.
    for (token = await tokens.next(); !token.done && /^\d+$/.test(token.value); token = await tokens.next()) {
      const paths: string[] = [];
      for (let n = Number(token.value); n > 0; n--) paths.push((await tokens.next()).value ?? "");
      const [type, text] = [await tokens.next(), await tokens.next()];
      messages.push({ paths, type: type.value ?? "", text: text.value ?? "" });
    }
    if (token.done) return;
    yield { clean: clean.value === "1", tree: tree.value, stages, messages };
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
