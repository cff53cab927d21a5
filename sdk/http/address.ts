import type { RepoRef } from "../contract/names.ts";

/** Values of an endpoint's `:names`; `repo` may be a reference with a namespace, a trailing `*rest` holds slashes. */
export type PathParams = Readonly<Record<string, RepoRef>>;

/**
 * The path of a repository below `/repos`: `slug`, or `namespace/slug`. A string with one slash is read as
 * `"namespace/slug"`; a slug itself never holds one.
 */
export function repoPath(repo: RepoRef): string {
  const parts =
    typeof repo === "string" ? repo.split("/") : repo.namespace ? [repo.namespace, repo.slug] : [repo.slug];
  if (parts.length > 2 || parts.some((part) => part === "")) {
    throw new TypeError(
      `not a repository: ${JSON.stringify(repo)}; give "slug", "namespace/slug" or {namespace, slug}`,
    );
  }
  return parts.map(encodeURIComponent).join("/");
}

/** `.` and `..` are escaped too: URL parsers would take them out of the path, percent-encoded or not, otherwise. */
function encodeSegment(segment: string): string {
  if (segment === "." || segment === "..") throw new TypeError(`"${segment}" cannot be part of a path`);
  return encodeURIComponent(segment);
}

function fill(pattern: string, params: PathParams): string {
  const name = pattern.slice(1);
  if (pattern[0] !== ":" && pattern[0] !== "*") return pattern;
  const value = params[name];
  if (value === undefined) throw new TypeError(`missing path parameter ${name}`);
  if (name === "repo") return repoPath(value);
  if (typeof value !== "string") throw new TypeError(`path parameter ${name} must be text`);
  // A ref such as feature/x keeps its slashes: the server takes the longest existing name.
  return value.split("/").map(encodeSegment).join("/");
}

/** Splits a contract key and fills its path: `"GET /repos/:repo/tree/:ref/*path"` → method and `/repos/a/tree/main/src`. */
export function formatAddress(key: string, params: PathParams): { method: string; path: string } {
  const [method = "", pattern = ""] = key.split(" ");
  const path = pattern
    .split("/")
    .map((segment) => fill(segment, params))
    .join("/");
  return { method, path: path.replace(/\/+$/, "") };
}

/** A query string with its `?`, without the entries that are undefined; empty when nothing is left. */
export function formatQuery(query: Readonly<Record<string, unknown>> | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

/** The address below which `/v1` lives. Both spellings are taken: with and without `/v1`. */
export function parseBaseUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new TypeError(`not an HTTP address: ${text}`);
  return `${url.origin}${url.pathname.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1`;
}
