/**
 * Commit object: `tree`, `parent`*, `author`, `committer`, further headers (encoding, gpgsig, mergetag …), blank line,
 * message. Source: git-commit-tree(1), gitformat-signature(5).
 */
import { type ByteString, byteStringToBytes } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { decodeCommitIds } from "./commit-links.ts";
import { formatHeaderBlock, type Header, parseHeaderBlock } from "./headers.ts";
import { formatIdentity, type Identity, parseIdentity } from "./identity.ts";

export interface Commit {
  readonly tree: Oid;
  readonly parents: readonly Oid[];
  readonly author: Identity;
  readonly committer: Identity;
  /** Headers after `committer`, in order, byte for byte. */
  readonly extra: readonly Header[];
  readonly message: ByteString;
}

/** @throws GitError corrupt-object */
export function decodeCommit(data: Uint8Array): Commit {
  const { tree, parents, end } = decodeCommitIds(data);
  const { headers, message } = parseHeaderBlock(data.subarray(end));
  const [author, committer, ...extra] = headers;
  if (author?.name !== "author") throw new GitError("corrupt-object", "commit without author line");
  if (committer?.name !== "committer") throw new GitError("corrupt-object", "commit without committer line");
  return {
    tree,
    parents,
    author: parseIdentity(author.value),
    committer: parseIdentity(committer.value),
    extra,
    message,
  };
}

/** @throws GitError invalid-identity, limit-exceeded */
export function encodeCommit(commit: Commit): Uint8Array {
  const headers: Header[] = [{ name: "tree", value: toValue(commit.tree) }];
  for (const parent of commit.parents) headers.push({ name: "parent", value: toValue(parent) });
  headers.push(
    { name: "author", value: formatIdentity(commit.author) },
    { name: "committer", value: formatIdentity(commit.committer) },
    ...commit.extra,
  );
  return byteStringToBytes(formatHeaderBlock({ headers, message: commit.message }));
}

function toValue(oid: Oid): ByteString {
  return oid as string as ByteString;
}
