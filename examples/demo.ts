/**
 * The main job, end to end, on real files: commit a thousand of them in one call, mount the repository as a
 * filesystem, prefetch, read, edit, commit again, and clone the result with stock git.
 *
 *   npm run demo
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommitCreated, createCoregitClient } from "@coregit/sdk";
import { startLocal } from "@coregit/server/local";
import {
  findPackagesFolder,
  findSourceTree,
  type SourceFile,
  type SourceTree,
  sumBytes,
  toChange,
} from "./demo/source-tree.ts";
import { formatBytes, StepTable } from "./demo/step-table.ts";
import { addKey, findGitVersion, git, writeTree } from "./demo/stock-git.ts";

const REPO = "demo";
const CHANGES_PER_COMMIT = 1_000;
const AUTHOR = { name: "Demo Agent", email: "agent@example.com" };

type Client = ReturnType<typeof createCoregitClient>;

function check(claim: boolean, message: string): void {
  if (!claim) throw new Error(message);
}

/** What a call gave, or its error thrown: a demo has no use for half a result. */
function take<T>(result: { data: T | null; error: { code: string; message: string } | null }): T {
  if (result.error || result.data === null) {
    throw new Error(result.error ? `${result.error.code}: ${result.error.message}` : "no data");
  }
  return result.data;
}

async function run(folder: string): Promise<void> {
  const gitVersion = await findGitVersion();
  const tree = findSourceTree(findPackagesFolder());
  describe(tree);
  console.log(`${gitVersion ?? "git is not installed: its comparisons, clone and fsck are left out"}\n`);

  let requests = 0;
  const table = new StepTable(() => requests);
  const server = await table.run("start the server", () =>
    startLocal({ dataDir: join(folder, "data"), limits: "off" }),
  );
  try {
    const counted: typeof fetch = (input, init) => {
      requests++;
      return server.fetch(input, init);
    };
    const cg = createCoregitClient({ apiKey: server.apiKey, baseUrl: server.url, fetch: counted });
    await table.run("create a repository", async () =>
      take(await cg.repos.create({ slug: REPO, init: false })),
    );
    const committed = await commitTree(cg, table, tree.files);
    if (gitVersion) await compareTree(table, join(folder, "tree"), tree.files, committed.tree_sha);
    const edits = await makeEdits(tree.files, folder);
    await workOnMount(cg, table, tree.files, edits);
    const head = take(await cg.commits.get(REPO, take(await cg.branches.get(REPO, "main")).sha));
    check(head.parents[0] === committed.sha, "the mount's commit does not stand on the first one");
    if (gitVersion) {
      await compareTree(table, join(folder, "edited-tree"), edits.files, head.tree);
      const url = addKey(`${server.url}/${server.org}/${REPO}.git`, server.apiKey);
      await cloneWithGit(table, url, folder, edits.files, head.sha);
    }
  } finally {
    await server.stop();
  }
  console.log(`\n${table.format()}\n\nEverything agrees${gitVersion ? " with git" : ""}.`);
}

function describe({ packages, files }: SourceTree): void {
  const binaries = files.filter(({ binary }) => binary);
  const names = new Set(binaries.map(({ path }) => path.split("/").at(-1)));
  console.log(`Source tree: ${packages.join(", ")} from node_modules`);
  console.log(
    `${files.length.toLocaleString("en-US")} files, ${formatBytes(sumBytes(files))}, ` +
      `${binaries.length} of them binary (${[...names].join(", ")})`,
  );
}

async function commitTree(
  cg: Client,
  table: StepTable,
  files: readonly SourceFile[],
): Promise<CommitCreated> {
  const [first = [], ...rest] = splitForCommits(files);
  let commit = await commitFiles(cg, table, first, "Add the tree");
  for (const part of rest) commit = await commitFiles(cg, table, part, "Add the rest of the tree");
  return commit;
}

function splitForCommits(files: readonly SourceFile[]): (readonly SourceFile[])[] {
  const count = Math.ceil(files.length / CHANGES_PER_COMMIT);
  return Array.from({ length: count }, (_, i) =>
    files.slice(i * CHANGES_PER_COMMIT, (i + 1) * CHANGES_PER_COMMIT),
  );
}

function commitFiles(
  cg: Client,
  table: StepTable,
  files: readonly SourceFile[],
  message: string,
): Promise<CommitCreated> {
  return table.run(`commit ${files.length.toLocaleString("en-US")} files in one call`, async (tell) => {
    const body = { branch: "main", message, author: AUTHOR, changes: files.map(toChange) };
    const commit = take(await cg.commits.create(REPO, body));
    tell({ files: files.length, bytes: sumBytes(files), note: commit.sha.slice(0, 12) });
    return commit;
  });
}

function compareTree(
  table: StepTable,
  folder: string,
  files: readonly SourceFile[],
  expected: string,
): Promise<void> {
  return table.run("git write-tree of the same files", async (tell) => {
    await mkdir(folder);
    const tree = await writeTree(folder, files);
    check(tree === expected, `git makes tree ${tree}, the server made ${expected}`);
    tell({ files: files.length, bytes: sumBytes(files), note: `${tree.slice(0, 12)}, the same` });
  });
}

/** Reads everything through a mount, changes a few files, commits. */
async function workOnMount(
  cg: Client,
  table: StepTable,
  files: readonly SourceFile[],
  edits: Edits,
): Promise<void> {
  const fs = await table.run("mount it", async (tell) => {
    const mounted = await cg.fs.mount({
      repos: [{ slug: REPO }],
      mode: "rw",
      branch: "main",
      commitMode: "manual",
      author: AUTHOR,
    });
    const entries = await mounted.readdir("/", { recursive: true });
    tell({ files: entries.filter(({ type }) => type === "file").length });
    return mounted;
  });
  await table.run("prefetch **/*", async (tell) => {
    const { entries, bytes } = await fs.prefetch(["**/*"], { maxBytes: 32 * 1024 * 1024 });
    const left = files.length - entries;
    tell({ files: entries, bytes, ...(left > 0 ? { note: `${left} over 1 MiB left to the reads` } : {}) });
  });
  await table.run("read every file", async (tell) => {
    for (const file of files) {
      const bytes = await fs.readFile(`/${file.path}`, { encoding: "binary" });
      check(file.bytes.equals(bytes), `${file.path} reads other bytes than were committed`);
    }
    tell({ files: files.length, bytes: sumBytes(files), note: "every byte equal" });
  });
  await table.run("edit, add, rename and delete", async (tell) => {
    await fs.writeFile(`/${edits.changed.path}`, edits.changed.bytes);
    await fs.writeFile(`/${edits.added.path}`, edits.added.bytes.toString());
    await fs.mv(`/${edits.renamed.old.path}`, `/${edits.renamed.next.path}`);
    await fs.rm(`/${edits.removed.path}`);
    const text = await fs.readFile(`/${edits.added.path}`);
    check(text === edits.added.bytes.toString(), "the mount does not read its own write");
    tell({ files: 4, note: "read back before the commit" });
  });
  await table.run("commit through the mount", async (tell) => {
    const shas = await fs.commit({ message: "Edit through the mount", author: AUTHOR });
    tell({ files: 4, note: Object.values(shas).join().slice(0, 12) });
  });
  await fs.unmount();
}

interface Edits {
  readonly changed: SourceFile;
  readonly added: SourceFile;
  readonly renamed: { readonly old: SourceFile; readonly next: SourceFile };
  readonly removed: SourceFile;
  /** Every file as it is afterwards. */
  readonly files: readonly SourceFile[];
}

/** Edits that the mount is to make, and the same on our side, so that git can judge the result. */
async function makeEdits(files: readonly SourceFile[], folder: string): Promise<Edits> {
  const pick = (wanted: (file: SourceFile) => boolean) => {
    const file = files.find(wanted);
    if (!file) throw new Error("the tree lacks a file to edit");
    return file;
  };
  const write = async (name: string, path: string, bytes: Buffer, old?: SourceFile): Promise<SourceFile> => {
    const from = join(folder, name);
    await writeFile(from, bytes);
    return { path, from, bytes, mode: old?.mode ?? "100644", binary: old?.binary ?? false };
  };
  const readme = pick(({ path }) => path.endsWith("/README.md"));
  const changed = await write(
    "changed",
    readme.path,
    Buffer.concat([readme.bytes, Buffer.from("\nEdited.\n")]),
    readme,
  );
  const added = await write("added", "notes/día 1.md", Buffer.from("# First day\n\nÄpfel, 木, 🌳\n"));
  const old = pick(({ binary }) => binary);
  const next = { ...old, path: `moved/${old.path.split("/").at(-1)}` };
  const removed = pick(({ path }) => path.endsWith("/LICENSE") || path.endsWith("/LICENSE.md"));
  const kept = files.filter((file) => ![readme, old, removed].includes(file));
  const after = [...kept, changed, added, next].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { changed, added, renamed: { old, next }, removed, files: after };
}

async function cloneWithGit(
  table: StepTable,
  url: string,
  folder: string,
  files: readonly SourceFile[],
  head: string,
): Promise<void> {
  const clone = join(folder, "clone");
  await table.run("git clone over HTTP", async (tell) => {
    await git(["clone", "--quiet", url, clone], folder);
    for (const file of files) {
      const bytes = await readFile(join(clone, file.path));
      check(file.bytes.equals(bytes), `${file.path} differs in the clone`);
    }
    const sha = (await git(["rev-parse", "HEAD"], clone)).trim();
    check(sha === head, `the clone is at ${sha}, the server at ${head}`);
    tell({ files: files.length, bytes: sumBytes(files), note: "every byte equal" });
  });
  await table.run("git fsck --strict", async (tell) => {
    const complaints = (await git(["fsck", "--strict", "--full"], clone)).trim();
    check(complaints === "", `git fsck says: ${complaints}`);
    tell({ note: "clean" });
  });
}

const folder = await mkdtemp(join(tmpdir(), "coregit-demo-"));
try {
  await run(folder);
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
