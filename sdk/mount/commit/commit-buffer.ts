import { ApiError, type MountConflict, MountConflictError } from "../../errors.ts";
import type { ContentSource } from "../blobs/content-source.ts";
import { type CallSite, errnoOf, formatErrno, remoteError } from "../kernel/errno.ts";
import type { Remote, RemoteCommit, RemoteCommitOutcome, RemoteIdentity } from "../kernel/remote.ts";
import type { TreeDiff } from "../tree/diff.ts";
import { hashFile, hashTree } from "../tree/git-id.ts";
import { type DirNode, findNode, knownShaOf } from "../tree/nodes.ts";
import type { MountTable } from "../volume/mount-table.ts";
import type { Volume } from "../volume/volume.ts";
import {
  buildChanges,
  countChanges,
  findChanges,
  listKnownConflicts,
  listStatus,
  listUnsentFiles,
  type StatusEntry,
} from "./changes.ts";

/** `git mktree </dev/null`: what a commit without files has. */
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** Own commits that are told from others'; a watch is never so many behind. */
const MAX_LANDED = 1_000;

export interface CommitOptions {
  readonly message?: string | undefined;
  readonly author?: RemoteIdentity | undefined;
}

/** A commit that was sent and whose outcome may be unknown. */
interface Attempt {
  readonly saved: DirNode;
  readonly diff: TreeDiff;
  readonly commit: RemoteCommit;
}

interface Parts {
  readonly volume: Volume;
  readonly table: MountTable;
  readonly remote: Remote;
  readonly content: ContentSource;
  readonly createKey: () => string;
}

/**
 * Turns one repository's unsaved changes into commits, one at a time. Writes go on meanwhile: a commit takes the tree
 * as it was when it began. A commit whose answer was lost is sent again under its key before anything newer, so nothing
 * lands twice and nothing is taken for somebody else's.
 */
export class CommitBuffer {
  readonly #parts: Parts;
  readonly #site: CallSite;
  /** The last commits that this mount made. */
  readonly landed = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  #unsettled: Attempt | null = null;
  /** A commit that has landed but whose listing could not be loaded yet. */
  #behind: { readonly commitSha: string; readonly saved: DirNode } | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#site = { syscall: "commit", path: parts.table.format(parts.volume, "") };
  }

  get volume(): Volume {
    return this.#parts.volume;
  }

  /** Commits what is unsaved; null when nothing is. Rejects with MountConflictError, E2BIG, EIO, EACCES. */
  commit(options: CommitOptions): Promise<string | null> {
    return this.#inTurn(async () => {
      const settled = await this.#settle();
      await this.#catchUp();
      return (await this.#commitChanges(options)) ?? settled;
    });
  }

  /** Moves to the newest commit of what the mount reads; unsaved changes stay. */
  refresh(signal?: AbortSignal): Promise<void> {
    return this.#refreshUnless(() => false, signal);
  }

  /** As `refresh`, unless the mount reads `sha` once the commits under way are done. */
  follow(sha: string, signal: AbortSignal): Promise<void> {
    return this.#refreshUnless(() => this.volume.commitSha === sha, signal);
  }

  /** Resolves when what was asked for before is done. */
  idle(): Promise<void> {
    return this.#inTurn(async () => undefined);
  }

  #refreshUnless(isThere: () => boolean, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (isThere()) return;
      await this.#settle();
      try {
        await this.volume.refresh({
          signal,
          ...(this.#behind === null ? {} : { saved: this.#behind.saved }),
        });
        this.#behind = null;
      } catch (error) {
        throw remoteError(error, { ...this.#site, syscall: "refresh" });
      }
    });
  }

  async status(): Promise<readonly StatusEntry[]> {
    return listStatus(await findChanges(this.volume.committed, this.volume.editor.freeze()));
  }

  /** Whether anything would be lost by forgetting the mount. */
  async isUnsaved(): Promise<boolean> {
    return this.#unsettled !== null || (await this.status()).length > 0;
  }

  /** Drops unsaved changes; a commit whose outcome is unknown is not sent again. */
  discard(path: string | null): void {
    this.#unsettled = null;
    this.volume.discard(path);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined); // The caller has the error; the next in turn must still run.
    return result;
  }

  async #commitChanges(options: CommitOptions): Promise<string | null> {
    const { volume } = this.#parts;
    const saved = volume.editor.freeze();
    const diff = await findChanges(volume.committed, saved);
    if (countChanges(diff) === 0) return null;
    const conflicts = listKnownConflicts(volume, diff);
    if (conflicts.length > 0) throw this.#conflict(conflicts);
    const commit: RemoteCommit = {
      branch: await this.#readBranch(),
      message: options.message ?? describeChanges(diff),
      author: options.author,
      changes: buildChanges(diff, this.#parts.remote.limits, this.#site),
      idempotencyKey: this.#parts.createKey(),
    };
    return await this.#send({ saved, diff, commit });
  }

  async #readBranch(): Promise<string> {
    try {
      return await this.volume.readBranch();
    } catch (error) {
      throw remoteError(error, this.#site);
    }
  }

  /** Finds out about a commit whose answer was lost. A refusal means that it never landed, which is all to know. */
  async #settle(): Promise<string | null> {
    const attempt = this.#unsettled;
    if (attempt === null) return null;
    try {
      return await this.#send(attempt);
    } catch (error) {
      if (this.#unsettled === null) return null;
      throw error;
    }
  }

  async #send(attempt: Attempt): Promise<string> {
    let outcome: RemoteCommitOutcome;
    try {
      outcome = await this.#parts.remote.commit(this.volume.repo, attempt.commit);
    } catch (error) {
      this.#unsettled = isRefusal(error) ? null : attempt;
      throw remoteError(error, this.#site);
    }
    this.#unsettled = null;
    if (outcome.kind === "conflict") throw this.#conflictOf(outcome, attempt.diff);
    this.landed.add(outcome.sha);
    for (const sha of this.landed) if (this.landed.size > MAX_LANDED) this.landed.delete(sha);
    await this.#land(attempt, outcome);
    return outcome.sha;
  }

  /** The commit is in. When its tree is the one that the mount has, nothing needs to be read. */
  async #land(attempt: Attempt, landed: { readonly sha: string; readonly treeSha: string }): Promise<void> {
    const { volume, content } = this.#parts;
    for (const { path, node } of listUnsentFiles(attempt.diff)) {
      if (node.content.kind !== "bytes") continue;
      const { bytes } = node.content;
      const sha = await hashFile(node);
      content.put({ sha, bytes, text: null });
      node.content = { kind: "blob", sha, size: bytes.length, commitSha: landed.sha, path };
    }
    volume.clearOverlaps();
    if (((await hashTree(attempt.saved)) ?? EMPTY_TREE) === landed.treeSha) {
      volume.advance(attempt.saved, landed.sha);
      return;
    }
    this.#behind = { commitSha: landed.sha, saved: attempt.saved };
    // The commit is acknowledged whatever becomes of the listing; the next commit or refresh tries again.
    await this.#catchUp().catch((error: unknown) => {
      if (!(error instanceof Error && "errno" in error)) throw error;
    });
  }

  /** Others had committed too: lists the commit that holds both. */
  async #catchUp(): Promise<void> {
    if (this.#behind === null) return;
    const { commitSha, saved } = this.#behind;
    try {
      await this.volume.refresh({ ref: commitSha, saved });
      this.#behind = null;
    } catch (error) {
      throw remoteError(error, this.#site);
    }
  }

  #conflictOf(
    outcome: Extract<RemoteCommitOutcome, { kind: "conflict" }>,
    diff: TreeDiff,
  ): MountConflictError {
    const { path } = outcome;
    const change = [...diff.puts, ...diff.removed].find((entry) => entry.path === path);
    if (path === null || change === undefined) return this.#conflict([], outcome);
    const before = findNode(this.volume.committed, path);
    const baseSha = before === null ? null : knownShaOf(before);
    return this.#conflict([{ path, baseSha, currentSha: outcome.currentSha }], outcome);
  }

  #conflict(
    conflicts: readonly MountConflict[],
    outcome?: { readonly message: string; readonly cause: unknown },
  ) {
    const { table, volume } = this.#parts;
    const site = { ...this.#site, path: table.format(volume, conflicts[0]?.path ?? "") };
    const detail = conflicts.length === 0 ? outcome?.message : undefined;
    return new MountConflictError(formatErrno("ECONFLICT", site, detail), {
      ...site,
      errno: errnoOf("ECONFLICT"),
      conflicts: conflicts.map((conflict) => ({ ...conflict, path: table.format(volume, conflict.path) })),
      cause: outcome?.cause,
    });
  }
}

/** The server understood the request and did not do it; any other failure leaves open whether it did. */
function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && !error.retryable;
}

function describeChanges(diff: TreeDiff): string {
  const [put] = diff.puts;
  const [removed] = diff.removed;
  const [moved] = diff.moved;
  if (countChanges(diff) > 1) return `Change ${countChanges(diff)} files`;
  if (put !== undefined) return `${typeof put.beforeSha === "string" ? "Update" : "Add"} ${put.path}`;
  if (removed !== undefined) return `Delete ${removed.path}`;
  return `Move ${moved?.path} to ${moved?.newPath}`;
}
