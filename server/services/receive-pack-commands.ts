import type { Oid } from "../git/hash/oid.ts";
import { BRANCH_PREFIX, isRefName } from "../git/object/ref-name.ts";
import type { RepoSnapshot } from "../git/ports.ts";
import type { PushCommand } from "../git/protocol/receive-request.ts";

/** A command on its way: `error` is why it will not be carried out. */
export interface PlannedCommand {
  readonly command: PushCommand;
  error: string | null;
  /** Nothing to do: deleting what is not there succeeds, as in git. */
  readonly idle: boolean;
  /** The object behind an annotated tag. */
  peeled: Oid | null;
}

/** Git's words where it has some: clients and people know them. */
export const PUSH_ERRORS = {
  badName: "funny refname",
  duplicate: "multiple updates for this ref are not allowed",
  deleteCurrent: "deletion of the current branch prohibited",
  unpacker: "unpacker error",
  missing: "missing necessary objects",
  notCommit: "branches must point at commits",
  stale: "failed to update ref: it is not what you expected it to be; fetch first",
  nameConflict: "failed to update ref: another ref is in the way",
  atomic: "atomic push failure",
} as const;

/** Judges everything that can be judged before the pack is read. */
export function planCommands(commands: readonly PushCommand[], snapshot: RepoSnapshot): PlannedCommand[] {
  const counts = new Map<string, number>();
  for (const { name } of commands) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  return commands.map((command) => {
    const repeated = command.name !== null && (counts.get(command.name) ?? 0) > 1;
    const idle = command.next === null && !snapshot.refs.has(command.name ?? "");
    return { command, error: findCommandFault(command, repeated, snapshot), idle, peeled: null };
  });
}

function findCommandFault(command: PushCommand, repeated: boolean, snapshot: RepoSnapshot): string | null {
  const { name, next } = command;
  if (name === null) return PUSH_ERRORS.badName;
  // A name that could not be created today may still have to be deleted.
  if (next === null ? !name.startsWith("refs/") : !isRefName(name)) return PUSH_ERRORS.badName;
  if (repeated) return PUSH_ERRORS.duplicate;
  const { head } = snapshot;
  if (next === null && head.kind === "symbolic" && head.target === name) return PUSH_ERRORS.deleteCurrent;
  return null;
}

/** An atomic push of which one command fails fails as a whole. */
export function failAtomic(commands: readonly PlannedCommand[]): void {
  if (!commands.some(({ error }) => error !== null)) return;
  for (const planned of commands) planned.error ??= PUSH_ERRORS.atomic;
}

export function isBranch(name: string | null): boolean {
  return name?.startsWith(BRANCH_PREFIX) ?? false;
}
