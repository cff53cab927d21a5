import { hashObject } from "../tree/git-id.ts";
import { formatBinaryPatch } from "./binary-patch.ts";
import { formatSide, quotePath } from "./quote-path.ts";
import { formatHunks } from "./text-hunks.ts";

/** One side of a changed file. */
export interface FileSide {
  readonly path: string;
  /** Six digits. */
  readonly mode: string;
  readonly bytes: Uint8Array;
}

const NO_BLOB = "0".repeat(40);
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One file of a patch as `git diff --binary --full-index` has it; null for a side that is not there. */
export async function formatFileDiff(before: FileSide | null, after: FileSide | null): Promise<string> {
  const old = before ?? after;
  const next = after ?? before;
  if (old === null || next === null) return "";
  const shas = [await shaOf(before), await shaOf(after)] as const;
  const isSameContent = before !== null && after !== null && shas[0] === shas[1];
  const body = isSameContent ? "" : await formatBody(before, after, shas);
  return [
    `diff --git ${quotePath(`a/${old.path}`)} ${quotePath(`b/${next.path}`)}\n`,
    ...formatModes(before, after),
    ...(old.path === next.path ? [] : formatRename(old.path, next.path, isSameContent)),
    body,
  ].join("");
}

/** A patch of one file that stays where it is and keeps its mode. */
export function formatFilePatch(path: string, before: Uint8Array, after: Uint8Array): Promise<string> {
  const mode = "100644";
  return formatFileDiff({ path, mode, bytes: before }, { path, mode, bytes: after });
}

function shaOf(side: FileSide | null): Promise<string> | string {
  return side === null ? NO_BLOB : hashObject("blob", side.bytes);
}

function formatModes(before: FileSide | null, after: FileSide | null): readonly string[] {
  if (before === null) return [`new file mode ${after?.mode}\n`];
  if (after === null) return [`deleted file mode ${before.mode}\n`];
  return before.mode === after.mode ? [] : [`old mode ${before.mode}\n`, `new mode ${after.mode}\n`];
}

function formatRename(from: string, to: string, isSame: boolean): readonly string[] {
  const similarity = `similarity index ${isSame ? 100 : 50}%\n`;
  return [similarity, `rename from ${quotePath(from)}\n`, `rename to ${quotePath(to)}\n`];
}

async function formatBody(
  before: FileSide | null,
  after: FileSide | null,
  shas: readonly [string, string],
): Promise<string> {
  const mode = before !== null && before.mode === after?.mode ? ` ${before.mode}` : "";
  const index = `index ${shas[0]}..${shas[1]}${mode}\n`;
  const texts = [decode(before), decode(after)] as const;
  if (texts[0] === null || texts[1] === null) {
    const none = new Uint8Array(0);
    return index + (await formatBinaryPatch(before?.bytes ?? none, after?.bytes ?? none));
  }
  const hunks = formatHunks(texts[0], texts[1]);
  if (hunks === "") return index;
  const old = before === null ? "/dev/null" : formatSide(`a/${before.path}`);
  const next = after === null ? "/dev/null" : formatSide(`b/${after.path}`);
  return `${index}--- ${old}\n+++ ${next}\n${hunks}`;
}

/** Text, or null when the bytes are none: a patch is text, so what is not UTF-8 goes as a binary patch. */
function decode(side: FileSide | null): string | null {
  if (side === null) return "";
  if (side.bytes.includes(0)) return null;
  try {
    return strictDecoder.decode(side.bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // A TypeError says that the bytes are not UTF-8.
    return null;
  }
}
