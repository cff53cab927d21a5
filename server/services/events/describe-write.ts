import type { LogDraft } from "../../ports/events.ts";
import type { NewRepo, RepoPatch } from "../../ports/org.ts";

/** Who acts when nobody's key does: whoever runs the deployment, or the server itself. */
export const OPERATOR = "operator";
export const SYSTEM = "system";

/** What was written to, as the log tells it. */
export interface Subject {
  readonly id: string | null;
  readonly name: string | null;
  readonly details?: LogDraft["details"];
}

/** A write of an org's keeper as an entry of its log; `action` is `noun.verb`. */
export function describeWrite(actor: string, action: string, subject: Subject): LogDraft {
  return {
    actor,
    action,
    resourceType: action.slice(0, action.indexOf(".")),
    resourceId: subject.id,
    resourceName: subject.name,
    details: subject.details ?? {},
  };
}

/** A repository as the subject of its creation or deletion. */
export function describeRepo(repo: NewRepo): Subject {
  return {
    id: repo.id,
    name: repo.namespace === null ? repo.slug : `${repo.namespace}/${repo.slug}`,
    details: {
      visibility: repo.visibility,
      default_branch: repo.defaultBranch,
      is_template: repo.isTemplate,
      ...(repo.fork && { forked_from: repo.fork.sourceRepoId, fork_mode: repo.fork.mode }),
    },
  };
}

/** Those settings that a change names, as the API names them. */
export function describeRepoPatch(patch: RepoPatch): LogDraft["details"] {
  return {
    ...(patch.description !== undefined && { description: patch.description }),
    ...(patch.visibility !== undefined && { visibility: patch.visibility }),
    ...(patch.defaultBranch !== undefined && { default_branch: patch.defaultBranch }),
    ...(patch.isTemplate !== undefined && { is_template: patch.isTemplate }),
    ...(patch.autoIndex !== undefined && { auto_index: patch.autoIndex }),
  };
}
