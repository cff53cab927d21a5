import { ApiError } from "../errors.ts";
import { errnoError, remoteError } from "./kernel/errno.ts";
import type { ForkOptions, MountOptions, MountParts, MountRepo } from "./mount-options.ts";
import type { MountTable } from "./volume/mount-table.ts";
import type { Volume } from "./volume/volume.ts";

/** What a mount is forked with. */
export interface ForkParts<M> {
  readonly options: MountOptions;
  readonly parts: MountParts;
  readonly table: MountTable;
  readonly openVolume: (repo: MountRepo, options: MountOptions, parts: MountParts) => Promise<Volume>;
  readonly assemble: (volumes: readonly Volume[], options: MountOptions, parts: MountParts) => Promise<M>;
}

/**
 * Forks a mounted repository and mounts the fork, with a copy of what is unsaved: two requests, whatever its size. Paths
 * stay the same, and contents that are cached are not fetched again.
 *
 * @throws MountPathError EEXIST for a name that is taken, EINVAL when it is not clear which repository; MountError
 * EACCES, EIO, ENOSYS
 */
export async function forkMount<M>(deps: ForkParts<M>, slug: string, fork: ForkOptions): Promise<M> {
  const { parts, table } = deps;
  const source = chooseVolume(table, fork.repo);
  const site = { syscall: "fork", path: table.format(source, "") };
  if (parts.remote.fork === undefined)
    throw errnoError("ENOSYS", site, { detail: "the server makes no forks" });
  const namespace = fork.namespace ?? null;
  try {
    await parts.remote.fork(source.repo, { slug, namespace, idempotencyKey: parts.createKey() });
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.code !== "CONFLICT") throw remoteError(cause, site);
    throw errnoError("EEXIST", site, { detail: `a repository named ${slug} exists already`, cause });
  }
  const branch = await source.readBranch();
  const as = source.name === "" ? "/" : source.name;
  const { signal: _, ...rest } = deps.options;
  const options: MountOptions = {
    ...rest,
    repos: [{ slug, namespace, branch, as }],
    ...(fork.mode === undefined ? {} : { mode: fork.mode }),
  };
  const [repo] = options.repos as [MountRepo];
  const volume = await deps.openVolume(repo, options, parts);
  volume.adopt(source);
  return await deps.assemble([volume], options, parts);
}

function chooseVolume(table: MountTable, name: string | undefined): Volume {
  const fail = (detail: string) => errnoError("EINVAL", { syscall: "fork" }, { detail });
  if (name === undefined) {
    if (table.single === null) throw fail("several repositories are mounted: name one as `repo`");
    return table.single;
  }
  const found = table.volumes.find((volume) => (volume.name || volume.repo.slug) === name);
  if (found === undefined) throw fail(`no repository is mounted as ${name}`);
  return found;
}
