/**
 * What git costs against `git http-backend`, in the same run: `npm run bench:git [-- --repo DIR] [--commits N]`. The
 * client is the same git both times and its time is in the wall time; CPU is that of the servers alone. git checks what
 * is pushed to it only when told to (receive.fsckObjects) and is not told here; this server always checks.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runGit } from "./git-client.ts";
import { type Comparison, compareGit, formatComparisons } from "./git-report.ts";
import { Exchanges } from "./git-runs.ts";
import { startCoregit, startHttpBackend } from "./git-servers.ts";
import { describeMachine } from "./report.ts";
import { makeHistory, makeIncompressible } from "./sample-history.ts";

const FILES = 5_000;
const FILE_BYTES = 40_000_000;
const COMMITS = 2_500;

async function run(folder: string, options: { readonly repo?: string; readonly commits: number }) {
  const files = join(folder, "files");
  const history = join(folder, "history");
  await makeIncompressible(files, FILES, FILE_BYTES);
  if (options.repo) await runGit(["clone", "-q", "--bare", options.repo, history]);
  else await makeHistory(history, options.commits);
  const source = await new Exchanges(folder).describe(history);
  console.log(describeMachine());
  console.log(`- (i) ${FILES} files of ${FILE_BYTES / FILES} random bytes; (ii) ${source}\n`);

  const comparisons: Comparison[] = [];
  const ours = await startCoregit(join(folder, "coregit"));
  const theirs = await startHttpBackend(join(folder, "bare"));
  try {
    const exchanges = new Exchanges(folder);
    for (const step of exchanges.steps({ files, history })) {
      comparisons.push(await compareGit(step, { ours, theirs }));
      process.stderr.write(`${step.name}\n`);
    }
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
  }
  console.log(formatComparisons(comparisons));
}

const { values } = parseArgs({ options: { repo: { type: "string" }, commits: { type: "string" } } });
const folder = await mkdtemp(join(tmpdir(), "coregit-bench-git-"));
try {
  await run(folder, {
    commits: Number(values.commits ?? COMMITS),
    ...(values.repo === undefined ? {} : { repo: values.repo }),
  });
} finally {
  await rm(folder, { recursive: true, force: true });
}
