import { ApiError, MountConflictError } from "../../errors.ts";
import { type CallSite, remoteError } from "../kernel/errno.ts";
import type { RemoteCommitOutcome, RemoteIdentity } from "../kernel/remote.ts";
import { isSameNode } from "../tree/compare.ts";
import type { TreeDiff } from "../tree/diff.ts";
import { hashFile, hashTree } from "../tree/git-id.ts";
import { type DirNode, findNode, knownShaOf, modeOf, type TreeNode } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import { buildChanges, countChanges, findChanges, listUnsentFiles } from "./changes.ts";
import type { Attempt, BufferParts, ConflictResolver } from "./commit-parts.ts";
import type { StatusEntry } from "./status.ts";

/** `git mktree </dev/null`: what a commit without files has. */
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/** How often a commit with `onConflict` meets new conflicts before it gives up with the last of them. */
const MAX_ROUNDS = 8;

/** Own commits that are told from others'; a watch is never so many behind. */
const MAX_LANDED = 1_000;

export interface CommitOptions {
  readonly message?: string | undefined;
  readonly author?: RemoteIdentity | undefined;
  readonly metadata?: Record<string, unknown> | undefined;
  readonly onConflict?: ConflictResolver | undefined;
}

/** What the caller was told of a conflict: a write to the path from then on takes `theirsSha` into account. */
interface Told {
  readonly theirsSha: string | null;
  readonly ours: TreeNode | null;
}

/**
 * Turns one repository's unsaved changes into commits, one at a time. Writes go on meanwhile: a commit takes the tree
 * as it was when it began. A commit whose answer was lost is sent again under its key before anything newer, so nothing
 * lands twice and nothing is taken for somebody else's.
 */
export class CommitBuffer {
  readonly #parts: BufferParts;
  readonly #site: CallSite;
  /** The last commits that this mount made. */
  readonly landed = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();
  #unsettled: Attempt | null = null;
  /** A commit that has landed but whose listing could not be loaded yet. */
  #behind: { readonly commitSha: string; readonly saved: DirNode } | null = null;
  readonly #told = new Map<string, Told>();

  constructor(parts: BufferParts) {
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
      return (await this.#commitUntilClear(options)) ?? settled;
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
      await this.#refreshNow(signal);
    });
  }

  async findUnsaved(): Promise<TreeDiff> {
    return await findChanges(this.volume.committed, this.volume.editor.freeze());
  }

  async status(): Promise<readonly StatusEntry[]> {
    const diff = await this.findUnsaved();
    if (countChanges(diff) === 0) return [];
    const { listStatus } = await import("./status.ts");
    return listStatus(diff);
  }

  /** Whether anything would be lost by forgetting the mount. */
  async isUnsaved(): Promise<boolean> {
    return this.#unsettled !== null || countChanges(await this.findUnsaved()) > 0;
  }

  /** Drops unsaved changes once no commit is under way; one whose outcome is unknown is not sent again. */
  discard(paths: readonly string[]): Promise<void> {
    return this.#inTurn(async () => this.takeBack(paths));
  }

  /** The same at once; for when it is known that no commit is under way. */
  takeBack(paths: readonly string[]): void {
    this.#unsettled = null;
    for (const path of paths) {
      this.volume.discard(path);
      for (const told of this.#told.keys()) {
        if (path === "" || told === path || told.startsWith(`${path}/`)) this.#told.delete(told);
      }
    }
  }

  /**
   * Brings a kept state back, as unsaved changes, once no commit is under way. The state that it replaces is kept as
   * `spare` if that is given; true when something was unsaved in it.
   */
  restore(name: string, spare: string | null): Promise<boolean> {
    return this.#inTurn(async () => {
      const root = this.volume.editor.freeze();
      const wasUnsaved = await this.isUnsaved();
      const isUnsaved = wasUnsaved || this.volume.editor.root !== root;
      // From here on nothing waits, so that no write can come in between.
      if (spare !== null) this.volume.keep(spare);
      // What was told of conflicts was about another state.
      this.#told.clear();
      this.volume.restore(name);
      return isUnsaved;
    });
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined); // The caller has the error; the next in turn must still run.
    return result;
  }

  async #refreshNow(signal?: AbortSignal): Promise<void> {
    try {
      await this.volume.refresh({
        signal,
        ...(this.#behind === null ? {} : { saved: this.#behind.saved }),
      });
      this.#behind = null;
    } catch (error) {
      throw remoteError(error, { ...this.#site, syscall: "refresh" });
    }
  }

  /** Commits; with a resolver again after each conflict, on what the branch has by then. */
  async #commitUntilClear(options: CommitOptions): Promise<string | null> {
    for (let round = 1; ; round += 1) {
      try {
        return await this.#commitChanges(options);
      } catch (error) {
        const { onConflict } = options;
        if (onConflict === undefined || round === MAX_ROUNDS) throw error;
        if (!(error instanceof MountConflictError) || error.conflicts.length === 0) throw error;
        const { resolveConflicts } = await import("./resolve-conflicts.ts");
        const refresh = () => this.#refreshNow();
        await resolveConflicts({ ...this.#parts, refresh }, error.conflicts, onConflict);
        this.#told.clear();
      }
    }
  }

  async #commitChanges(options: CommitOptions): Promise<string | null> {
    this.#takeIntoAccount();
    const saved = this.volume.editor.freeze();
    const diff = await findChanges(this.volume.committed, saved);
    if (countChanges(diff) === 0) return null;
    const branch = await this.#readBranch();
    const { author, metadata, message = describeChanges(diff) } = options;
    const send = async (resend: boolean) => {
      const changes = await this.#placeContents(diff, resend);
      const commit = { branch, message, author, metadata, changes, idempotencyKey: this.#parts.createKey() };
      return await this.#send({ saved, diff, commit }, this.#told);
    };
    try {
      return await send(false);
    } catch (error) {
      // A content that was named is gone from the server: history was rewritten since.
      if (!isMissingContent(error)) throw error;
      this.volume.known.clear();
      return await send(true);
    }
  }

  /** Paths written since their conflict was told: those writes have seen the branch's version. */
  #takeIntoAccount(): void {
    const { volume } = this.#parts;
    for (const [path, { theirsSha, ours }] of this.#told) {
      if (isSameNode(volume.find(path), ours)) continue;
      volume.standOn(path, theirsSha);
      this.#told.delete(path);
    }
    for (const [path, { sha, mode, seen }] of volume.overlaps) {
      const node = volume.find(path);
      // Back to what it was made from: nothing of the mount's own is left, and what others made of it stands.
      const isVoid =
        node === null ? sha === null : sha !== null && knownShaOf(node) === sha && modeOf(node) === mode;
      if (isVoid && !seen) volume.discard(path);
    }
  }

  /** The list of changes, with what has no room in the commit sent ahead. */
  async #placeContents(diff: TreeDiff, resend: boolean) {
    const { remote, volume } = this.#parts;
    const options = { limits: remote.limits, site: this.#site, resend };
    const { changes, uploads } = buildChanges(diff, volume, options);
    try {
      for (const group of uploads) await remote.storeBlobs(volume.repo, group);
    } catch (error) {
      throw remoteError(error, this.#site);
    }
    return changes;
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
      return await this.#send(attempt, null);
    } catch (error) {
      if (this.#unsettled === null) return null;
      throw error;
    }
  }

  /** @param told takes the conflicts that the caller will hear of; null when a refusal is kept from it. */
  async #send(attempt: Attempt, told: Map<string, Told> | null): Promise<string> {
    let outcome: RemoteCommitOutcome;
    try {
      outcome = await this.#parts.remote.commit(this.volume.repo, attempt.commit);
    } catch (error) {
      this.#unsettled = isRefusal(error) ? null : attempt;
      throw remoteError(error, this.#site);
    }
    this.#unsettled = null;
    if (outcome.kind === "conflict") throw await this.#conflictOf(outcome, attempt, told);
    this.landed.add(outcome.sha);
    for (const sha of this.landed) if (this.landed.size > MAX_LANDED) this.landed.delete(sha);
    await this.#land(attempt, outcome);
    return outcome.sha;
  }

  /** The commit is in. When its tree is the one that the mount has, nothing needs to be read. */
  async #land(attempt: Attempt, landed: Extract<RemoteCommitOutcome, { kind: "committed" }>): Promise<void> {
    const { volume, content } = this.#parts;
    const merged = new Set(landed.merged);
    for (const { path, node } of listUnsentFiles(attempt.diff)) {
      // A merged path holds other content in the commit; the mount's own is only in memory still.
      if (node.content.kind !== "bytes" || merged.has(path)) continue;
      const { bytes } = node.content;
      const sha = await hashFile(node);
      content.put({ sha, bytes, text: null });
      node.content = { kind: "blob", sha, size: bytes.length, commitSha: landed.sha, path };
    }
    for (const { beforeSha } of [...attempt.diff.puts, ...attempt.diff.removed]) {
      if (typeof beforeSha === "string") volume.known.add(beforeSha);
    }
    for (const { node } of attempt.diff.puts) volume.known.add(knownShaOf(node) ?? "");
    volume.clearOverlaps();
    this.#told.clear();
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

  async #conflictOf(
    outcome: Extract<RemoteCommitOutcome, { kind: "conflict" }>,
    attempt: Attempt,
    told: Map<string, Told> | null,
  ): Promise<MountConflictError> {
    for (const { path, theirsSha } of outcome.conflicts) {
      told?.set(path, { theirsSha, ours: findNode(attempt.saved, path) });
    }
    const { createConflictError } = await import("./conflict-error.ts");
    return createConflictError(this.#parts, outcome, attempt);
  }
}

/** Refusals of the commit itself; the server looks first whether it landed before, or would have refused it then too. */
const REFUSALS: ReadonlySet<number> = new Set([400, 409, 413, 422]);

/**
 * The server understood the request and did not do it; any other failure leaves open whether it did: also a refused key,
 * for the commit may have landed while the key was good.
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.retryable) return false;
  // A 404 with a reason is about something in the repository; without one it may hide it from this key.
  return REFUSALS.has(error.status) || (error.status === 404 && error.data.reason !== undefined);
}

function isMissingContent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  return cause instanceof ApiError && cause.data.reason === "missing-object";
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
