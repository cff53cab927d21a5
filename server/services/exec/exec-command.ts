import { EMPTY_TREE_OID, type Oid } from "../../git/hash/oid.ts";
import type { CommitIdentity } from "../../ports/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ChangeDraft } from "../commits/change-drafts.ts";
import { type CommitCreation, findFirstAnswer, type NewCommit } from "../commits/create-commit.ts";
import type { DerivationFailure } from "../commits/derive-changes.ts";
import type { ListingCache } from "../files/listing-cache.ts";
import type { StoreObjects } from "../place-objects.ts";
import { resolveRefTarget } from "../read-target.ts";
import { applyChanges } from "./apply-changes.ts";
import { collectChanges, type ExecDifference } from "./collect-changes.ts";
import { type CommitConflict, commitDifferences } from "./commit-differences.ts";
import { ExecFs } from "./exec-fs.ts";
import { ExecMeter } from "./exec-meter.ts";
import type { ExecVolume } from "./exec-node.ts";
import { runShell, type ShellOutcome } from "./run-shell.ts";
import { VolumeReader } from "./volume-reader.ts";

/** One repository for a command. */
export interface ExecSource {
  /** First segment of its paths. */
  readonly name: string;
  readonly repo: RepoHandle;
  readonly branch: string | undefined;
  readonly ref: string | undefined;
  readonly drafts: readonly ChangeDraft[];
}

export interface ExecTask {
  readonly sources: readonly ExecSource[];
  readonly command: string;
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** null: whatever changed is told and forgotten. */
  readonly commit: {
    readonly message: string;
    readonly author: CommitIdentity;
    readonly actor: string;
    readonly idempotency: NewCommit["idempotency"];
  } | null;
}

export interface ExecDeps {
  readonly storeObjects: StoreObjects;
  readonly listings: ListingCache;
  readonly now: () => number;
}

/** What a command did to one repository. */
export interface RepoResult {
  readonly name: string;
  readonly branch: string;
  readonly base: Oid | null;
  readonly differences: readonly ExecDifference[];
  /** Blobs that came with the request. */
  readonly sent: ReadonlySet<Oid>;
  readonly commit: CommitCreation | null;
  readonly conflicts: readonly CommitConflict[];
}

export type ExecResult =
  | { readonly kind: "unknown-ref"; readonly name: string; readonly ref: string }
  | { readonly kind: "not-a-commit"; readonly name: string; readonly ref: string }
  | { readonly kind: "no-cwd"; readonly cwd: string }
  | {
      readonly kind: "refused";
      readonly name: string;
      readonly branch: string;
      readonly failure: DerivationFailure;
    }
  | {
      readonly kind: "ran";
      readonly shell: ShellOutcome;
      readonly repos: readonly RepoResult[];
      readonly elapsedMs: number;
    };

interface OpenedSource {
  readonly source: ExecSource;
  readonly reader: VolumeReader;
  readonly branch: string;
}

/**
 * Runs a command over some repositories and commits what it changed, if asked. Each changed path carries the blob that
 * it was made from, so a commit never overwrites what others have committed meanwhile: other files stay, the same file
 * is a conflict. A command that a limit or the clock has ended commits nothing.
 *
 * With an Idempotency-Key whose commit has landed, the command runs again over the commit that it ran over then.
 */
export async function execCommand(deps: ExecDeps, task: ExecTask): Promise<ExecResult> {
  const startedMs = deps.now();
  const meter = new ExecMeter();
  const opened: OpenedSource[] = [];
  for (const source of task.sources) {
    const open = await openSource(deps, task, source, meter);
    if ("kind" in open) return open;
    opened.push(open);
  }
  const fs = new ExecFs({ readers: opened.map(({ reader }) => reader), meter, now: deps.now });
  const sent: ReadonlySet<Oid>[] = [];
  for (const { source, reader, branch } of opened) {
    const applied = await applyChanges(fs.tree, reader, source.drafts);
    if (applied.kind !== "applied") return { kind: "refused", name: source.name, branch, failure: applied };
    sent.push(applied.sent);
  }
  const cwd = findStart(task);
  if (!(await isDirectory(fs, cwd))) return { kind: "no-cwd", cwd };
  const shell = await runShell(fs, meter, { ...task, cwd });
  const repos: RepoResult[] = [];
  for (const [index, { reader, branch }] of opened.entries()) {
    const differences = await collectChanges(reader, fs.tree.volumeRoot(reader));
    repos.push({
      name: reader.volume.name,
      branch,
      base: reader.volume.commit,
      differences,
      sent: sent[index] ?? new Set(),
      ...(await commit(deps, task, { reader, branch, differences, stopped: shell.stopped !== null })),
    });
  }
  return { kind: "ran", shell, repos, elapsedMs: deps.now() - startedMs };
}

async function openSource(
  deps: ExecDeps,
  task: ExecTask,
  source: ExecSource,
  meter: ExecMeter,
): Promise<OpenedSource | Extract<ExecResult, { kind: "unknown-ref" | "not-a-commit" }>> {
  const { name, repo } = source;
  const resolution = await resolveRefTarget(repo, source.ref ?? source.branch);
  if (resolution.kind === "unknown") return { kind: "unknown-ref", name, ref: resolution.ref };
  const branch = source.branch ?? resolution.branch ?? repo.record.defaultBranch;
  const first = await findFirstBase(repo, branch, task.commit);
  const target =
    first === null || resolution.kind === "unborn" ? resolution : await resolveRefTarget(repo, first);
  let volume: ExecVolume = { name, commit: null, tree: EMPTY_TREE_OID, committedAtMs: 0 };
  if (target.kind === "resolved") {
    const { commit, tree, committedAt, ref } = target.target;
    if (commit === null) return { kind: "not-a-commit", name, ref };
    volume = { name, commit, tree, committedAtMs: committedAt === null ? 0 : Date.parse(committedAt) };
  }
  return { source, branch, reader: new VolumeReader({ volume, repo }, deps.listings, meter) };
}

/** The commit that the first request with this Idempotency-Key was built on; null when none has landed. */
async function findFirstBase(
  repo: RepoHandle,
  branch: string,
  commit: ExecTask["commit"],
): Promise<Oid | null> {
  if (!commit?.idempotency) return null;
  const probe: NewCommit = {
    ...commit,
    branch,
    committer: commit.author,
    drafts: [],
    nowMs: 0,
    rebase: false,
  };
  const first = await findFirstAnswer(repo, probe);
  return first?.kind === "committed" ? first.receipt.parent : null;
}

function findStart({ sources, cwd }: ExecTask): string {
  const [only] = sources;
  const home = sources.length === 1 && only ? `/${only.name}` : "/";
  if (cwd === undefined) return home;
  return cwd.startsWith("/") ? cwd : `${home === "/" ? "" : home}/${cwd}`;
}

async function isDirectory(fs: ExecFs, path: string): Promise<boolean> {
  return (await fs.exists(path)) && (await fs.stat(path)).isDirectory;
}

async function commit(
  deps: ExecDeps,
  task: ExecTask,
  made: {
    readonly reader: VolumeReader;
    readonly branch: string;
    readonly differences: readonly ExecDifference[];
    readonly stopped: boolean;
  },
): Promise<Pick<RepoResult, "commit" | "conflicts">> {
  if (!task.commit || made.stopped || made.differences.length === 0) return { commit: null, conflicts: [] };
  const { repo } = made.reader;
  const { author } = task.commit;
  const about = { ...task.commit, branch: made.branch, committer: author, nowMs: deps.now(), rebase: false };
  return await commitDifferences(deps.storeObjects, repo, about, made.differences);
}
