/** Packs made and judged by the real git, and storage in memory to take them in. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createMemorySource } from "../git/pack/byte-source.ts";
import type { PackSpool, SpoolFile } from "../git/pack/pack-arrival.ts";
import type { ByteSource } from "../git/ports.ts";
import { git, makeFolder, type RealRepo } from "./real-git.ts";

export interface History {
  readonly commits: number;
  readonly files: number;
  /** Files changed by each commit after the first. */
  readonly changes: number;
  /** Longest delta chain that fast-import makes. */
  readonly depth?: number;
  readonly branch?: string;
}

/** Fills branch `main` with text files that change a line at a time; the same for the same numbers. */
export async function writeHistory(repo: RealRepo, history: History): Promise<void> {
  const random = createRandom(history.commits * 31 + history.files);
  const contents = Array.from({ length: history.files }, (_, file) =>
    Array.from({ length: 3 + random(40) }, (_, line) => `file ${file} line ${line} ${random(1e9)}`),
  );
  let stream = "";
  for (let commit = 0; commit < history.commits; commit++) {
    stream += `commit refs/heads/${history.branch ?? "main"}\n`;
    stream += `committer Carl <carl@example.com> ${1_700_000_000 + commit * 60} +0000\n`;
    stream += `data ${`commit ${commit}\n`.length}\ncommit ${commit}\n`;
    for (let i = 0; i < (commit === 0 ? history.files : history.changes); i++) {
      const file = commit === 0 ? i : random(history.files);
      const lines = contents[file] ?? [];
      lines[random(lines.length)] = `changed in ${commit}: ${random(1e9)}`;
      const text = `${lines.join("\n")}\n`;
      stream += `M 100644 inline d${file % 7}/e${file % 31}/f${file}.txt\ndata ${text.length}\n${text}\n`;
    }
  }
  const depth = history.depth === undefined ? [] : [`--depth=${history.depth}`];
  await repo.git(["-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", ...depth], { input: stream });
}

/** A small generator of numbers below a bound, so that no test depends on chance. */
export function createRandom(seed: number): (below: number) => number {
  let state = (seed + 1) * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Bytes that do not compress, the same for the same seed. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = Math.imul(seed + 1, 2_654_435_761) | 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** `git pack-objects --stdout`; `revs` are lines for `--revs`. */
export async function packObjects(
  repo: RealRepo,
  revs: readonly string[],
  flags: readonly string[] = [],
): Promise<Uint8Array> {
  const args = ["pack-objects", "--stdout", "--revs", "-q", ...flags];
  return (await repo.git(args, { input: revs.map((rev) => `${rev}\n`).join("") })).stdout;
}

/** `git index-pack --strict` of a pack that stands for itself. @throws Error when git refuses it */
export async function indexWithGit(
  pack: Uint8Array,
  flags: readonly string[] = ["--strict"],
): Promise<{ readonly idx: Uint8Array; readonly verified: string }> {
  const path = join(await makeFolder(), "test.pack");
  await writeFile(path, pack);
  await git(["index-pack", ...flags, path]);
  const idxPath = path.replace(/pack$/, "idx");
  const verified = await git(["verify-pack", "-v", idxPath]);
  return { idx: await readFile(idxPath), verified: verified.text };
}

export async function* chunksOf(
  bytes: Uint8Array,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

export interface MemorySpool extends PackSpool {
  /** What was closed, and what happened in which order. */
  readonly files: Map<SpoolFile, Uint8Array>;
  readonly events: string[];
}

export function createMemorySpool(): MemorySpool {
  const files = new Map<SpoolFile, Uint8Array>();
  const events: string[] = [];
  return {
    files,
    events,
    async createFile(name) {
      events.push(`create ${name}`);
      const parts: Uint8Array[] = [];
      return {
        async write(chunk) {
          parts.push(chunk);
        },
        async close() {
          events.push(`close ${name}`);
          files.set(name, Buffer.concat(parts));
        },
        async abort() {
          events.push(`abort ${name}`);
        },
      };
    },
    async openFile(name) {
      return createMemorySource([files.get(name) ?? new Uint8Array(0)]);
    },
  };
}

export interface CountingSource extends ByteSource {
  readonly reads: { readonly offset: number; readonly length: number }[];
  /** Most reads that were under way at once. */
  readonly peak: () => number;
}

export function countReads(bytes: Uint8Array): CountingSource {
  const source = createMemorySource([bytes]);
  const reads: { offset: number; length: number }[] = [];
  let open = 0;
  let peak = 0;
  return {
    size: source.size,
    reads,
    peak: () => peak,
    async read(offset, length) {
      reads.push({ offset, length });
      peak = Math.max(peak, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
      return source.read(offset, length);
    },
  };
}
