/**
 * The contract's paths as a trie over raw (still percent-encoded) segments. Hono's own matching decodes first and
 * knows no parameter of one or two segments, so only the entrance is Hono's.
 */
import type { EndpointSpec } from "../../sdk/contract/endpoint.ts";
import { invalidField } from "../middleware/request-error.ts";
import type { RepoName } from "../ports/org.ts";

export interface Route {
  readonly key: string;
  readonly method: string;
  readonly spec: EndpointSpec;
}

export interface RouteMatch<R extends Route> {
  /** By method; HEAD is not in it. */
  readonly routes: ReadonlyMap<string, R>;
  readonly repo: RepoName | null;
  readonly params: Readonly<Record<string, string>>;
  readonly rest: readonly string[];
}

interface Node<R> {
  readonly fixed: Map<string, Node<R>>;
  readonly routes: Map<string, R>;
  repo?: Node<R>;
  param?: { readonly name: string; readonly node: Node<R> };
  tail?: Tail<R>;
  /** Tails that end in a fixed segment, by that segment: `*target/merge`. */
  suffixed?: Map<string, Tail<R>>;
}

interface Tail<R> {
  readonly name: string;
  readonly routes: Map<string, R>;
}

export interface RouteTable<R extends Route> {
  /** Fixed segments below `:repo`; a repository inside a namespace cannot have one of them as its slug. */
  readonly repoNouns: ReadonlySet<string>;
  /** null when no route has this path. @throws RequestError VALIDATION_ERROR on a malformed percent-escape */
  find(segments: readonly string[]): RouteMatch<R> | null;
}

/** Compiles routes whose keys are `METHOD /path`. */
export function createRouteTable<R extends Route>(routes: readonly R[]): RouteTable<R> {
  const root = newNode<R>();
  for (const route of routes) addRoute(root, route);
  const repoNouns = new Set(root.fixed.get("repos")?.repo?.fixed.keys() ?? []);
  return { repoNouns, find: (segments) => findRoute(root, segments) };
}

/** The path of `url` cut at its slashes, escapes intact; a trailing slash is dropped. */
export function splitPath(url: string): string[] {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.search(/[?#]/);
  const path = start < 0 ? "" : url.slice(start + 1, end < 0 ? undefined : end);
  const segments = path.split("/");
  if (segments[segments.length - 1] === "") segments.pop();
  return segments;
}

function newNode<R>(): Node<R> {
  return { fixed: new Map(), routes: new Map() };
}

function addRoute<R extends Route>(root: Node<R>, route: R): void {
  let node = root;
  const pattern = route.key.slice(route.key.indexOf("/") + 1).split("/");
  for (const [index, segment] of pattern.entries()) {
    if (segment.startsWith("*")) {
      openTail(node, segment.slice(1), pattern[index + 1]).routes.set(route.method, route);
      return;
    }
    node = childFor(node, segment);
  }
  node.routes.set(route.method, route);
}

function openTail<R>(node: Node<R>, name: string, suffix: string | undefined): Tail<R> {
  if (suffix === undefined) {
    node.tail ??= { name, routes: new Map() };
    return node.tail;
  }
  node.suffixed ??= new Map();
  const tail = node.suffixed.get(suffix) ?? { name, routes: new Map<string, R>() };
  node.suffixed.set(suffix, tail);
  return tail;
}

function childFor<R>(node: Node<R>, segment: string): Node<R> {
  if (segment === ":repo") {
    node.repo ??= newNode();
    return node.repo;
  }
  if (segment.startsWith(":")) {
    node.param ??= { name: segment.slice(1), node: newNode() };
    return node.param.node;
  }
  let child = node.fixed.get(segment);
  if (!child) {
    child = newNode();
    node.fixed.set(segment, child);
  }
  return child;
}

function findRoute<R extends Route>(root: Node<R>, segments: readonly string[]): RouteMatch<R> | null {
  const params: Record<string, string> = {};
  let repo: RepoName | null = null;
  let node = root;
  let restFrom = 0;
  let afterParam = false;
  let at = 0;
  while (at < segments.length) {
    const segment = segments[at] as string;
    const fixed = node.fixed.get(segment);
    if (fixed) {
      node = fixed;
      restFrom = ++at;
      afterParam = false;
    } else if (node.repo) {
      const width = repoWidth(node.repo, segments, at);
      repo = toRepoName(segments, at, width);
      node = node.repo;
      at += width;
      restFrom = at;
    } else if (node.param) {
      params[node.param.name] = decodeSegment(segment);
      node = node.param.node;
      afterParam = true;
      at++;
    } else {
      break;
    }
  }
  const rest = segments.slice(restFrom).map(decodeSegment);
  if (at === segments.length && node.routes.size > 0) return { routes: node.routes, repo, params, rest };
  const suffixed = at + 1 < segments.length ? node.suffixed?.get(segments.at(-1) ?? "") : undefined;
  if (suffixed) {
    params[suffixed.name] = segments.slice(at, -1).map(decodeSegment).join("/");
    if (node.tail) params[node.tail.name] = segments.slice(at).map(decodeSegment).join("/");
    // What ends in the fixed segment may also be a whole name: a branch can be called `x/merge`.
    return { routes: new Map([...(node.tail?.routes ?? []), ...suffixed.routes]), repo, params, rest };
  }
  // After a parameter the tail may be empty (the root directory); after a noun it may not (that is the list).
  if (!node.tail || (at === segments.length && !afterParam)) return null;
  params[node.tail.name] = segments.slice(at).map(decodeSegment).join("/");
  return { routes: node.tail.routes, repo, params, rest };
}

/** `/repos/x/commits` is x's commits, never repository "commits" of namespace x. */
function repoWidth<R>(repo: Node<R>, segments: readonly string[], at: number): 1 | 2 {
  const next = segments[at + 1];
  return next === undefined || repo.fixed.has(next) ? 1 : 2;
}

function toRepoName(segments: readonly string[], at: number, width: 1 | 2): RepoName {
  const first = decodeSegment(segments[at] as string);
  return width === 1
    ? { namespace: null, slug: first }
    : { namespace: first, slug: decodeSegment(segments[at + 1] as string) };
}

function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    throw invalidField("path", `malformed percent-escape in "${segment.slice(0, 80)}"`);
  }
}
