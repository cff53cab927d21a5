import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { type Oid, ZERO_OID } from "../hash/oid.ts";
import { isDotGit, isDotGitmodules } from "./dot-git.ts";
import { isPlainTree } from "./plain-tree.ts";
import { compareTreeEntries, decodeTree, entryKind, isDirectory, type TreeEntry } from "./tree.ts";
import type { ObjectFault } from "./verify-identity.ts";

const MESSAGES = {
  badTree: "cannot be parsed as a tree",
  nullSha1: "contains entries pointing to null sha1",
  fullPathname: "contains full pathnames",
  hasDot: "contains '.'",
  hasDotdot: "contains '..'",
  hasDotgit: "contains '.git'",
  zeroPaddedFilemode: "contains zero-padded file modes",
  duplicateEntries: "contains duplicate file entries",
  treeNotSorted: "not properly sorted",
  gitmodulesSymlink: ".gitmodules is a symbolic link",
  gitmodulesBlob: "non-blob found at .gitmodules",
} as const;

type TreeFaultId = keyof typeof MESSAGES;

/** Only such a name can be one that some filesystem takes for `.git` or `.gitmodules`. */
const SUSPICIOUS = /^[.gG~]|[\\\x80-\xff]/;

export interface TreeInspection {
  /** What is wrong, each kind of fault once; empty = fine. Order and names are those of git-fsck(1). */
  readonly faults: readonly ObjectFault[];
  /** Blobs that stand there as `.gitmodules`: what `verifyGitmodules` is to look at. */
  readonly gitmodules: readonly Oid[];
}

const NOTHING: TreeInspection = { faults: [], gitmodules: [] };

/** Both questions with one look: a push asks them of each of its trees. */
export function inspectTree(data: Uint8Array): TreeInspection {
  return isPlainTree(data) ? NOTHING : inspectClosely(data);
}

/** As {@link inspectTree}, without the quick look before it. */
export function inspectClosely(data: Uint8Array): TreeInspection {
  const ids = new Set<TreeFaultId>();
  let gitmodules: readonly Oid[] = [];
  try {
    const entries = decodeTree(data);
    const suspicious = collectFaults(entries, ids);
    if (suspicious) gitmodules = entries.filter(isGitmodulesFile).map((entry) => entry.oid);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    ids.add("badTree");
  }
  if (ids.size === 0 && gitmodules.length === 0) return NOTHING;
  return { faults: [...ids].map((id) => ({ id, message: MESSAGES[id] })), gitmodules };
}

/** The faults alone. */
export function verifyTree(data: Uint8Array): readonly ObjectFault[] {
  return inspectTree(data).faults;
}

function isGitmodulesFile(entry: TreeEntry): boolean {
  return SUSPICIOUS.test(entry.name) && entryKind(entry) === "file" && isDotGitmodules(entry.name);
}

/** true when one of the names has to be looked at more closely. */
function collectFaults(entries: readonly TreeEntry[], ids: Set<TreeFaultId>): boolean {
  let suspicious = false;
  let previous: TreeEntry | null = null;
  // Files whose name is the start of all names since: a directory of the same name may still follow.
  const open: ByteString[] = [];
  for (const entry of entries) {
    suspicious = collectNameFaults(entry, ids) || suspicious;
    if (entry.oid === ZERO_OID) ids.add("nullSha1");
    if (entry.mode.startsWith("0")) ids.add("zeroPaddedFilemode");
    if (previous && compareTreeEntries(previous, entry) > 0) ids.add("treeNotSorted");
    while (open.length > 0 && !entry.name.startsWith(open.at(-1) as ByteString)) open.pop();
    if (entry.name === previous?.name || entry.name === open.at(-1)) ids.add("duplicateEntries");
    if (!isDirectory(entry)) open.push(entry.name);
    previous = entry;
  }
  return suspicious;
}

function collectNameFaults(entry: TreeEntry, ids: Set<TreeFaultId>): boolean {
  const { name } = entry;
  if (name.includes("/")) ids.add("fullPathname");
  if (!SUSPICIOUS.test(name)) return false;
  if (name === ".") ids.add("hasDot");
  if (name === "..") ids.add("hasDotdot");
  if (isDotGit(name)) ids.add("hasDotgit");
  if (!isDotGitmodules(name)) return true;
  const kind = entryKind(entry);
  if (kind === "symlink") ids.add("gitmodulesSymlink");
  else if (kind !== "file") ids.add("gitmodulesBlob");
  return true;
}
