import type { DirNode, ExecNode } from "./exec-node.ts";
import { fsError } from "./fs-error.ts";

/** As many links as Linux follows in one lookup. */
const MAX_LINKS = 40;
const MAX_NAME_BYTES = 255;

/** Where a path leads. */
export interface ExecPlace {
  /** Directory that holds the name; null for the very root. */
  readonly parent: DirNode | null;
  readonly name: string;
  /** null: nothing is there, but its directory is. */
  readonly node: ExecNode | null;
  /** Without links, `.` and `..`. */
  readonly path: string;
  /** Written with a slash behind it. */
  readonly asDirectory: boolean;
}

export interface PathContext {
  readonly root: DirNode;
  /** The directory that `/x` means when the root has no `x`: the one repository of a single mount. */
  readonly fallback: DirNode | null;
  readonly children: (directory: DirNode) => Promise<Map<string, ExecNode>>;
  readonly readTarget: (
    link: ExecNode,
    site: { readonly parent: DirNode; readonly path: string },
  ) => Promise<string>;
}

interface Step {
  readonly parent: DirNode;
  readonly name: string;
  readonly directory: DirNode;
}

/**
 * Finds what a path leads to, as Linux does: links on the way are followed, the last one if `follow`.
 *
 * @throws Error ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL for NUL
 */
export async function resolveExecPath(
  context: PathContext,
  path: string,
  options: { readonly follow: boolean; readonly syscall: string },
): Promise<ExecPlace> {
  const { follow, syscall } = options;
  const fail = (code: Parameters<typeof fsError>[0]) => fsError(code, syscall, path);
  if (path.includes("\0")) throw fail("EINVAL");
  if (path === "") throw fail("ENOENT");
  const rest = path.split("/").reverse();
  const trail: Step[] = [];
  const here = () => trail.at(-1)?.directory ?? context.root;
  const textOf = (name: string) => `/${[...trail.map((step) => step.name), name].join("/")}`;
  let links = 0;
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      trail.pop();
      continue;
    }
    if (name.length * 3 > MAX_NAME_BYTES && Buffer.byteLength(name) > MAX_NAME_BYTES)
      throw fail("ENAMETOOLONG");
    let parent = here();
    let node = (await context.children(parent)).get(name) ?? null;
    if (node === null && parent === context.root && context.fallback) {
      parent = context.fallback;
      node = (await context.children(parent)).get(name) ?? null;
    }
    const last = rest.every((segment) => segment === "");
    const place = { parent, name, path: textOf(name), asDirectory: rest.length > 0 };
    if (node === null) {
      if (!last) throw fail("ENOENT");
      return { ...place, node };
    }
    if (node.kind === "link" && (follow || rest.length > 0)) {
      if (++links > MAX_LINKS) throw fail("ELOOP");
      const target = await context.readTarget(node, place);
      if (target.startsWith("/")) trail.length = 0;
      rest.push(...target.split("/").reverse());
      continue;
    }
    if (node.kind === "dir") trail.push({ parent, name, directory: node });
    else if (rest.length > 0) throw fail("ENOTDIR");
    else return { ...place, node };
  }
  const step = trail.at(-1);
  if (!step) return { parent: null, name: "", node: context.root, path: "/", asDirectory: true };
  const { parent, name, directory } = step;
  return {
    parent,
    name,
    node: directory,
    path: `/${trail.map((part) => part.name).join("/")}`,
    asDirectory: true,
  };
}
