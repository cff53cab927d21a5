import type { BatchBlob, BatchReply } from "../../../sdk/contract/files.ts";
import { LIMITS } from "../../../sdk/contract/limits.ts";
import type { ByteString } from "../../git/bytes/text.ts";
import { decodeUtf8Lossy } from "../../git/bytes/text.ts";
import { GitError } from "../../git/errors.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { sha1 } from "../../git/hash/sha1.ts";
import { parsePath } from "../../git/object/path-rules.ts";
import { entryKind, type TreeEntry } from "../../git/object/tree.ts";
import type { GitObject, ObjectReader } from "../../git/ports.ts";
import { findEntries } from "../../git/tree/find-entries.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import type { ReadTarget } from "../read-target.ts";
import { encodeBase64 } from "./encode-content.ts";
import { findText } from "./read-file.ts";

/** Contents held at once while a batch is sent. */
const GROUP_BYTES = 8 * 1024 * 1024;

export interface BatchQuery {
  readonly paths: readonly string[];
  readonly encoding: "auto" | "binary" | "text";
  /** Files larger than this are named without content. */
  readonly maxBytes: number;
}

interface PlannedBlob {
  readonly path: string;
  readonly oid: Oid;
  readonly size: number;
  readonly truncated: boolean;
}

/** What a batch will say, known before any content is read. */
export interface BatchPlan {
  readonly blobs: readonly PlannedBlob[];
  readonly missing: readonly string[];
  readonly encoding: BatchQuery["encoding"];
  /** Depends on everything that the reply depends on. */
  readonly etag: string;
}

/**
 * Finds the files of a batch, in the order asked, the same path as often as it is asked for. What is no file there
 * counts as missing: directories and submodules too. `tree` null: a branch without commits, which has no files.
 * @throws GitError invalid-path with `data.index`
 */
export async function planBatch(
  repo: RepoHandle,
  target: Pick<ReadTarget, "tree"> | null,
  query: BatchQuery,
): Promise<BatchPlan> {
  const paths = query.paths.map(parseListed);
  const entries = target
    ? await findEntries(repo.objects, target.tree, paths)
    : new Map<ByteString, TreeEntry>();
  const files = [...entries.values()].filter(isFile);
  const { found: headers } = await repo.objects.readHeaders([...new Set(files.map((entry) => entry.oid))]);
  const blobs: PlannedBlob[] = [];
  const missing: string[] = [];
  let bytes = 0;
  for (const [index, path] of query.paths.entries()) {
    const entry = entries.get(paths[index] as ByteString); // one per path
    const size = entry && isFile(entry) ? headers.get(entry.oid)?.size : undefined;
    if (!entry || size === undefined) {
      missing.push(path);
      continue;
    }
    const truncated = size > query.maxBytes || bytes + size > LIMITS.batchReplyBytes;
    if (!truncated) bytes += size;
    blobs.push({ path, oid: entry.oid, size, truncated });
  }
  return { blobs, missing, encoding: query.encoding, etag: formatEtag(blobs, missing, query) };
}

function parseListed(path: string, index: number): ByteString {
  try {
    return parsePath(path);
  } catch (cause) {
    if (!(cause instanceof GitError)) throw cause;
    throw new GitError(cause.code, cause.message, { ...cause.data, index }, { cause });
  }
}

function isFile(entry: TreeEntry): boolean {
  const kind = entryKind(entry);
  return kind === "file" || kind === "symlink";
}

/** Of the ids in their order, the paths and what shapes the reply: the same tag never stands for another body. */
function formatEtag(blobs: readonly PlannedBlob[], missing: readonly string[], query: BatchQuery): string {
  const facts = [blobs.map(({ path, oid }) => [path, oid]), missing, query.encoding, query.maxBytes];
  return `W/"batch-${Buffer.from(sha1(Buffer.from(JSON.stringify(facts)))).toString("hex")}"`;
}

/** Blobs of a plan, cut into groups that fit into memory, in order. */
export function groupBatch(plan: BatchPlan): readonly (readonly PlannedBlob[])[] {
  const groups: PlannedBlob[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const blob of plan.blobs) {
    const size = blob.truncated ? 0 : blob.size;
    if (bytes + size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    bytes += size;
    groups.at(-1)?.push(blob);
  }
  return groups;
}

/** Reads one group in one round. @throws GitError missing-object */
export async function readGroup(
  reader: ObjectReader,
  plan: BatchPlan,
  group: readonly PlannedBlob[],
): Promise<readonly BatchBlob[]> {
  const wanted = new Set(group.filter((blob) => !blob.truncated).map((blob) => blob.oid));
  const { found } =
    wanted.size > 0 ? await reader.readObjects([...wanted]) : { found: new Map<Oid, GitObject>() };
  return group.map((blob) => {
    const { path, oid: sha, size } = blob;
    if (blob.truncated) return { path, sha, size, encoding: nameEncoding(plan.encoding), truncated: true };
    const data = found.get(sha)?.data;
    if (!data) throw new GitError("missing-object", `blob ${sha} is missing`, { oid: sha });
    return { path, sha, size, ...encodeContent(data, plan.encoding) };
  });
}

function encodeContent(
  data: Uint8Array,
  encoding: BatchQuery["encoding"],
): Pick<BatchBlob, "encoding" | "content"> {
  if (encoding === "text") return { encoding: "utf-8", content: decodeUtf8Lossy(data) };
  const text = encoding === "auto" ? findText(data) : null;
  return text === null
    ? { encoding: "base64", content: encodeBase64(data) }
    : { encoding: "utf-8", content: text };
}

/** Of content that was not looked at. */
function nameEncoding(encoding: BatchQuery["encoding"]): BatchBlob["encoding"] {
  return encoding === "text" ? "utf-8" : "base64";
}

/** The whole reply, for batches of one group. */
export async function readBatch(reader: ObjectReader, plan: BatchPlan): Promise<BatchReply> {
  const blobs: BatchBlob[] = [];
  for (const group of groupBatch(plan)) blobs.push(...(await readGroup(reader, plan, group)));
  return { blobs, missing: [...plan.missing] };
}

/** The same as JSON text, group by group; `first` has been read already. */
export async function* writeBatch(
  reader: ObjectReader,
  plan: BatchPlan,
  first: readonly BatchBlob[],
): AsyncGenerator<string> {
  yield '{"blobs":[';
  yield first.map((blob) => JSON.stringify(blob)).join(",");
  for (const group of groupBatch(plan).slice(1)) {
    // One at a time: the JSON of a group in one string would double its memory.
    for (const blob of await readGroup(reader, plan, group)) yield `,${JSON.stringify(blob)}`;
  }
  yield `],"missing":${JSON.stringify(plan.missing)}}`;
}
