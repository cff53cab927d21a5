/** Names of commits and other objects. Source: gitrevisions(7); the parts named in {@link parseRevision}. */
import { GitError } from "../errors.ts";
import { isObjectType, type ObjectType } from "../hash/object-type.ts";
import { isRefFormat } from "../object/ref-name.ts";

export type Step =
  /** `~n`: n first parents up. */
  | { readonly kind: "ancestor"; readonly count: number }
  /** `^n`: the n-th parent; 0 is the commit itself. */
  | { readonly kind: "parent"; readonly number: number }
  /** `^{commit}`: down to an object of that type; `^{}`: to what is no tag ("any"); `^{object}`: whatever is there. */
  | { readonly kind: "peel"; readonly to: ObjectType | "any" | "object" };

export interface Revision {
  /** A ref name, full or short, or an object id; `@` is already `HEAD`. */
  readonly base: string;
  readonly steps: readonly Step[];
}

const MAX_CHARS = 4_096;
const STEP = /~(?<ancestor>\d*)|\^\{(?<peel>[^{}]*)\}|\^(?<parent>\d*)/y;
/** Git keeps these numbers in an int. */
const MAX_NUMBER = 2 ** 31 - 1;

/**
 * Takes a revision apart: a base, then any of `~`, `~n`, `^`, `^n`, `^{type}`, `^{}`. Reflog (`@{1}`), search (`:/`,
 * `^{/text}`), paths (`HEAD:file`) and ranges are other languages and are refused.
 * @throws GitError invalid-revision
 */
export function parseRevision(text: string): Revision {
  if (text.length > MAX_CHARS) throw invalid(text, `longer than ${MAX_CHARS} characters`);
  const end = text.search(/[~^]/);
  const base = end < 0 ? text : text.slice(0, end);
  if (base !== "@" && !isRefFormat(base))
    throw invalid(text, "not a ref name or object id, with ~ or ^ steps after it");
  const steps: Step[] = [];
  STEP.lastIndex = base.length;
  while (STEP.lastIndex < text.length) {
    const groups = STEP.exec(text)?.groups;
    if (!groups) throw invalid(text, "unknown step; ~n, ^n and ^{type} are known");
    steps.push(parseStep(text, groups));
  }
  return { base: base === "@" ? "HEAD" : base, steps };
}

function parseStep(text: string, { ancestor, parent, peel }: Record<string, string | undefined>): Step {
  if (ancestor !== undefined) return { kind: "ancestor", count: parseNumber(text, ancestor) };
  if (parent !== undefined) return { kind: "parent", number: parseNumber(text, parent) };
  if (peel === "") return { kind: "peel", to: "any" };
  if (peel !== undefined && (peel === "object" || isObjectType(peel))) return { kind: "peel", to: peel };
  throw invalid(text, `unknown object type in ^{${peel}}`);
}

function parseNumber(text: string, digits: string): number {
  if (digits === "") return 1;
  const number = Number(digits);
  if (number > MAX_NUMBER) throw invalid(text, "number is too large");
  return number;
}

function invalid(text: string, reason: string): GitError {
  return new GitError("invalid-revision", `invalid revision: ${reason}`, {
    revision: text.slice(0, 200),
    reason,
  });
}
