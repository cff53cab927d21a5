import type { WriteCalls } from "../calls/write-calls.ts";
import { formatFilePatch } from "../diff/format-patch.ts";
import { errnoError } from "../kernel/errno.ts";
import { hashObject } from "../tree/git-id.ts";
import { applyEdits, EditFailed, type FileEdit } from "./apply-edits.ts";
import { fromByteText, toByteText } from "./byte-text.ts";

/** What `edit` gives. */
export interface EditResult {
  /** Places that were replaced. */
  readonly replacements: number;
  /** Blob id of the new content. */
  readonly sha: string;
  /** Unified diff of the change, when asked for. */
  readonly diff?: string;
}

/**
 * Edits one file, all edits or none. Of two edits at once the second works on what the first has left.
 *
 * @throws MountPathError EINVAL with an EditFailure as `data`; ENOENT, EISDIR
 */
export async function editFile(
  writes: WriteCalls,
  path: string,
  options: { readonly edits: readonly FileEdit[]; readonly diff: boolean },
): Promise<EditResult> {
  const site = { syscall: "edit", path };
  if (options.edits.length === 0) throw errnoError("EINVAL", site, { detail: "no edits" });
  let versions: { before: Uint8Array; after: Uint8Array; replacements: number } | null = null;
  const edit = (before: Uint8Array): Uint8Array => {
    const { content, replacements } = applyEdits(toByteText(before), options.edits);
    const after = fromByteText(content);
    versions = { before, after, replacements };
    return after;
  };
  try {
    await writes.rewrite(path, edit, site);
  } catch (error) {
    if (!(error instanceof EditFailed)) throw error;
    throw errnoError("EINVAL", site, { detail: error.message, data: { ...error.failure } });
  }
  // Set by `edit`, which the checker does not see being called.
  const { before, after, replacements } = versions as unknown as {
    before: Uint8Array;
    after: Uint8Array;
    replacements: number;
  };
  const sha = await hashObject("blob", after);
  if (!options.diff) return { replacements, sha };
  const name = path.replace(/^\/+/, "");
  return { replacements, sha, diff: await formatFilePatch(name, before, after) };
}
