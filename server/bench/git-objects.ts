import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { ObjectType } from "../git/hash/object-type.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { Found, GitObject, ObjectHeader, ObjectReader } from "../git/ports.ts";

/** Objects of a repository on disk, read by one `git cat-file --batch` that stays. */
export interface GitObjects extends ObjectReader {
  close(): void;
}

const OBJECT_TYPES: ReadonlySet<string> = new Set(["commit", "tree", "blob", "tag"]);
const LINE_FEED = 0x0a;
/** Contents that are kept for the next merge, which mostly reads what the last one did. */
const CACHE_BYTES = 256 * 1024 * 1024;

interface Waiting {
  readonly oid: Oid;
  readonly settle: (object: GitObject | null) => void;
  readonly fail: (error: Error) => void;
}

/** Where git writes what it makes of a repository that is to stay as it is. */
export interface ScratchStore {
  /** For processes of git that read the repository and this together. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** @param gitDir of the repository, or its work tree. @throws Error when it is none */
export async function openScratchStore(gitDir: string): Promise<ScratchStore> {
  const { stdout } = await promisify(execFile)("git", ["rev-parse", "--git-path", "objects"], {
    cwd: gitDir,
  });
  const folder = await mkdtemp(join(tmpdir(), "coregit-merges-"));
  return {
    env: {
      GIT_OBJECT_DIRECTORY: folder,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: resolve(gitDir, stdout.trim()),
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/**
 * @param gitDir of the repository, or its work tree
 * @param env such as {@link ScratchStore.env}
 */
export function openGitObjects(gitDir: string, env: Readonly<Record<string, string>> = {}): GitObjects {
  const options = { cwd: gitDir, env: { ...process.env, ...env }, stdio: "pipe" } as const;
  const child = spawn("git", ["cat-file", "--batch"], options);
  const queue = readReplies(child);
  const cache = new Map<Oid, GitObject>();
  let cachedBytes = 0;

  async function readOne(oid: Oid): Promise<GitObject | null> {
    const known = cache.get(oid);
    if (known) return known;
    const object = await queue(oid);
    if (!object) return null;
    if (!cache.has(oid)) cachedBytes += object.data.length;
    cache.set(oid, object);
    for (const [oldest, { data }] of cache) {
      if (cachedBytes <= CACHE_BYTES || oldest === oid) break;
      cache.delete(oldest);
      cachedBytes -= data.length;
    }
    return object;
  }

  async function readAll<T>(oids: readonly Oid[], pick: (object: GitObject) => T): Promise<Found<T>> {
    const found = new Map<Oid, T>();
    const missing: Oid[] = [];
    const objects = await Promise.all(oids.map(readOne));
    for (const [i, oid] of oids.entries()) {
      const object = objects[i];
      if (object) found.set(oid, pick(object));
      else missing.push(oid);
    }
    return { found, missing };
  }

  return {
    readObjects: (oids) => readAll(oids, (object) => object),
    readHeaders: (oids) => readAll<ObjectHeader>(oids, ({ type, data }) => ({ type, size: data.length })),
    close: () => child.stdin.end(),
  };
}

/** Asks for one object; answers come in the order of the questions. */
function readReplies(child: ChildProcessWithoutNullStreams): (oid: Oid) => Promise<GitObject | null> {
  const waiting: Waiting[] = [];
  let rest = Buffer.alloc(0);
  let chunks: Buffer[] = [];
  let needed = 1;
  child.stdout.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    needed -= chunk.length;
    // A large object comes in many chunks: they are joined once, when it is whole.
    if (needed > 0) return;
    rest = Buffer.concat([rest, ...chunks]);
    chunks = [];
    for (;;) {
      const reply = cutReply(rest);
      if (typeof reply === "number") {
        needed = reply;
        return;
      }
      rest = rest.subarray(reply.end);
      const asked = waiting.shift();
      asked?.settle(reply.data && { oid: asked.oid, type: reply.type, data: new Uint8Array(reply.data) });
    }
  });
  child.on("close", () => {
    for (const { fail } of waiting.splice(0)) fail(new Error("git cat-file ended before it had answered"));
  });
  return (oid) =>
    new Promise((settle, fail) => {
      waiting.push({ oid, settle, fail });
      child.stdin.write(`${oid}\n`);
    });
}

type Reply =
  | { readonly end: number; readonly data: null; readonly type?: undefined }
  | { readonly end: number; readonly data: Buffer; readonly type: ObjectType };

/** The first reply in `bytes`, or how many bytes are missing at least. */
function cutReply(bytes: Buffer): Reply | number {
  const lineEnd = bytes.indexOf(LINE_FEED);
  if (lineEnd < 0) return 1;
  const [, type = "", size = ""] = bytes.toString("latin1", 0, lineEnd).split(" ");
  if (!OBJECT_TYPES.has(type)) return { end: lineEnd + 1, data: null };
  const start = lineEnd + 1;
  const end = start + Number(size);
  if (bytes.length < end + 1) return end + 1 - bytes.length;
  // One of the four types, by the check above.
  return { end: end + 1, data: bytes.subarray(start, end), type: type as ObjectType };
}
