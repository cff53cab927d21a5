import { ApiError } from "../errors.ts";
import { ContentSource } from "./blobs/content-source.ts";
import { CallContext } from "./calls/call-context.ts";
import { CommitBuffer } from "./commit/commit-buffer.ts";
import { Saver } from "./commit/saver.ts";
import { errnoError, remoteError } from "./kernel/errno.ts";
import type { RemoteIdentity } from "./kernel/remote.ts";
import type { MountOptions, MountParts, MountRepo } from "./mount-options.ts";
import { type ForkMount, MountedFS } from "./mounted-fs.ts";
import { loadTree } from "./tree/load-tree.ts";
import { MountTable } from "./volume/mount-table.ts";
import { Volume } from "./volume/volume.ts";

const MAX_REPOS = 10;

function nameOf(repo: MountRepo): string {
  return repo.as === "/" ? "" : (repo.as ?? repo.slug);
}

function checkOptions({ repos }: MountOptions): void {
  const fail = (detail: string) => errnoError("EINVAL", { syscall: "mount" }, { detail });
  if (repos.length === 0 || repos.length > MAX_REPOS)
    throw fail(`a mount takes 1 to ${MAX_REPOS} repositories`);
  const names = repos.map(nameOf);
  if (names.some((name) => name.includes("/") || name === "." || name === "..")) {
    throw fail("a mount name is one path segment");
  }
  if (new Set(names).size < names.length) throw fail("two repositories have one name: give one of them `as`");
  if (repos.length > 1 && names.includes(""))
    throw fail("only a single repository can be mounted at the root");
}

async function openVolume(repo: MountRepo, options: MountOptions, parts: MountParts): Promise<Volume> {
  const { slug, namespace = null } = repo;
  const branch = repo.branch ?? options.branch ?? null;
  const ref = repo.ref ?? branch ?? "HEAD";
  const site = { syscall: "mount", path: `/${nameOf(repo)}` };
  try {
    const loaded = await loadTree(parts.remote, { slug, namespace }, { ref, signal: options.signal });
    return new Volume(
      parts.remote,
      {
        name: nameOf(repo),
        repo: { slug, namespace },
        ref,
        branch,
        writable: options.mode !== "ro" && (repo.ref === undefined || branch !== null),
      },
      { ...loaded, now: parts.now },
    );
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (!(cause instanceof ApiError) || cause.status !== 404) throw remoteError(cause, site);
    throw errnoError("ENOENT", site, { detail: `no such repository or ref: ${slug} at ${ref}`, cause });
  }
}

/**
 * Mounts repositories: one request for each, whatever its size up to 10,000 entries.
 *
 * @throws MountPathError EINVAL for options, ENOENT for a missing repository or ref; MountError EACCES, EIO.
 */
export async function openMount(options: MountOptions, parts: MountParts): Promise<MountedFS> {
  checkOptions(options);
  return await assemble(
    await Promise.all(options.repos.map((repo) => openVolume(repo, options, parts))),
    options,
    parts,
  );
}

async function assemble(
  volumes: readonly Volume[],
  options: MountOptions,
  parts: MountParts,
): Promise<MountedFS> {
  const { remote, now, createKey } = parts;
  const table = new MountTable(volumes);
  const content = new ContentSource(parts.blobs);
  const context = new CallContext({ table, content, remote, now });
  const buffers = volumes.map((volume) => new CommitBuffer({ volume, table, remote, content, createKey }));
  const { commitMode: mode = "manual", author } = options;
  const autos = mode === "auto" ? await createAutos(buffers, author) : [];
  const saver = new Saver(table, buffers, { mode, author, autos });
  const fork: ForkMount = async (slug, choice) => {
    const { forkMount } = await import("./fork-mount.ts");
    return await forkMount({ options, parts, table, openVolume, assemble }, slug, choice);
  };
  return new MountedFS(context, saver, { session: parts.session, execStrategy: options.execStrategy, fork });
}

async function createAutos(buffers: readonly CommitBuffer[], author: RemoteIdentity | undefined) {
  const { AutoCommit } = await import("./commit/auto-commit.ts");
  return buffers.map((buffer) => new AutoCommit(buffer, { author }));
}
