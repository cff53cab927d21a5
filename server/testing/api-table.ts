import type { EndpointSpec } from "../../sdk/contract/endpoint.ts";
import { ERROR_STATUS } from "../../sdk/contract/errors.ts";
import { contract } from "../../sdk/contract/index.ts";
import { LIMITS } from "../../sdk/contract/limits.ts";

/** What of a zod schema's JSON form the tables show. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

type Schema = NonNullable<EndpointSpec["body"]>;

const GROUPS: readonly (readonly [title: string, path: RegExp])[] = [
  ["Commits", /^\/repos\/:repo\/(commits|blobs$)/],
  ["Files", /^\/repos\/:repo\/(tree|blob|raw|blobs)/],
  ["Prefetch", /^\/repos\/:repo\/prefetch/],
  ["Search", /^\/(search$|repos\/:repo\/grep)/],
  ["Refs", /^\/repos\/:repo\/refs/],
  ["Branches", /^\/repos\/:repo\/branches/],
  ["Landing and undoing", /^\/repos\/:repo\/(land|cherry-pick|revert|reset|undo|reflog)$/],
  ["Blame", /^\/repos\/:repo\/blame/],
  ["Diff and compare", /^\/repos\/:repo\/(diff|compare)$/],
  ["Snapshots", /^\/repos\/:repo\/snapshots/],
  ["Tags", /^\/repos\/:repo\/tags/],
  ["Objects and revisions", /^\/repos\/:repo\/(objects|rev-parse)/],
  ["Repositories", /^\/repos(\/:repo)?$/],
  ["Watch", /^\/repos\/:repo\/watch$/],
  ["Sessions", /^\/session/],
  ["Forks", /^(\/orgs\/:org)?\/repos\/:repo\/(fork|sync-upstream)$/],
  ["Public reads", /^\/orgs\//],
  ["Workspace", /^(\/repos\/:repo|\/workspace)\/exec$/],
  ["Tokens", /^\/tokens/],
  ["Signed tokens", /^\/(public-keys|revoked-tokens)/],
  ["Usage", /^\/usage/],
  ["Webhooks", /^\/webhooks/],
  ["Audit log", /^\/audit-log$/],
  ["Connections", /^\/connections/],
  ["Sync", /^\/(import$|hooks\/|repos\/:repo\/sync(\/|$))/],
  ["Operator", /^\/admin\//],
];

/** docs/api.md, made from the contract: nothing in it is written by hand. */
export function formatApiDocument(): string {
  const endpoints: readonly (readonly [string, EndpointSpec])[] = Object.entries(contract);
  const groupOf = (key: string) => GROUPS.find(([, path]) => path.test(pathOf(key)))?.[0] ?? "Other";
  const titles = [...new Set(["Repositories", ...GROUPS.map(([title]) => title), "Other"])];
  const sections = titles.flatMap((title) => {
    const members = endpoints.filter(([key]) => groupOf(key) === title);
    return members.length === 0 ? [] : [`## ${title}`, ...members.map(formatEndpoint)];
  });
  return `${[INTRODUCTION, formatOverview(endpoints), ...sections, formatErrors(), formatLimits()].join("\n\n")}\n`;
}

const INTRODUCTION = `# HTTP API

<!-- Made from sdk/contract by \`npm run docs:api\`; a test compares. Do not edit. -->

Every path is below \`/v1\`. \`:repo\` is \`slug\` or \`namespace/slug\`; a last segment \`*name\` takes the rest of the
path, slashes included. Send the key as \`x-api-key: KEY\` or \`Authorization: Bearer KEY\`.

Every reply has \`x-request-id\` and \`server-timing\`. Every error has the body
\`{ "error": text, "code": CODE, … }\`, with further keys that help to act on it; \`VALIDATION_ERROR\` carries
\`fields: [{ field, message }]\`. A private repository that the key may not read answers 404. Every \`POST\` that writes
takes an \`Idempotency-Key\` of the caller's own (≤ ${LIMITS.idempotencyKeyChars} characters, kept ${LIMITS.idempotencyHours} h): a retry
gives the first result.

Beside the errors that are listed with it, any request may be answered 429 \`RATE_LIMITED\` with \`Retry-After\`, and one that
stores something 402 \`QUOTA_EXCEEDED\` with \`quota\`, \`limit\` and \`used\`; see limits.md.

Unknown fields are refused, so a misspelt option is an error and not a surprise.`;

function formatOverview(endpoints: readonly (readonly [string, EndpointSpec])[]): string {
  const rows = endpoints.map(([key, spec]) => `| \`${key}\` | ${spec.access} | ${spec.summary} |`);
  return ["## Overview", "", "| endpoint | access | |", "|---|---|---|", ...rows].join("\n");
}

function formatErrors(): string {
  const rows = Object.entries(ERROR_STATUS).map(([code, status]) => `| \`${code}\` | ${status} |`);
  return ["## Error codes", "", "| code | status |", "|---|---|", ...rows].join("\n");
}

function formatLimits(): string {
  const rows = Object.entries(LIMITS).map(
    ([name, value]) => `| ${splitWords(name)} | ${value.toLocaleString("en-US")} |`,
  );
  return [
    "## Limits",
    "",
    "Bytes, unless the name says otherwise.",
    "",
    "| limit | value |",
    "|---|---|",
    ...rows,
  ].join("\n");
}

function splitWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function pathOf(key: string): string {
  return key.slice(key.indexOf(" ") + 1);
}

function formatEndpoint([key, spec]: readonly [string, EndpointSpec]): string {
  const lines = [`### \`${key}\``, "", `${spec.summary}. Access: ${spec.access}.`];
  if (spec.query) lines.push("", "Query:", "", ...formatFields(spec.query, "input"));
  if (spec.body) lines.push("", "Body:", "", ...formatFields(spec.body, "input"));
  lines.push("", `Reply ${spec.status}${describeFormat(spec)}`, "", ...formatFields(spec.reply, "output"));
  if (lines.at(-1) === "") lines.pop();
  lines.push("", `Errors: ${spec.errors.map((code) => `${ERROR_STATUS[code]} \`${code}\``).join(", ")}.`);
  return lines.join("\n");
}

function describeFormat(spec: EndpointSpec): string {
  if (spec.format === "bytes") return ": the bytes themselves.";
  if (spec.format === "ndjson") return ", one JSON document per line (`application/x-ndjson`):";
  if (spec.format === "events") {
    return ": a stream of events (`text/event-stream`). `event` is the event's name, the other fields are its data:";
  }
  return ":";
}

function formatFields(schema: Schema, io: "input" | "output"): string[] {
  // zod types its JSON form as an open record; only the keys of JsonSchema are read.
  const json = toJson(schema, io);
  const variants = json.anyOf?.filter(({ properties }) => properties) ?? [];
  if (variants.length > 0) {
    return variants.flatMap((variant, i) => [...(i > 0 ? ["", "or", ""] : []), ...fieldRows(variant, io)]);
  }
  return json.properties ? fieldRows(json, io) : [];
}

function toJson(schema: Schema, io: "input" | "output"): JsonSchema {
  return schema.toJSONSchema({ io, unrepresentable: "any" }) as JsonSchema;
}

function fieldRows(json: JsonSchema, io: "input" | "output"): string[] {
  return [
    "| field | type | |",
    "|---|---|---|",
    ...Object.entries(json.properties ?? {}).map(([name, field]) => {
      const required = json.required?.includes(name) ?? false;
      const presence = io === "input" ? (required ? "required" : "") : required ? "" : "may be absent";
      const notes = [presence, ...describeBounds(field)];
      return `| \`${name}\` | ${describeType(field)} | ${notes.filter(Boolean).join("; ")} |`;
    }),
  ];
}

function describeType(field: JsonSchema): string {
  if (field.const !== undefined) return `\`${JSON.stringify(field.const)}\``;
  if (field.enum) return field.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" \\| ");
  if (field.anyOf) return [...new Set(field.anyOf.map(describeType))].join(" \\| ");
  if (field.prefixItems) return `[${field.prefixItems.map(describeType).join(", ")}]`;
  if (field.items) return `array of ${describeType(field.items)}`;
  if (field.properties)
    return `{ ${Object.entries(field.properties).map(describeMember(field)).join(", ")} }`;
  if (Array.isArray(field.type)) return field.type.join(" \\| ");
  return String(field.type ?? "any");
}

function describeMember(parent: JsonSchema): (entry: readonly [string, JsonSchema]) => string {
  return ([name, field]) => `${name}${parent.required?.includes(name) ? "" : "?"}: ${describeType(field)}`;
}

/** zod writes the safe integer range where a schema has no bound of its own. */
function isOwnBound(value: number | undefined): value is number {
  return value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
}

function describeBounds(field: JsonSchema): string[] {
  const notes: string[] = [];
  if (field.default !== undefined) notes.push(`default \`${JSON.stringify(field.default)}\``);
  if (isOwnBound(field.minimum)) notes.push(`≥ ${field.minimum}`);
  if (isOwnBound(field.maximum)) notes.push(`≤ ${field.maximum}`);
  if (field.maxLength !== undefined) notes.push(`≤ ${field.maxLength} characters`);
  if (field.minItems !== undefined) notes.push(`≥ ${field.minItems} items`);
  if (field.maxItems !== undefined) notes.push(`≤ ${field.maxItems} items`);
  return notes;
}
