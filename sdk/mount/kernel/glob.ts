/** A pattern ready to be matched with repository paths. */
export interface CompiledGlob {
  /** Directory below which every match lies: the pattern's literal beginning. */
  readonly root: string;
  match(path: string): boolean;
}

/** Segments without anything that a pattern language could mean. */
const LITERAL = /^[^*?[\]{}()!+@\\]*$/;

/**
 * Compiles a pattern: `*`, `?`, `**`, classes and braces, never a negation. Names that begin with a dot match like any
 * others, as the server's prefetch has it: `.github/workflows/*` is what an agent asks for.
 *
 * With `dot` false they must be named with their dot, as shells and node's glob have it.
 *
 * The matcher is a third of this package's weight and many mounts never match anything, so it is loaded when the first
 * pattern needs it.
 */
export async function compileGlob(
  pattern: string,
  options: { readonly dot: boolean } = { dot: true },
): Promise<CompiledGlob> {
  const segments = pattern.split("/");
  const literal = segments.findIndex((segment) => !LITERAL.test(segment));
  const root = segments.slice(0, literal === -1 ? segments.length : literal).join("/");
  if (literal === -1) return { root, match: (path) => path === pattern };
  const { Minimatch } = await import("minimatch");
  const glob = new Minimatch(pattern, { ...options, nonegate: true, nocomment: true, platform: "linux" });
  return { root, match: (path) => glob.match(path) };
}
