import { type ByteString, toByteString } from "../git/bytes/text.ts";
import type { ObjectType } from "../git/hash/object-type.ts";
import { hashObject } from "../git/hash/sha1.ts";
import { decodeCommit, encodeCommit } from "../git/object/commit.ts";
import { compareTreeEntries, decodeTree, encodeTree, type TreeEntry } from "../git/object/tree.ts";
import type { GitObject } from "../git/ports.ts";
import type { PlanCommit } from "../stores/commit-on-head.ts";

/** An object with its id, for tests. */
export function makeObject(type: ObjectType, data: Uint8Array | string): GitObject {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  return { oid: hashObject(type, bytes), type, data: bytes };
}

/**
 * The smallest planner that real commits can be made with: puts and deletes in the root folder, nothing judged but
 * `ifMatch`. It lets stores be tested without the service.
 */
export const planRootFiles: PlanCommit = async (reader, head, request, time) => {
  const entries = new Map<string, TreeEntry>();
  if (head !== null) {
    const commit = decodeCommit(await readData(reader, head));
    for (const entry of decodeTree(await readData(reader, commit.tree))) entries.set(entry.name, entry);
  }
  for (const change of request.changes) {
    const name = toByteString(change.path);
    const current = entries.get(name)?.oid ?? null;
    if (change.ifMatch !== undefined && change.ifMatch !== current) {
      const { field, path, ifMatch: expected } = change;
      return { kind: "path-conflict", field, path, expected, current, head };
    }
    if (change.kind === "put") entries.set(name, { mode: change.mode ?? "100644", name, oid: change.oid });
    else if (change.kind === "delete") entries.delete(name);
  }
  const tree = makeObject("tree", encodeTree([...entries.values()].sort(compareTreeEntries)));
  const commit = makeObject(
    "commit",
    encodeCommit({
      tree: tree.oid,
      parents: head === null ? [] : [head],
      author: { ...toIdentity(request.author), ...time },
      committer: { ...toIdentity(request.committer), ...time },
      extra: [],
      message: toByteString(request.message),
    }),
  );
  return {
    kind: "planned",
    objects: [...request.blobs, tree, commit],
    receipt: {
      oid: commit.oid,
      tree: tree.oid,
      parent: head,
      branch: request.branch,
      filesChanged: request.changes.length,
    },
  };
};

function toIdentity(identity: { name: string; email: string }): { name: ByteString; email: ByteString } {
  return { name: toByteString(identity.name), email: toByteString(identity.email) };
}

async function readData(reader: Parameters<PlanCommit>[0], oid: GitObject["oid"]): Promise<Uint8Array> {
  const object = (await reader.readObjects([oid])).found.get(oid);
  if (!object) throw new Error(`the planner cannot see ${oid}`);
  return object.data;
}
