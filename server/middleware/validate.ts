import type { z } from "zod";
import type { FieldError } from "../../sdk/contract/errors.ts";
import { invalidFields } from "./request-error.ts";

type Issue = z.core.$ZodIssue;

/** Fields named in one refusal; a list of a thousand bad changes would help nobody. */
const MAX_FIELDS = 20;

/** `value` as `schema` reads it, defaults filled in. @throws RequestError VALIDATION_ERROR naming each bad field */
export function validate(schema: z.ZodType, value: unknown, whole: "body" | "query"): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields: FieldError[] = [];
  for (const issue of result.error.issues) {
    if (fields.length >= MAX_FIELDS) break;
    addFields(fields, issue, [], whole);
  }
  throw invalidFields(fields.slice(0, MAX_FIELDS));
}

/**
 * The query string as an object of strings; values of `repeatable` names are joined with commas.
 * @throws RequestError VALIDATION_ERROR when another name comes twice
 */
export function parseQuery(url: string, repeatable: readonly string[] = []): Record<string, string> {
  const query: Record<string, string> = {};
  const start = url.indexOf("?");
  if (start < 0) return query;
  const end = url.indexOf("#", start);
  for (const [name, value] of new URLSearchParams(url.slice(start + 1, end < 0 ? undefined : end))) {
    if (!Object.hasOwn(query, name)) query[name] = value;
    else if (repeatable.includes(name)) query[name] += `,${value}`;
    else throw invalidFields([{ field: name, message: "given twice" }]);
  }
  return query;
}

function addFields(fields: FieldError[], issue: Issue, parent: readonly PropertyKey[], whole: string): void {
  const path = [...parent, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    for (const key of issue.keys) {
      fields.push({ field: formatField([...path, key], whole), message: "unknown field" });
    }
    return;
  }
  if (issue.code === "invalid_union") {
    const closest = findClosest(issue.errors);
    if (closest) {
      for (const inner of closest) addFields(fields, inner, path, whole);
      return;
    }
  }
  fields.push({ field: formatField(path, whole), message: formatMessage(issue) });
}

/** Of a union's branches, the one that the value came nearest to: with the fewest complaints. */
function findClosest(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  let closest: readonly Issue[] | null = null;
  for (const branch of branches) {
    if (branch.length > 0 && (!closest || countIssues(branch) < countIssues(closest))) closest = branch;
  }
  return closest;
}

function countIssues(issues: readonly Issue[]): number {
  let count = 0;
  for (const issue of issues) count += issue.code === "unrecognized_keys" ? issue.keys.length : 1;
  return count;
}

function formatField(path: readonly PropertyKey[], whole: string): string {
  return path.length === 0 ? whole : path.map(String).join(".");
}

function formatMessage(issue: Issue): string {
  // The issue does not say whether the field was there; zod's text does.
  return issue.message.endsWith("received undefined") ? "required" : issue.message;
}
