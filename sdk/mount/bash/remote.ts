import { MountConflictError } from "../../errors.ts";
import type { CallContext } from "../calls/call-context.ts";
import { buildChanges, findChanges } from "../commit/changes.ts";
import { createVersion } from "../commit/conflict-error.ts";
import { errnoError, errnoOf, formatErrno, remoteError } from "../kernel/errno.ts";
import { parentOf } from "../kernel/paths.ts";
import type { Remote, RemoteExecChange, RemoteExecOutcome, RemoteExecSource } from "../kernel/remote.ts";
import type { BaseTree } from "../tree/base-tree.ts";
import { hashFile } from "../tree/git-id.ts";
import {
  type DirNode,
  type FileContent,
  findNode,
  isDirectory,
  isEmptyDirectory,
  knownShaOf,
  modeOf,
  sizeOf,
  type TreeNode,
} from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import { listChangedFiles } from "./changed-files.ts";
import type { ShellOutcome, ShellStrategy, ShellTask } from "./strategy.ts";

/** Unsaved changes that one call of the server's shell takes along. */
const CHANGES_MAX = 1_000;

/** What was sent of one repository. */
interface Sent {
  readonly volume: Volume;
  readonly name: string;
  /** The mount's state that the command saw. */
  readonly saved: DirNode;
  readonly source: RemoteExecSource;
}

type Exec = NonNullable<Remote["exec"]>;

/**
 * The server's shell: one request that carries what is unsaved and brings back what the command changed. With a commit
 * the mount moves to it, by one listing for each repository that got one.
 */
export class RemoteStrategy implements ShellStrategy {
  readonly #context: CallContext;

  constructor(context: CallContext) {
    this.#context = context;
  }

  async run(task: ShellTask): Promise<ShellOutcome> {
    const site = { syscall: "exec", path: task.cwd };
    const { remote, table } = this.#context;
    if (remote.exec === undefined) throw errnoError("ENOSYS", site);
    const sent = await Promise.all(table.volumes.map((volume) => this.#prepare(volume)));
    const outcome = await this.#send((request) => (remote.exec as Exec)(request), task, sent);
    if (outcome.kind === "conflict") throw this.#conflict(outcome, task, sent);
    const commits: Record<string, string> = {};
    for (const entry of sent) {
      const result = outcome.repos[entry.name];
      if (result === undefined) continue;
      if (result.commitSha === null) await applyChanges(entry, result.changes, this.#context.now());
      else {
        commits[entry.name] = result.commitSha;
        await entry.volume.refresh({ ref: result.commitSha, saved: entry.saved }).catch((error: unknown) => {
          throw remoteError(error, site);
        });
      }
    }
    const { stdout, stderr, exitCode, stopped } = outcome;
    const committed = task.commit !== null && stopped === null;
    return {
      stdout,
      stderr,
      exitCode,
      stopped: stopped !== null,
      state: null,
      commits: committed ? commits : null,
    };
  }

  async #prepare(volume: Volume): Promise<Sent> {
    const site = { syscall: "exec", path: this.#context.table.format(volume, "") };
    const saved = volume.editor.freeze();
    const diff = await findChanges(volume.committed, saved);
    const name = volume.name === "" ? volume.repo.slug : volume.name;
    const { remote } = this.#context;
    const limits = { ...remote.limits, changesPerCommit: CHANGES_MAX };
    const list = buildChanges(diff, volume, { limits, site, resend: false });
    for (const contents of list.uploads) {
      await remote.storeBlobs(volume.repo, contents).catch((error: unknown) => {
        throw remoteError(error, site);
      });
    }
    const source = {
      repo: volume.repo,
      name,
      commitSha: volume.commitSha,
      branch: volume.writable ? await volume.readBranch() : null,
      changes: list.changes,
    };
    return { volume, name, saved, source };
  }

  async #send(exec: Exec, task: ShellTask, sent: readonly Sent[]): Promise<RemoteExecOutcome> {
    const { table } = this.#context;
    const commit = task.commit !== null && sent.every(({ source }) => source.branch !== null);
    try {
      return await exec({
        command: task.command,
        cwd:
          table.single?.name === "" ? `/${table.single.repo.slug}${task.cwd.replace(/\/$/, "")}` : task.cwd,
        env: task.env,
        commit,
        message: task.commit?.message ?? "",
        author: task.commit?.author,
        timeoutMs: task.timeoutMs,
        sources: sent.map(({ source }) => source),
        idempotencyKey: crypto.randomUUID(),
        signal: task.signal,
      });
    } catch (error) {
      task.signal?.throwIfAborted();
      throw remoteError(error, { syscall: "exec", path: task.cwd });
    }
  }

  #conflict(
    outcome: Extract<RemoteExecOutcome, { kind: "conflict" }>,
    task: ShellTask,
    sent: readonly Sent[],
  ): MountConflictError {
    const entry = sent.find(({ name }) => name === outcome.name) ?? sent[0];
    const format = (path: string) => this.#context.table.format(entry?.volume ?? null, path);
    const { remote, content } = this.#context;
    const volume = entry?.volume ?? this.#context.table.volumes[0];
    const conflicts = outcome.conflicts.map(({ path: inside, baseSha, currentSha }) => {
      const path = format(inside);
      // The command's own version went with it: `ours` is what the mount has.
      const node = entry === undefined ? null : findNode(entry.saved, inside);
      const version = (sha: string | null) =>
        createVersion({ remote, content, volume: volume as Volume }, { path, sha }); // a mount has one at least
      const ours = version(node === null ? null : knownShaOf(node));
      return {
        path,
        type: "content",
        base: version(baseSha),
        ours,
        theirs: version(currentSha),
        merged: null,
        baseSha,
        currentSha,
      };
    });
    const site = { syscall: "exec", path: conflicts[0]?.path ?? task.cwd };
    const { stdout, stderr, exitCode } = outcome;
    return new MountConflictError(formatErrno("ECONFLICT", site), {
      ...site,
      errno: errnoOf("ECONFLICT"),
      conflicts,
      cause: outcome.cause,
      data: { result: { stdout, stderr, exitCode } },
    });
  }
}

/** Makes the mount have what the command left, except where the mount was written to while it ran. */
async function applyChanges(
  { volume, saved }: Sent,
  changes: readonly RemoteExecChange[],
  mtimeMs: number,
): Promise<void> {
  const after = new Map(changes.map((change) => [change.path, change.after]));
  // What the mount had changed and the command put back is in no change.
  const paths = new Set([...after.keys(), ...(await listChangedFiles(volume.committed, saved))]);
  const blobs = new BlobPlaces(volume, saved);
  const removed: string[] = [];
  const written: { readonly path: string; readonly node: TreeNode }[] = [];
  for (const path of paths) {
    const seen = findNode(saved, path);
    if ((volume.find(path) ?? null) !== seen && !sameNode(volume.find(path), seen)) continue;
    const target = after.get(path);
    const node =
      target === undefined
        ? findNode(volume.committed, path)
        : target === null
          ? null
          : await blobs.toNode(target, mtimeMs);
    if (node === null) removed.push(path);
    else if (seen === null || !(await isSameFile(seen, node))) written.push({ path, node });
  }
  for (const path of removed) {
    const node = volume.find(path);
    if (node === null || isDirectory(node)) continue;
    volume.editor.set(path, null);
    removeEmpty(volume, parentOf(path));
  }
  for (const { path, node } of written) {
    makeParents(volume, path);
    volume.editor.set(path, node);
  }
}

function sameNode(a: TreeNode | null, b: TreeNode | null): boolean {
  if (a === null || b === null) return a === b;
  return a.kind === "base" && b.kind === "base" && a.tree === b.tree && a.row === b.row;
}

async function isSameFile(a: TreeNode, b: TreeNode): Promise<boolean> {
  if (isDirectory(a) || isDirectory(b) || modeOf(a) !== modeOf(b)) return false;
  const sha = a.kind === "file" ? await hashFile(a) : knownShaOf(a);
  return sha === (b.kind === "file" ? await hashFile(b) : knownShaOf(b));
}

/** The server tells of files: a directory that has lost its last one goes, as it does in git. */
function removeEmpty(volume: Volume, path: string): void {
  const node = path === "" ? null : volume.find(path);
  if (node === null || !isEmptyDirectory(node)) return;
  volume.editor.set(path, null);
  removeEmpty(volume, parentOf(path));
}

function makeParents(volume: Volume, path: string): void {
  const parent = parentOf(path);
  if (parent === "") return;
  const node = volume.find(parent);
  if (node !== null && isDirectory(node)) return;
  makeParents(volume, parent);
  volume.editor.set(parent, volume.editor.emptyDirectory());
}

/** Where blobs are that came back by their ids alone: in what was sent, or in the commit that was read. */
class BlobPlaces {
  readonly #volume: Volume;
  readonly #saved: DirNode;
  #sent: Map<string, FileContent> | null = null;
  #rows: Map<string, number> | null = null;

  constructor(volume: Volume, saved: DirNode) {
    this.#volume = volume;
    this.#saved = saved;
  }

  async toNode(after: NonNullable<RemoteExecChange["after"]>, mtimeMs: number): Promise<TreeNode> {
    const mode = Number.parseInt(after.mode, 8);
    const content: FileContent | null =
      after.bytes === null
        ? await this.#find(after.sha)
        : { kind: "bytes", bytes: after.bytes, sha: after.sha };
    if (content === null)
      throw errnoError("EIO", { syscall: "exec" }, { detail: `no content of blob ${after.sha}` });
    return { kind: "file", mode, mtimeMs, content };
  }

  async #find(sha: string): Promise<FileContent | null> {
    this.#sent ??= await this.#listSent();
    const sent = this.#sent.get(sha);
    if (sent !== undefined) return sent;
    const { base } = this.#volume;
    this.#rows ??= indexRows(base);
    const row = this.#rows.get(sha);
    if (row === undefined || base.commitSha === null) return null;
    return { kind: "blob", sha, size: base.sizeAt(row), commitSha: base.commitSha, path: base.pathAt(row) };
  }

  async #listSent(): Promise<Map<string, FileContent>> {
    const found = new Map<string, FileContent>();
    for (const path of await listChangedFiles(this.#volume.committed, this.#saved)) {
      const node = findNode(this.#saved, path);
      if (node?.kind !== "file") continue;
      const sha = await hashFile(node);
      const size = sizeOf(node);
      found.set(sha, node.content.kind === "bytes" ? { ...node.content, sha } : { ...node.content, size });
    }
    return found;
  }
}

function indexRows(base: BaseTree): Map<string, number> {
  const rows = new Map<string, number>();
  for (let row = 1; row <= base.size; row += 1) rows.set(base.shaAt(row), row);
  return rows;
}
