import type { BlameHunk } from "../../../sdk/contract/history.ts";
import { LIMITS } from "../../../sdk/contract/limits.ts";
import { blameFile, type BlameHunk as EngineHunk } from "../../git/blame/blame-file.ts";
import { formatByteString, toByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { decodeCommit } from "../../git/object/commit.ts";
import type { TreeMode } from "../../git/object/tree.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { describeCommit } from "../commits/describe-commit.ts";
import { type Metadata, readMetadata } from "../notes/read-metadata.ts";

export interface BlameOrder {
  readonly commit: Oid;
  readonly path: string;
  readonly file: { readonly oid: Oid; readonly mode: TreeMode };
  /** Lines from 1, both included. */
  readonly range: { readonly first: number; readonly last: number } | null;
}

export type LinesBlamed =
  | {
      readonly kind: "blamed";
      readonly hunks: readonly BlameHunk[];
      readonly lines: number;
      readonly truncated: boolean;
    }
  | { readonly kind: "no-such-line"; readonly lines: number };

/** Steps of line diffs in one blame: some seconds. */
const DIFF_STEPS = 300_000_000;
/** Commits that are read at once. */
const COMMITS_PER_READ = 256;

/** Which commits wrote a file's lines, with what their agents said of them. @throws as blameFile */
export async function blameLines(repo: RepoHandle, order: BlameOrder): Promise<LinesBlamed> {
  const { commit, range } = order;
  const blame = await blameFile(
    repo.objects,
    {
      commit,
      path: toByteString(order.path),
      version: order.file,
      ...(range && { range: { from: range.first - 1, to: range.last } }),
    },
    { commits: LIMITS.blameCommits, bytes: LIMITS.blameReadBytes, diffSteps: DIFF_STEPS },
  );
  if (range && range.first > blame.lines) return { kind: "no-such-line", lines: blame.lines };
  const commits = [...new Set(blame.hunks.map((hunk) => hunk.commit))];
  const [words, metadata] = await Promise.all([readWords(repo, commits), readMetadata(repo, commits)]);
  const say = createSpeaker(metadata);
  const hunks = blame.hunks.map((hunk) =>
    describeHunk(hunk, { path: order.path, words, said: say(hunk.commit) }),
  );
  return { kind: "blamed", hunks, lines: blame.lines, truncated: blame.truncated };
}

type Words = Pick<BlameHunk, "author" | "date" | "summary">;

async function readWords(repo: RepoHandle, commits: readonly Oid[]): Promise<ReadonlyMap<Oid, Words>> {
  const words = new Map<Oid, Words>();
  for (let start = 0; start < commits.length; start += COMMITS_PER_READ) {
    const { found } = await repo.objects.readObjects(commits.slice(start, start + COMMITS_PER_READ));
    for (const { oid, data } of found.values()) {
      const {
        author_name: name,
        author_email: email,
        timestamp,
        message,
      } = describeCommit(oid, decodeCommit(data));
      words.set(oid, { author: { name, email }, date: timestamp, summary: message.split("\n", 1)[0] ?? "" });
    }
  }
  return words;
}

/** Gives metadata until the reply has enough of it: the same may stand at a thousand hunks. */
function createSpeaker(metadata: ReadonlyMap<Oid, Metadata>): (commit: Oid) => Metadata | null {
  const sizes = new Map<Oid, number>();
  let left: number = LIMITS.blameMetadataBytes;
  return (commit) => {
    const said = metadata.get(commit);
    if (!said) return null;
    const size = sizes.get(commit) ?? JSON.stringify(said).length;
    sizes.set(commit, size);
    left -= size;
    return left < 0 ? null : said;
  };
}

function describeHunk(
  hunk: EngineHunk,
  {
    path,
    words,
    said,
  }: { readonly path: string; readonly words: ReadonlyMap<Oid, Words>; readonly said: Metadata | null },
): BlameHunk {
  const origPath = formatByteString(hunk.path);
  const known = words.get(hunk.commit) ?? { author: { name: "", email: "" }, date: "", summary: "" };
  return {
    sha: hunk.commit,
    ...known,
    ...(origPath !== path && { orig_path: origPath }),
    orig_line: hunk.orig + 1,
    final_line: hunk.final + 1,
    count: hunk.count,
    ...(hunk.unfinished && { boundary: true as const }),
    ...(said && { metadata: said }),
  };
}
