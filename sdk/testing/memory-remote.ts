import { ApiError } from "../errors.ts";
import { compileGlob } from "../mount/kernel/glob.ts";
import type {
  Remote,
  RemoteChange,
  RemoteCommit,
  RemoteCommitOutcome,
  RemoteEntry,
  RemoteGrep,
  RemoteGrepSummary,
  RemoteMatch,
  RemoteRepo,
  RemoteTreePage,
} from "../mount/kernel/remote.ts";
import { compileMatcher, searchBytes } from "../mount/search/local-matcher.ts";
import { hashObject } from "../mount/tree/git-id.ts";

/** A file of an in-memory repository. */
export interface MemoryFile {
  readonly mode: string;
  readonly bytes: Uint8Array;
  readonly sha: string;
}

type Files = ReadonlyMap<string, MemoryFile>;

interface MemoryCommit {
  readonly sha: string;
  readonly treeSha: string;
  readonly parent: string | null;
  readonly files: Files;
  readonly entries: readonly RemoteEntry[];
  readonly message: string;
  readonly atMs: number;
}

const encoder = new TextEncoder();

/** What a seed file may be: text, bytes, or either with a mode. */
export type SeedFile = string | Uint8Array | { readonly mode: string; readonly content: string | Uint8Array };

export async function makeFile(seed: SeedFile): Promise<MemoryFile> {
  const { mode, content } =
    typeof seed === "string" || seed instanceof Uint8Array ? { mode: "100644", content: seed } : seed;
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  return { mode, bytes, sha: await hashObject("blob", bytes) };
}

/** A repository in memory that keeps git's rules for trees and the contract's for commits. */
export class MemoryRepo {
  readonly branches = new Map<string, string>();
  readonly commits = new Map<string, MemoryCommit>();
  readonly defaultBranch = "main";
  readonly #stored = new Map<string, Uint8Array>();
  /** First results by Idempotency-Key. */
  readonly #results = new Map<string, RemoteCommitOutcome>();
  #now = Date.UTC(2026, 0, 1);
  #turn: Promise<unknown> = Promise.resolve();

  /** Commits files on top of what a branch has; null removes one. */
  async seed(files: Readonly<Record<string, SeedFile | null>>, branch = "main"): Promise<string> {
    const next = new Map(this.head(branch)?.files);
    for (const [path, seed] of Object.entries(files)) {
      if (seed === null) next.delete(path);
      else next.set(path, await makeFile(seed));
    }
    return (await this.#append(branch, next, "seed")).sha;
  }

  head(branch: string): MemoryCommit | null {
    return this.commits.get(this.branches.get(branch) ?? "") ?? null;
  }

  /** Text of a file at a branch's head; null when it is not there. */
  text(path: string, branch = "main"): string | null {
    const file = this.head(branch)?.files.get(path);
    return file === undefined ? null : new TextDecoder().decode(file.bytes);
  }

  resolve(ref: string): MemoryCommit | null | undefined {
    const name = ref === "HEAD" ? this.defaultBranch : ref;
    const commit = this.commits.get(name) ?? this.head(name);
    if (commit !== null) return commit;
    return name === this.defaultBranch && this.branches.size === 0 ? null : undefined;
  }

  /** One commit at a time, as the server has it. */
  commit(commit: RemoteCommit): Promise<RemoteCommitOutcome> {
    const result = this.#turn.then(() => this.#commit(commit));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #commit(commit: RemoteCommit): Promise<RemoteCommitOutcome> {
    const known = this.#results.get(commit.idempotencyKey);
    if (known !== undefined) return known;
    const outcome = await this.#apply(commit);
    this.#results.set(commit.idempotencyKey, outcome);
    return outcome;
  }

  async #apply({ branch, changes, message }: RemoteCommit): Promise<RemoteCommitOutcome> {
    const head = this.head(branch);
    const before: Files = head?.files ?? new Map();
    const conflicts = [];
    for (const change of changes) {
      const theirsSha = before.get(change.path)?.sha ?? null;
      const expected = change.kind === "move" ? undefined : change.ifMatch;
      if (expected === undefined || expected === theirsSha || theirsSha === (await shaOf(change))) continue;
      conflicts.push({ path: change.path, type: "content", theirsSha, markers: null });
    }
    if (conflicts.length > 0) return { kind: "conflict", conflicts, message: "not the version", cause: null };
    // A content may be sent with one change and named by others of the same commit.
    for (const change of changes) {
      if (change.kind === "put" && "bytes" in change.content) await this.storeBlob(change.content.bytes);
    }
    const next = new Map(before);
    for (const change of changes) if (change.kind !== "put") removeBelow(next, change.path);
    for (const change of changes) await this.#write(next, before, change);
    const landed = await this.#append(branch, next, message);
    const { sha, treeSha } = landed;
    return { kind: "committed", sha, treeSha, parentSha: head?.sha ?? null, merged: [] };
  }

  async #write(next: Map<string, MemoryFile>, before: Files, change: RemoteChange): Promise<void> {
    if (change.kind === "move") {
      for (const [path, file] of before) {
        if (path.startsWith(`${change.path}/`))
          next.set(change.newPath + path.slice(change.path.length), file);
      }
    } else if (change.kind === "put") {
      const { content } = change;
      const mode = change.mode ?? before.get(change.path)?.mode ?? "100644";
      const bytes = "sha" in content ? this.findBlob(content.sha) : content.bytes;
      next.set(change.path, await makeFile({ mode, content: bytes }));
    }
  }

  /** Keeps a blob that no commit has yet. */
  async storeBlob(bytes: Uint8Array): Promise<void> {
    this.#stored.set(await hashObject("blob", bytes), bytes);
  }

  findBlob(sha: string): Uint8Array {
    const stored = this.#stored.get(sha);
    if (stored !== undefined) return stored;
    for (const commit of this.commits.values()) {
      for (const file of commit.files.values()) if (file.sha === sha) return file.bytes;
    }
    const data = { reason: "missing-object" };
    throw new ApiError("NOT_FOUND", `no blob ${sha}`, { status: 404, retryable: false, data });
  }

  async #append(branch: string, files: Files, message: string): Promise<MemoryCommit> {
    checkNoFileIsDirectory(files);
    const { entries, treeSha } = await listEntries(files);
    const parent = this.branches.get(branch) ?? null;
    this.#now += 1_000;
    const sha = await hashObject("blob", encoder.encode(`${treeSha} ${parent} ${this.#now} ${message}`));
    const commit = { sha, treeSha, parent, files, entries, message, atMs: this.#now };
    this.commits.set(sha, commit);
    this.branches.set(branch, sha);
    return commit;
  }
}

async function shaOf(change: RemoteChange): Promise<string | null> {
  if (change.kind !== "put") return null;
  return "sha" in change.content ? change.content.sha : await hashObject("blob", change.content.bytes);
}

function removeBelow(files: Map<string, MemoryFile>, path: string): void {
  for (const name of [...files.keys()]) if (name === path || name.startsWith(`${path}/`)) files.delete(name);
}

function checkNoFileIsDirectory(files: Files): void {
  for (const path of files.keys()) {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (files.has(path.slice(0, end))) {
        throw new ApiError("UNPROCESSABLE", `${path.slice(0, end)} is a file`, {
          status: 422,
          retryable: false,
        });
      }
    }
  }
}

interface Directory {
  readonly files: Map<string, MemoryFile>;
  readonly directories: Map<string, Directory>;
}

/** The listing as the server gives it: depth first, in git's order, with tree ids made independently of the mount. */
async function listEntries(files: Files): Promise<{ entries: readonly RemoteEntry[]; treeSha: string }> {
  const root: Directory = { files: new Map(), directories: new Map() };
  for (const [path, file] of files) {
    const segments = path.split("/");
    let directory = root;
    for (const segment of segments.slice(0, -1)) {
      const next = directory.directories.get(segment) ?? { files: new Map(), directories: new Map() };
      directory.directories.set(segment, next);
      directory = next;
    }
    directory.files.set(segments.at(-1) ?? "", file);
  }
  const listed = await listDirectory(root, "");
  return { entries: listed.entries, treeSha: listed.sha };
}

async function listDirectory(
  directory: Directory,
  prefix: string,
): Promise<{ sha: string; entries: RemoteEntry[] }> {
  const children = [
    ...[...directory.files].map(([name, file]) => ({ name, key: Buffer.from(name), file, below: null })),
    ...[...directory.directories].map(([name, below]) => ({
      name,
      key: Buffer.from(`${name}/`),
      file: null,
      below,
    })),
  ].sort((a, b) => Buffer.compare(a.key, b.key));
  const entries: RemoteEntry[] = [];
  const content: Buffer[] = [];
  for (const { name, file, below } of children) {
    const path = prefix + name;
    const inside = below === null ? null : await listDirectory(below, `${path}/`);
    const sha = inside?.sha ?? file?.sha ?? "";
    const mode = file?.mode ?? "040000";
    entries.push({ path, sha, mode, size: file?.bytes.length ?? 0 }, ...(inside?.entries ?? []));
    content.push(Buffer.from(`${mode.replace(/^0/, "")} ${name}\0`), Buffer.from(sha, "hex"));
  }
  return { sha: await hashObject("tree", Buffer.concat(content)), entries };
}

function notFound(what: string): ApiError {
  return new ApiError("NOT_FOUND", `${what} not found`, { status: 404, retryable: false });
}

/** Repositories in memory behind a mount's port, with the pages and limits that a server has. */
export class MemoryRemote implements Remote {
  readonly repos = new Map<string, MemoryRepo>();
  readonly limits = {
    fileBytes: 10 * 1024 * 1024,
    changesPerCommit: 20_000,
    contentBytes: 32 * 1024 * 1024,
    batchPaths: 100,
    prefetchGlobs: 32,
    prefetchBytes: 32 * 1024 * 1024,
    prefetchBlobBytes: 4 * 1024 * 1024,
    grepPaths: 1_000,
    grepMatches: 10_000,
    grepFileBytes: 32 * 1024 * 1024,
    grepLineBytes: 64 * 1024,
  };
  /** Entries of one page of a listing. */
  pageSize = 10_000;

  /** Makes a repository with one commit of these files; without files it has no commit. */
  async create(slug: string, files?: Readonly<Record<string, SeedFile>>): Promise<MemoryRepo> {
    const repo = new MemoryRepo();
    this.repos.set(slug, repo);
    if (files !== undefined) await repo.seed(files);
    return repo;
  }

  find({ slug, namespace }: RemoteRepo): MemoryRepo {
    const repo = this.repos.get(namespace === null ? slug : `${namespace}/${slug}`);
    if (repo === undefined) throw notFound("Repository");
    return repo;
  }

  async listTree(
    repo: RemoteRepo,
    { ref, cursor }: { readonly ref: string; readonly cursor: string | null },
  ): Promise<RemoteTreePage> {
    const found = this.find(repo);
    const commit = found.resolve(ref);
    if (commit === undefined) throw notFound(`Ref ${ref}`);
    const start = Number(cursor ?? 0);
    const end = start + this.pageSize;
    const entries = commit?.entries ?? [];
    return {
      entries: entries.slice(start, end),
      treeSha: commit?.treeSha ?? (await hashObject("tree", new Uint8Array(0))),
      commitSha: commit?.sha ?? null,
      committedAtMs: commit?.atMs ?? 0,
      branch: ref === "HEAD" ? found.defaultBranch : found.branches.has(ref) ? ref : null,
      nextCursor: end < entries.length ? String(end) : null,
    };
  }

  async readBlobs(
    repo: RemoteRepo,
    request: { readonly commitSha: string; readonly paths: readonly string[] },
  ) {
    const files = this.#filesAt(repo, request.commitSha);
    return request.paths.flatMap((path) => {
      const file = files.get(path);
      return file === undefined ? [] : [{ path, sha: file.sha, bytes: file.bytes }];
    });
  }

  async openBlob(
    repo: RemoteRepo,
    request: {
      readonly commitSha: string;
      readonly path: string;
      readonly range: { readonly start: number; readonly end: number } | null;
    },
  ): Promise<ReadableStream<Uint8Array>> {
    const file = this.#filesAt(repo, request.commitSha).get(request.path);
    if (file === undefined) throw notFound(`File ${request.path}`);
    const { start, end } = request.range ?? { start: 0, end: file.bytes.length - 1 };
    return new Blob([file.bytes.slice(start, end + 1)]).stream();
  }

  async *prefetch(
    repo: RemoteRepo,
    request: {
      readonly commitSha: string;
      readonly globs: readonly string[];
      readonly maxBytes: number;
      readonly maxBlobBytes: number;
    },
  ) {
    const globs = await Promise.all(request.globs.map((glob) => compileGlob(glob)));
    let entries = 0;
    let bytes = 0;
    for (const [path, file] of this.#filesAt(repo, request.commitSha)) {
      if (file.bytes.length > request.maxBlobBytes || !globs.some((glob) => glob.match(path))) continue;
      if (bytes + file.bytes.length > request.maxBytes) return { entries, bytes, capped: true };
      yield { path, sha: file.sha, bytes: file.bytes };
      entries += 1;
      bytes += file.bytes.length;
    }
    return { entries, bytes, capped: false };
  }

  async *grep(repo: RemoteRepo, request: RemoteGrep): AsyncGenerator<RemoteMatch, RemoteGrepSummary> {
    const matcher = await compileMatcher(request);
    const globs = await Promise.all(request.globs.map((pattern) => compileGlob(pattern)));
    const limits = { contextLines: request.contextLines, lineBytes: this.limits.grepLineBytes };
    for (const [path, { sha, mode, bytes }] of this.#filesAt(repo, request.commitSha)) {
      const isNamed = request.paths.some((root) => path === root || path.startsWith(`${root}/`));
      const isAll = request.globs.length + request.paths.length === 0;
      if (!mode.startsWith("100") || !(isAll || isNamed || globs.some((glob) => glob.match(path)))) continue;
      for (const line of searchBytes(bytes, matcher, limits)) yield { path, sha, ...line };
    }
    return { nextCursor: null };
  }

  async commit(repo: RemoteRepo, commit: RemoteCommit): Promise<RemoteCommitOutcome> {
    return await this.find(repo).commit(commit);
  }

  async storeBlobs(repo: RemoteRepo, blobs: readonly Uint8Array[]): Promise<void> {
    for (const bytes of blobs) await this.find(repo).storeBlob(bytes);
  }

  async readBlob(repo: RemoteRepo, sha: string): Promise<Uint8Array> {
    return this.find(repo).findBlob(sha);
  }

  async findDefaultBranch(repo: RemoteRepo): Promise<string> {
    return this.find(repo).defaultBranch;
  }

  #filesAt(repo: RemoteRepo, commitSha: string): Files {
    const commit = this.find(repo).commits.get(commitSha);
    if (commit === undefined) throw notFound(`Commit ${commitSha}`);
    return commit.files;
  }
}
