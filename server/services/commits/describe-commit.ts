import type { CommitDetails, Commit as CommitReply } from "../../../sdk/contract/commits.ts";
import { type ByteString, byteStringToBytes, formatByteString } from "../../git/bytes/text.ts";
import type { Oid } from "../../git/hash/oid.ts";
import { type Commit, decodeCommit } from "../../git/object/commit.ts";
import type { RepoHandle } from "../../ports/repo.ts";
import { formatTimestamp } from "../timestamp.ts";

/** A commit as lists show it. */
export function describeCommit(oid: Oid, commit: Commit): CommitReply {
  const read = createTextReader(commit);
  return {
    sha: oid,
    message: read(commit.message).replace(/\n+$/, ""),
    author_name: read(commit.author.name),
    author_email: read(commit.author.email),
    timestamp: formatTimestamp(commit.author.seconds),
    parents: [...commit.parents],
  };
}

/** A commit with all that the API tells of it. */
export function describeCommitDetails(oid: Oid, commit: Commit): CommitDetails {
  const read = createTextReader(commit);
  return {
    ...describeCommit(oid, commit),
    tree: commit.tree,
    committer_name: read(commit.committer.name),
    committer_email: read(commit.committer.email),
    committed_at: formatTimestamp(commit.committer.seconds),
  };
}

/** A commit says in what encoding its texts are (git-commit, i18n.commitEncoding); unknown ones are read as UTF-8. */
function createTextReader(commit: Commit): (text: ByteString) => string {
  const encoding = commit.extra.find((header) => header.name === "encoding")?.value;
  const decoder = encoding ? findDecoder(encoding) : null;
  return decoder ? (text) => decoder.decode(byteStringToBytes(text)) : formatByteString;
}

function findDecoder(label: string): TextDecoder | null {
  try {
    return new TextDecoder(label, { fatal: false, ignoreBOM: true });
  } catch {
    return null; // RangeError is how the platform says that it does not know an encoding
  }
}

/** null when this repository has no such commit. The caller has looked at the repository. */
export async function findCommit(repo: RepoHandle, oid: Oid): Promise<Commit | null> {
  const object = (await repo.objects.readObjects([oid])).found.get(oid);
  return object?.type === "commit" ? decodeCommit(object.data) : null;
}
