import type { FieldError } from "../../../sdk/contract/errors.ts";
import type { BodyOf } from "../../../sdk/contract/index.ts";
import { LIMITS } from "../../../sdk/contract/limits.ts";
import { GitError } from "../../git/errors.ts";
import { type Oid, parseOid, ZERO_OID } from "../../git/hash/oid.ts";
import { hashObject } from "../../git/hash/sha1.ts";
import { parsePath } from "../../git/object/path-rules.ts";
import { type FileMode, GITLINK_MODE, SYMLINK_MODE } from "../../git/object/tree.ts";
import type { GitObject } from "../../git/ports.ts";
import type { TreeChange } from "../../ports/commit.ts";
import { type EditRule, findOverlap } from "./apply-edits.ts";
import { decodeContent, isWellFormed } from "./decode-content.ts";
import { createPathClaims, type PathClaims } from "./path-claims.ts";

export type WireChange = BodyOf<"POST /repos/:repo/commits">["changes"][number];

/** A change as far as it can be prepared without looking into the repository. */
export type ChangeDraft =
  | {
      readonly kind: "ready";
      readonly change: TreeChange;
      /** Content that came with the change. */
      readonly blob: GitObject | null;
      /** A blob that the caller names instead. */
      readonly requiredOid: Oid | null;
    }
  | DerivedDraft;

/** New content that is computed from what the file holds now. */
export interface DerivedDraft {
  readonly kind: "derived";
  readonly field: string;
  readonly path: string;
  readonly mode: FileMode | null;
  readonly ifMatch: Oid | null | undefined;
  readonly work:
    | { readonly kind: "edit"; readonly rules: readonly EditRule[] }
    | { readonly kind: "append"; readonly data: Uint8Array };
}

export type DraftResult =
  | { readonly kind: "drafted"; readonly drafts: readonly ChangeDraft[] }
  | { readonly kind: "invalid"; readonly fields: readonly FieldError[] }
  | {
      readonly kind: "too-large";
      readonly field: string;
      readonly path: string;
      readonly size: number;
      readonly limit: number;
    };

/** Enough to act on; a list of 1,000 bad changes would say no more. */
const ERRORS_MAX = 50;

type OptionalField = Exclude<keyof WireChange, "path" | "action">;

/** Which fields an action takes beside its path; another one is a mistake that would go unnoticed. */
const FIELDS: Readonly<Record<WireChange["action"], readonly OptionalField[]>> = {
  create: ["content", "encoding", "sha", "mode", "if_match"],
  edit: ["edits", "mode", "if_match"],
  append: ["content", "encoding", "mode", "if_match"],
  delete: ["if_match"],
  rename: ["new_path", "mode", "if_match"],
  copy: ["new_path", "mode", "if_match"],
  chmod: ["mode", "if_match"],
};
const REQUIRED: Readonly<Partial<Record<WireChange["action"], OptionalField>>> = {
  edit: "edits",
  append: "content",
  rename: "new_path",
  copy: "new_path",
  chmod: "mode",
};

/**
 * Checks the form of a commit's changes and hashes their contents. Everything that is wrong is named at once, except
 * that the first file above the size limit ends the look.
 */
export function draftChanges(changes: Iterable<WireChange>): DraftResult {
  const claims = createPathClaims();
  const fields: FieldError[] = [];
  const drafts: ChangeDraft[] = [];
  let index = 0;
  for (const change of changes) {
    const field = `changes.${index++}`;
    const found = [...checkFields(field, change), ...checkPaths(field, change, claims)];
    if (found.length > 0) fields.push(...found);
    else {
      const draft = draftChange(field, change);
      if (draft.kind === "too-large") return draft;
      if (draft.kind === "invalid") fields.push(...draft.fields);
      else drafts.push(draft);
    }
    if (fields.length >= ERRORS_MAX) break;
  }
  return fields.length > 0 ? { kind: "invalid", fields } : { kind: "drafted", drafts };
}

function checkFields(field: string, change: WireChange): readonly FieldError[] {
  const errors: FieldError[] = [];
  const taken = FIELDS[change.action];
  for (const name of Object.keys(change) as (keyof WireChange)[]) {
    if (name === "path" || name === "action" || change[name] === undefined || taken.includes(name)) continue;
    errors.push({ field: `${field}.${name}`, message: `is not used by ${change.action}` });
  }
  const required = REQUIRED[change.action];
  if (required && change[required] === undefined) {
    errors.push({ field: `${field}.${required}`, message: `is required by ${change.action}` });
  }
  return [...errors, ...checkContent(field, change), ...checkMode(field, change)];
}

function checkContent(field: string, change: WireChange): readonly FieldError[] {
  const { action, content, sha, mode, encoding } = change;
  if (encoding !== undefined && content === undefined) {
    return [{ field: `${field}.encoding`, message: "says how content is encoded, but there is none" }];
  }
  if (action !== "create") return [];
  if (mode === GITLINK_MODE) {
    if (content !== undefined)
      return [{ field: `${field}.content`, message: "a submodule has a sha, no content" }];
    if (sha === undefined || sha === ZERO_OID) {
      return [{ field: `${field}.sha`, message: "the commit of the submodule is required" }];
    }
    return [];
  }
  if (content !== undefined && sha !== undefined) {
    return [{ field: `${field}.sha`, message: "content and sha exclude each other" }];
  }
  if (content === undefined && sha === undefined) {
    return [{ field: `${field}.content`, message: "content or sha is required by create" }];
  }
  if (mode === SYMLINK_MODE && content === "") {
    return [{ field: `${field}.content`, message: "the target of a symlink cannot be empty" }];
  }
  return [];
}

function checkMode(field: string, { action, mode }: WireChange): readonly FieldError[] {
  if (mode === undefined || action === "create" || action === "delete") return [];
  if (mode === "100644" || mode === "100755") return [];
  return [{ field: `${field}.mode`, message: `${action} sets 100644 or 100755` }];
}

/** Rules of paths, and of paths that are named twice. */
function checkPaths(field: string, change: WireChange, claims: PathClaims): readonly FieldError[] {
  const errors = [...checkPath(`${field}.path`, change.path)];
  const target = change.new_path;
  if (target !== undefined) errors.push(...checkPath(`${field}.new_path`, target));
  if (errors.length > 0) return errors;
  const clash = claimPaths(field, change, claims);
  return clash ? [clash] : [];
}

function checkPath(field: string, path: string): readonly FieldError[] {
  try {
    parsePath(path);
    return [];
  } catch (error) {
    if (error instanceof GitError && error.code === "invalid-path")
      return [{ field, message: error.message }];
    throw error;
  }
}

function claimPaths(field: string, change: WireChange, claims: PathClaims): FieldError | null {
  const { action, path, new_path: target } = change;
  const describe = (name: string, other: string | null): FieldError | null =>
    other === null
      ? null
      : { field: `${field}.${name}`, message: `names the same path as ${other}, or one below it` };
  if ((action === "rename" || action === "copy") && target !== undefined) {
    if (target === path) return { field: `${field}.new_path`, message: "is the path itself" };
    if (action === "rename" && target.startsWith(`${path}/`)) {
      return { field: `${field}.new_path`, message: "lies inside the path that is renamed" };
    }
    const source = action === "rename" ? claims.remove(path, `${field}.path`) : claims.read(path);
    return describe("path", source) ?? describe("new_path", claims.write(target, `${field}.new_path`));
  }
  if (action === "delete") return describe("path", claims.remove(path, `${field}.path`));
  const unread = action === "create" || action === "append" ? null : claims.read(path);
  return describe("path", unread ?? claims.write(path, `${field}.path`));
}

type Draft = ChangeDraft | Exclude<DraftResult, { kind: "drafted" }>;

function draftChange(field: string, change: WireChange): Draft {
  const { path } = change;
  const ifMatch = readIfMatch(change);
  const matched = ifMatch === undefined ? {} : { ifMatch };
  const moded = change.mode === undefined ? {} : { mode: change.mode };
  switch (change.action) {
    case "delete":
      return ready({ kind: "delete", field, path, ...matched });
    case "rename":
    case "copy": {
      const kind = change.action === "rename" ? "move" : "copy";
      return ready({ kind, field, path, newPath: change.new_path ?? "", ...moded, ...matched });
    }
    case "chmod":
      return ready({ kind: "chmod", field, path, mode: change.mode ?? "100644", ...matched });
    case "edit":
      return draftEdit(field, change, ifMatch);
    case "append":
      return draftContent(field, change, (data) => ({
        kind: "derived",
        field,
        path,
        mode: change.mode ?? null,
        ifMatch,
        work: { kind: "append", data },
      }));
    case "create":
      return draftCreate(field, change, { ...moded, ...matched });
  }
}

function ready(
  change: TreeChange,
  blob: GitObject | null = null,
  requiredOid: Oid | null = null,
): ChangeDraft {
  return { kind: "ready", change, blob, requiredOid };
}

function readIfMatch(change: WireChange): Oid | null | undefined {
  return typeof change.if_match === "string" ? parseOid(change.if_match) : change.if_match;
}

function draftCreate(
  field: string,
  change: WireChange,
  rest: { readonly mode?: FileMode; readonly ifMatch?: Oid | null },
): Draft {
  const { path } = change;
  if (change.sha !== undefined) {
    const oid = parseOid(change.sha);
    return ready({ kind: "put", field, path, oid, ...rest }, null, rest.mode === GITLINK_MODE ? null : oid);
  }
  return draftContent(field, change, (data) => {
    if (change.mode === SYMLINK_MODE && data.includes(0)) {
      return invalidContent(field, "the target of a symlink cannot hold a NUL");
    }
    const oid = hashObject("blob", data);
    return ready({ kind: "put", field, path, oid, ...rest }, { oid, type: "blob", data });
  });
}

function draftContent(field: string, change: WireChange, make: (data: Uint8Array) => Draft): Draft {
  const { content = "", encoding = "utf-8", path } = change;
  const size = encoding === "base64" ? countBase64Bytes(content) : Buffer.byteLength(content, "utf8");
  const limit = LIMITS.fileBytes;
  if (size > limit) return { kind: "too-large", field: `${field}.content`, path, size, limit };
  const decoded = decodeContent(content, encoding);
  if (decoded.kind === "decoded") return make(decoded.data);
  return invalidContent(field, decoded.message);
}

function invalidContent(field: string, message: string): Draft {
  return { kind: "invalid", fields: [{ field: `${field}.content`, message }] };
}

/** Bytes that well-formed base64 stands for. */
function countBase64Bytes(content: string): number {
  const padding = content.endsWith("==") ? 2 : content.endsWith("=") ? 1 : 0;
  return Math.floor((content.length * 3) / 4) - padding;
}

function draftEdit(field: string, change: WireChange, ifMatch: Oid | null | undefined): Draft {
  const rules: EditRule[] = [];
  const errors: FieldError[] = [];
  for (const [index, edit] of (change.edits ?? []).entries()) {
    const rule = toRule(edit);
    const problem = findEditFault(rule, edit);
    if (problem) errors.push({ field: `${field}.edits.${index}`, message: problem });
    rules.push(rule);
  }
  const overlap = findOverlap(rules);
  if (overlap) {
    const [first, second] = overlap;
    errors.push({
      field: `${field}.edits.${second}.range`,
      message: `shares lines with ${field}.edits.${first}.range`,
    });
  }
  if (errors.length > 0) return { kind: "invalid", fields: errors };
  const mode = change.mode ?? null;
  return { kind: "derived", field, path: change.path, mode, ifMatch, work: { kind: "edit", rules } };
}

type WireEdit = NonNullable<WireChange["edits"]>[number];

function toRule(edit: WireEdit): EditRule {
  if ("range" in edit) {
    const [from, to] = edit.range;
    return { kind: "lines", from, to, content: edit.content };
  }
  const expect = edit.all ? ({ kind: "all" } as const) : ({ kind: "count", count: edit.count ?? 1 } as const);
  return { kind: "replace", old: edit.old_string, next: edit.new_string, expect };
}

function findEditFault(rule: EditRule, edit: WireEdit): string | null {
  if (rule.kind === "lines") {
    if (rule.from > rule.to) return "the range ends before it starts";
    return isWellFormed(rule.content) ? null : "content holds a lone surrogate";
  }
  if ("all" in edit && edit.all && edit.count !== undefined) return "count and all exclude each other";
  return isWellFormed(rule.old) && isWellFormed(rule.next) ? null : "holds a lone surrogate";
}
