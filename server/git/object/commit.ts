/**
 * Commit object: `tree`, `parent`*, `author`, `committer`, further headers (encoding, gpgsig, mergetag …), blank line,
 * message. Source: git-commit-tree(1), gitformat-signature(5).
 */
import { type ByteString, byteStringToBytes } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { type Oid, parseOid } from "../hash/oid.ts";
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
  const { headers, message } = parseHeaderBlock(data);
  let at = 0;
  const take = (name: string): ByteString => {
    const header = headers[at];
    if (header?.name !== name) throw new GitError("corrupt-object", `commit without ${name} line`);
    at++;
    return header.value;
  };
  const tree = parseHeaderOid(take("tree"));
  const parents: Oid[] = [];
  while (headers[at]?.name === "parent") parents.push(parseHeaderOid(take("parent")));
  const author = parseIdentity(take("author"));
  const committer = parseIdentity(take("committer"));
  return { tree, parents, author, committer, extra: headers.slice(at), message };
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

function parseHeaderOid(value: ByteString): Oid {
  try {
    return parseOid(value);
  } catch (cause) {
    throw new GitError("corrupt-object", "bad object id in a header", {}, { cause });
  }
}

function toValue(oid: Oid): ByteString {
  return oid as string as ByteString;
}
