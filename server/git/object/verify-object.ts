/**
 * Checks of objects that come from outside, as strict as git's receive.fsckObjects: what git only warns about there
 * (odd file modes, a tag without a tagger) is no fault. Source: git-fsck(1), "Fsck messages".
 */
import type { ObjectType } from "../hash/object-type.ts";
import { isObjectType } from "../hash/object-type.ts";
import { isFault, openHeader, takeIdentity, takeOid } from "./verify-headers.ts";
import type { ObjectFault } from "./verify-identity.ts";
import { verifyTree } from "./verify-tree.ts";

export type { ObjectFault } from "./verify-identity.ts";

/** What is wrong with an object; empty = fine. A commit or tag is looked at up to its first fault. */
export function verifyObject(type: ObjectType, data: Uint8Array): readonly ObjectFault[] {
  switch (type) {
    case "blob":
      return [];
    case "tree":
      return verifyTree(data);
    case "commit":
      return toList(findCommitFault(data));
    case "tag":
      return toList(findTagFault(data));
  }
}

function findCommitFault(data: Uint8Array): ObjectFault | null {
  const lines = openHeader(data);
  if (isFault(lines)) return lines;
  const tree = takeOid(lines, "tree", "missingTree", "badTreeSha1");
  if (tree) return tree;
  for (;;) {
    const parent = takeOid(lines, "parent", "", "badParentSha1");
    if (parent?.id === "") break;
    if (parent) return parent;
  }
  const author = takeIdentity(lines, "author", expected("missingAuthor", "author"));
  if (author) return author;
  if (lines.take("author") !== null) {
    return { id: "multipleAuthors", message: "invalid format - multiple 'author' lines" };
  }
  const committer = takeIdentity(lines, "committer", expected("missingCommitter", "committer"));
  if (committer) return committer;
  if (data.includes(0)) return { id: "nulInCommit", message: "NUL byte in the commit object body" };
  return null;
}

function findTagFault(data: Uint8Array): ObjectFault | null {
  const lines = openHeader(data);
  if (isFault(lines)) return lines;
  const object = takeOid(lines, "object", "missingObject", "badObjectSha1");
  if (object) return object;
  const type = lines.take("type");
  if (type === null) return expected("missingTypeEntry", "type");
  if (!isObjectType(type)) return { id: "badType", message: "invalid 'type' value" };
  if (lines.take("tag") === null) return expected("missingTagEntry", "tag");
  return takeIdentity(lines, "tagger", null);
}

function expected(id: string, name: string): ObjectFault {
  return { id, message: `invalid format - expected '${name}' line` };
}

function toList(fault: ObjectFault | null): readonly ObjectFault[] {
  return fault ? [fault] : [];
}
