import { LOCAL_NAME } from "../kernel/paths.ts";
import { MODE } from "./base-tree.ts";
import { childrenOf, type DirNode, type FileNode, knownShaOf, modeOf, type TreeNode } from "./nodes.ts";

const encoder = new TextEncoder();

function formatHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

function parseHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  );
}

function concatBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Id that git gives an object: SHA-1 of `type length NUL content` (`git hash-object`). */
export async function hashObject(type: "blob" | "tree", content: Uint8Array): Promise<string> {
  const object = concatBytes([encoder.encode(`${type} ${content.length}\0`), content]);
  return formatHex(new Uint8Array(await crypto.subtle.digest("SHA-1", object)));
}

/** Blob id of a changed file, worked out once per content. */
export async function hashFile(node: FileNode): Promise<string> {
  const { content } = node;
  if (content.kind === "blob") return content.sha;
  content.sha ??= await hashObject("blob", content.bytes);
  return content.sha;
}

/** Ids of changed directories that no longer change; an entry lives as long as its node. */
const treeIds = new WeakMap<DirNode, Promise<string | null>>();

/**
 * Tree id of a frozen directory as the commit of its content has it: null when it holds no file, because git has no
 * empty directories. Reads nothing: every id below is known or hashed from bytes at hand. Unchanged directories cost
 * nothing, changed ones one hash each.
 */
export function hashTree(node: TreeNode): Promise<string | null> {
  if (node.kind === "file") throw new TypeError("a file has no tree id");
  const known = knownShaOf(node);
  if (known !== null) return Promise.resolve(known);
  if (node.kind === "base") return encodeTree(node).then(hashEncoded);
  const cached = treeIds.get(node) ?? encodeTree(node).then(hashEncoded);
  treeIds.set(node, cached);
  return cached;
}

function hashEncoded(content: Uint8Array | null): Promise<string | null> {
  return content === null ? Promise.resolve(null) : hashObject("tree", content);
}

/** Git's tree content: `mode SP name NUL id`, in byte order of names, a directory's counting as `name/`. */
async function encodeTree(node: TreeNode): Promise<Uint8Array | null> {
  const entries: { readonly key: Uint8Array; readonly bytes: Uint8Array }[] = [];
  for (const [name, child] of childrenOf(node)) {
    if (name === LOCAL_NAME) continue;
    const mode = modeOf(child);
    const sha = await idOf(child, mode);
    if (sha === null) continue;
    entries.push({
      key: encoder.encode(mode === MODE.directory ? `${name}/` : name),
      bytes: concatBytes([encoder.encode(`${mode.toString(8)} ${name}\0`), parseHex(sha)]),
    });
  }
  if (entries.length === 0) return null;
  entries.sort((a, b) => compareBytes(a.key, b.key));
  return concatBytes(entries.map((entry) => entry.bytes));
}

function idOf(node: TreeNode, mode: number): Promise<string | null> {
  if (mode === MODE.directory) return hashTree(node);
  return node.kind === "file" ? hashFile(node) : Promise.resolve(knownShaOf(node));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
