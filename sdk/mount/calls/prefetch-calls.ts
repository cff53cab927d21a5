import { type CallSite, errnoError, remoteError } from "../kernel/errno.ts";
import { knownShaOf, sizeOf } from "../tree/nodes.ts";
import type { Volume } from "../volume/volume.ts";
import type { CallContext } from "./call-context.ts";
import { groupByVolume, matchFiles, parsePatterns, routeGlobs } from "./glob-calls.ts";

export interface PrefetchOptions {
  /** Contents to load at most, bytes. Default 16 MiB; the server's ceiling is 32 MiB per repository. */
  readonly maxBytes?: number | undefined;
  /** Larger files are left out, bytes. Default 1 MiB, at most 4 MiB. */
  readonly maxBlobBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told after every file; while it is awaited, no more is taken from the network. */
  readonly onProgress?: ((progress: PrefetchProgress) => void | Promise<void>) | undefined;
}

/** What has come so far, of all repositories. */
export interface PrefetchProgress {
  readonly entries: number;
  readonly bytes: number;
}

export interface PrefetchResult {
  /** Files that came. */
  readonly entries: number;
  readonly bytes: number;
  /** Not everything that matched came: `maxBytes` was reached. */
  readonly capped: boolean;
}

const DEFAULT_BYTES = 16 * 1024 * 1024;
const DEFAULT_BLOB_BYTES = 1024 * 1024;

/** Pattern signs that the server takes literally and the local matcher does not. */
const LOCAL_ONLY_SIGNS = /[[\]{}()!+@\\]/;

/** Loads every file that matches into the cache, one streaming request per repository; none when all is there already. */
export async function prefetchFiles(
  context: CallContext,
  wanted: string | readonly string[],
  options: PrefetchOptions,
): Promise<PrefetchResult> {
  const patterns = parsePatterns(wanted, "prefetch");
  const site = { syscall: "prefetch", path: patterns.join(",") };
  context.checkOpen(site);
  const routed = await routeGlobs(context, patterns);
  const { limits } = context.remote;
  const total = { entries: 0, bytes: 0, capped: false };
  for (const [volume, globs] of groupByVolume(routed)) {
    if (globs.length > limits.prefetchGlobs) {
      throw errnoError("EINVAL", site, {
        detail: `${globs.length} patterns, a request takes ${limits.prefetchGlobs}`,
      });
    }
    const before = { ...total };
    const { onProgress } = options;
    const left = {
      ...options,
      maxBytes: (options.maxBytes ?? DEFAULT_BYTES) - total.bytes,
      onProgress: ({ entries, bytes }: PrefetchProgress) =>
        onProgress?.({ entries: before.entries + entries, bytes: before.bytes + bytes }),
    };
    if (left.maxBytes <= 0) return { ...total, capped: true };
    const part = await prefetchVolume(context, { volume, globs, site }, left);
    total.entries += part.entries;
    total.bytes += part.bytes;
    total.capped ||= part.capped;
  }
  return total;
}

async function prefetchVolume(
  context: CallContext,
  subject: { readonly volume: Volume; readonly globs: readonly string[]; readonly site: CallSite },
  options: PrefetchOptions & { readonly maxBytes: number },
): Promise<PrefetchResult> {
  const { volume, globs, site } = subject;
  const { commitSha } = volume;
  const maxBlobBytes = Math.min(
    options.maxBlobBytes ?? DEFAULT_BLOB_BYTES,
    context.remote.limits.prefetchBlobBytes,
  );
  if (commitSha === null || (await isAllCached(context, volume, globs, maxBlobBytes))) {
    return { entries: 0, bytes: 0, capped: false };
  }
  let entries = 0;
  let bytes = 0;
  context.content.countRequest();
  const stream = context.remote.prefetch(volume.repo, {
    commitSha,
    globs,
    maxBytes: Math.min(options.maxBytes, context.remote.limits.prefetchBytes),
    maxBlobBytes,
    signal: options.signal,
  });
  try {
    for (let next = await stream.next(); ; next = await stream.next()) {
      if (next.done) return { entries, bytes, capped: next.value.capped };
      const blob = next.value;
      context.content.keep({ sha: blob.sha, bytes: blob.bytes, text: null });
      entries += 1;
      bytes += blob.bytes.length;
      await options.onProgress?.({ entries, bytes });
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    throw remoteError(error, site);
  } finally {
    // Left early, the rest is not to be sent; at the end this does nothing.
    await stream.return({ entries, bytes, capped: true });
  }
}

/** Whether the listing shows that every match is in the cache. */
async function isAllCached(
  context: CallContext,
  volume: Volume,
  globs: readonly string[],
  maxBlobBytes: number,
): Promise<boolean> {
  if (globs.some((glob) => LOCAL_ONLY_SIGNS.test(glob))) return false;
  const matches = await matchFiles(globs.map((pattern) => ({ volume, pattern })));
  const small = matches.filter(({ node }) => sizeOf(node) <= maxBlobBytes);
  const shas = small.map(({ node }) => knownShaOf(node) ?? "");
  await context.content.warm(shas.filter((sha) => sha !== "" && !context.content.has(sha)));
  return matches.every(({ node }) => {
    if (sizeOf(node) > maxBlobBytes || (node.kind === "file" && node.content.kind === "bytes")) return true;
    const sha = knownShaOf(node);
    return sha === null || context.content.has(sha);
  });
}
