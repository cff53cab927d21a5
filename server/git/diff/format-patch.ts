/** One file's patch as `git diff --binary` writes it and `git apply` takes it. Source: git-diff(1), git-apply(1). */
import { concatBytes } from "../bytes/bytes.ts";
import { type ByteString, encodeUtf8 } from "../bytes/text.ts";
import { deflate } from "../bytes/zlib.ts";
import { type Oid, ZERO_OID } from "../hash/oid.ts";
import type { TreeEntry } from "../object/tree.ts";
import type { LineChange } from "./change-marks.ts";
import { type Lines, sliceLines } from "./lines.ts";

/** One side of a file; `lines` null: binary. */
export interface PatchSide {
  readonly path: ByteString;
  readonly entry: TreeEntry;
  readonly content: Uint8Array;
  readonly lines: Lines | null;
}

export interface PatchFile {
  readonly old: PatchSide | null;
  readonly next: PatchSide | null;
  /** Percent, of a rename. */
  readonly similarity: number | null;
  readonly changes: readonly LineChange[];
}

const LINE_FEED = 0x0a;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be quoted.
const NEEDS_QUOTES = /[\0-\x1f"\\\x7f-\xff]/;
const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};
const BASE85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const BASE85_LINE_BYTES = 52;

/** The patch as bytes: lines of text files stand in it as they are. */
export function formatPatch(file: PatchFile, context: number): Uint8Array {
  const { old, next } = file;
  const shown = old ?? next;
  if (!shown) return new Uint8Array(0);
  const oldPath = (old ?? shown).path;
  const newPath = (next ?? shown).path;
  const parts: Uint8Array[] = [];
  const write = (line: string) => parts.push(encodeUtf8(`${line}\n`));
  write(`diff --git ${quotePath(`a/${oldPath}`)} ${quotePath(`b/${newPath}`)}`);
  writeModes(write, file);
  if (old?.entry.oid === next?.entry.oid) return concatBytes(parts);
  const mode = old && next && old.entry.mode === next.entry.mode ? ` ${padMode(old.entry.mode)}` : "";
  write(`index ${old?.entry.oid ?? ZERO_OID}..${next?.entry.oid ?? ZERO_OID}${mode}`);
  if ((old && !old.lines) || (next && !next.lines)) {
    write("GIT binary patch");
    writeBinary(write, next?.content ?? new Uint8Array(0));
    writeBinary(write, old?.content ?? new Uint8Array(0));
    return concatBytes(parts);
  }
  if (file.changes.length === 0) return concatBytes(parts);
  write(`--- ${old ? quotePath(`a/${oldPath}`, true) : "/dev/null"}`);
  write(`+++ ${next ? quotePath(`b/${newPath}`, true) : "/dev/null"}`);
  writeHunks(parts, file, context);
  return concatBytes(parts);
}

function writeModes(write: (line: string) => void, { old, next, similarity }: PatchFile): void {
  if (!old && next) write(`new file mode ${padMode(next.entry.mode)}`);
  if (old && !next) write(`deleted file mode ${padMode(old.entry.mode)}`);
  if (!old || !next) return;
  if (old.entry.mode !== next.entry.mode) {
    write(`old mode ${padMode(old.entry.mode)}`);
    write(`new mode ${padMode(next.entry.mode)}`);
  }
  if (similarity === null) return;
  write(`similarity index ${similarity}%`);
  write(`rename from ${quotePath(old.path)}`);
  write(`rename to ${quotePath(next.path)}`);
}

function padMode(mode: string): string {
  return mode.padStart(6, "0");
}

/** C-style quotes around a path that needs them; behind `---` a blank in it is marked by a tab at the end. */
function quotePath(path: string, isHeader = false): string {
  if (!NEEDS_QUOTES.test(path)) return isHeader && path.includes(" ") ? `${path}\t` : path;
  let quoted = "";
  for (const char of path) {
    const code = char.charCodeAt(0);
    quoted += ESCAPES[char] ?? (code < 0x20 || code > 0x7e ? `\\${code.toString(8).padStart(3, "0")}` : char);
  }
  return `"${quoted}"`;
}

interface Hunk {
  readonly aFrom: number;
  readonly aTo: number;
  readonly bFrom: number;
  readonly bTo: number;
  readonly changes: readonly LineChange[];
}

const NO_LINES: Lines = { bytes: new Uint8Array(0), count: 0, starts: new Uint32Array(1) };

function writeHunks(parts: Uint8Array[], file: PatchFile, context: number): void {
  const a = file.old?.lines ?? NO_LINES;
  const b = file.next?.lines ?? NO_LINES;
  for (const hunk of groupHunks(file.changes, { a: a.count, b: b.count, context })) {
    parts.push(
      encodeUtf8(`@@ -${formatRange(hunk.aFrom, hunk.aTo)} +${formatRange(hunk.bFrom, hunk.bTo)} @@\n`),
    );
    let at = hunk.aFrom;
    for (const change of hunk.changes) {
      writeLines(parts, " ", { lines: a, from: at, to: change.aStart });
      at = change.aStart + change.aCount;
      writeLines(parts, "-", { lines: a, from: change.aStart, to: at });
      writeLines(parts, "+", { lines: b, from: change.bStart, to: change.bStart + change.bCount });
    }
    writeLines(parts, " ", { lines: a, from: at, to: hunk.aTo });
  }
}

/** Changes whose context touches share a hunk. */
function groupHunks(
  changes: readonly LineChange[],
  { a, b, context }: { readonly a: number; readonly b: number; readonly context: number },
): Hunk[] {
  const hunks: Hunk[] = [];
  let group: LineChange[] = [];
  const flush = () => {
    const [first] = group;
    const last = group.at(-1);
    if (!first || !last) return;
    const before = Math.min(context, first.aStart, first.bStart);
    const after = Math.min(context, a - last.aStart - last.aCount, b - last.bStart - last.bCount);
    hunks.push({
      aFrom: first.aStart - before,
      bFrom: first.bStart - before,
      aTo: last.aStart + last.aCount + after,
      bTo: last.bStart + last.bCount + after,
      changes: group,
    });
    group = [];
  };
  for (const change of changes) {
    const last = group.at(-1);
    if (last && change.aStart - last.aStart - last.aCount > 2 * context) flush();
    group.push(change);
  }
  flush();
  return hunks;
}

/** `start,count` from 1; without a line, the number of the line before. */
function formatRange(from: number, to: number): string {
  const count = to - from;
  if (count === 1) return String(from + 1);
  return `${count === 0 ? from : from + 1},${count}`;
}

function writeLines(
  parts: Uint8Array[],
  sign: " " | "-" | "+",
  { lines, from, to }: { readonly lines: Lines; readonly from: number; readonly to: number },
): void {
  const prefix = encodeUtf8(sign);
  for (let i = from; i < to; i++) {
    const line = sliceLines(lines, i, i + 1);
    parts.push(prefix, line);
    if (line[line.length - 1] !== LINE_FEED) parts.push(encodeUtf8("\n\\ No newline at end of file\n"));
  }
}

/** The whole content, compressed, in git's base 85. */
function writeBinary(write: (line: string) => void, content: Uint8Array): void {
  write(`literal ${content.length}`);
  const bytes = deflate(content);
  for (let at = 0; at < bytes.length; at += BASE85_LINE_BYTES) {
    const line = bytes.subarray(at, at + BASE85_LINE_BYTES);
    write(formatLength(line.length) + encodeBase85(line));
  }
  write("");
}

function formatLength(length: number): string {
  return String.fromCharCode(length <= 26 ? 0x40 + length : 0x60 + length - 26);
}

function encodeBase85(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    let word = 0;
    for (let i = 0; i < 4; i++) word = word * 256 + (bytes[at + i] ?? 0);
    let digits = "";
    for (let i = 0; i < 5; i++) {
      digits = BASE85.charAt(word % 85) + digits;
      word = Math.floor(word / 85);
    }
    text += digits;
  }
  return text;
}

/** What stands for a submodule in a patch. */
export function formatSubproject(commit: Oid): Uint8Array {
  return encodeUtf8(`Subproject commit ${commit}\n`);
}
