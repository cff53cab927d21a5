import { GitError } from "../git/errors.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { ObjectReader } from "../git/ports.ts";
import { findMissing } from "../git/walk/reachable.ts";
import type { RepoHandle } from "../ports/repo.ts";
import { peelTags } from "./peel-tags.ts";
import { isBranch, type PlannedCommand, PUSH_ERRORS } from "./receive-pack-commands.ts";
import type { ReceivedPack } from "./receive-pack-objects.ts";
import { readFetchRefs } from "./upload-pack-wants.ts";

/**
 * Judges the new tips: everything behind them is here, branches point at commits, tags lead somewhere. Writes the
 * verdict into the commands.
 */
export async function checkTips(
  repo: RepoHandle,
  planned: readonly PlannedCommand[],
  received: ReceivedPack | null,
): Promise<void> {
  const open = planned.filter(({ command, error }) => command.next !== null && error === null);
  if (open.length === 0) return;
  const objects = received?.layOver(repo.objects) ?? repo.objects;
  if (!received?.isWhole(open.map(readTip))) await failDisconnected(repo, objects, open);
  const peeled = await peelTags(objects, open.map(readTip));
  for (const command of open) {
    if (command.error !== null) continue;
    const target = peeled.get(readTip(command));
    if (!target) command.error = PUSH_ERRORS.missing;
    else if (isBranch(command.command.name) && (target.type !== "commit" || target.tags.length > 0)) {
      command.error = PUSH_ERRORS.notCommit;
    } else if (target.tags.length > 0) command.peeled = target.oid;
  }
}

/** One walk for all tips; only when something is wrong, one for each to tell which. */
async function failDisconnected(
  repo: RepoHandle,
  objects: ObjectReader,
  open: readonly PlannedCommand[],
): Promise<void> {
  const { refs, headOid } = await readFetchRefs(repo);
  const known = [...new Set([...refs.map(({ oid }) => oid), ...(headOid ? [headOid] : [])])];
  const tips = [...new Set(open.map(readTip))];
  const fault = await findTipFault(objects, tips, known);
  if (fault === null) return;
  for (const planned of open) {
    planned.error = tips.length === 1 ? fault : await findTipFault(objects, [readTip(planned)], known);
  }
}

/** Why the history behind the tips cannot be accepted; null = it is whole. */
async function findTipFault(
  objects: ObjectReader,
  tips: readonly Oid[],
  known: readonly Oid[],
): Promise<string | null> {
  try {
    return (await findMissing(objects, tips, { known })).length > 0 ? PUSH_ERRORS.missing : null;
  } catch (error) {
    // A blob in the place of a tree, say: the pusher's fault like a missing object.
    if (error instanceof GitError) return error.message;
    throw error;
  }
}

function readTip({ command }: PlannedCommand): Oid {
  return command.next as Oid; // only commands that are no deletions come here
}
