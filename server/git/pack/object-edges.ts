/**
 * Which objects an object names, read from its raw bytes without making strings: a commit's tree and parents, a tree's
 * entries without gitlinks (those live in other repositories), a tag's target. In the order they are written.
 */
import { GitError } from "../errors.ts";
import { type ObjectType, PACK_TYPE } from "../hash/object-type.ts";

/**
 * Called with the 20 id bytes at `at` of `bytes`; they are valid during the call only. `usedAs` is the type number of
 * what they should name, 0 for a tag's target.
 */
export type VisitEdge = (bytes: Uint8Array, at: number, usedAs: number) => void;

const HEX_OID_BYTES = 40;
const SPACE = 0x20;
const NEWLINE = 0x0a;
const FORMAT_MASK = 0o170000;
const GITLINK = 0o160000;
const DIRECTORY = 0o040000;
const TREE_LINE = keyword("tree ");
const PARENT_LINE = keyword("parent ");
const OBJECT_LINE = keyword("object ");

/** @throws GitError corrupt-object when the ids cannot be told; everything else about the object is not judged */
export function visitEdges(type: ObjectType, data: Uint8Array, visit: VisitEdge): void {
  if (type === "tree") visitTree(data, visit);
  else if (type === "commit") visitCommit(data, visit);
  else if (type === "tag") visitIdLine(data, 0, { word: OBJECT_LINE, usedAs: 0 }, visit);
}

function visitTree(data: Uint8Array, visit: VisitEdge): void {
  let at = 0;
  while (at < data.length) {
    let mode = 0;
    const modeAt = at;
    while (data[at] !== SPACE) {
      const digit = (data[at] ?? 0) - 0x30;
      if (!(digit >= 0 && digit <= 7) || at - modeAt === 7) throw corrupt("bad mode in a tree", modeAt);
      mode = mode * 8 + digit;
      at++;
    }
    // A call of indexOf costs more than most names are long.
    let nul = at + 1;
    while (nul < data.length && data[nul] !== 0) nul++;
    if (at === modeAt || nul + 21 > data.length) throw corrupt("tree entry is cut off", modeAt);
    const format = mode & FORMAT_MASK;
    if (format !== GITLINK) visit(data, nul + 1, format === DIRECTORY ? PACK_TYPE.tree : PACK_TYPE.blob);
    at = nul + 21;
  }
}

function visitCommit(data: Uint8Array, visit: VisitEdge): void {
  let at = visitIdLine(data, 0, { word: TREE_LINE, usedAs: PACK_TYPE.tree }, visit);
  while (startsWith(data, at, PARENT_LINE)) {
    at = visitIdLine(data, at, { word: PARENT_LINE, usedAs: PACK_TYPE.commit }, visit);
  }
}

const scratch = new Uint8Array(20);

/** A line of a keyword and an id in hex; returns where the next line starts. */
function visitIdLine(
  data: Uint8Array,
  at: number,
  { word, usedAs }: { readonly word: Uint8Array; readonly usedAs: number },
  visit: VisitEdge,
): number {
  const hexAt = at + word.length;
  const end = hexAt + HEX_OID_BYTES;
  if (!startsWith(data, at, word) || data[end] !== NEWLINE)
    throw corrupt("object without its first line", at);
  for (let i = 0; i < 20; i++) {
    scratch[i] = (hexDigit(data, hexAt + 2 * i) << 4) | hexDigit(data, hexAt + 2 * i + 1);
  }
  visit(scratch, 0, usedAs);
  return end + 1;
}

function startsWith(data: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i++) if (data[at + i] !== word[i]) return false;
  return true;
}

function hexDigit(data: Uint8Array, at: number): number {
  const code = data[at] as number;
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  throw corrupt("bad object id in a header", at);
}

function keyword(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function corrupt(message: string, at: number): GitError {
  return new GitError("corrupt-object", message, { at });
}
