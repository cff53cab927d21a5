import { posix } from "node:path";
import type { Violation } from "./layers.ts";
import { resolveRelative, type SourceFile } from "./source-file.ts";

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Files that import each other in a ring, types included. */
export function checkFileCycles(files: readonly SourceFile[]): Violation[] {
  return checkCycles(buildGraph(files, (path) => path));
}

/**
 * Folders that import each other in a ring. A file at the top of the SDK, the server or the engine stands for itself:
 * it is a floor (`errors.ts`, `ports.ts`) or a roof (`wiring.ts`), not part of a folder.
 */
export function checkFolderCycles(files: readonly SourceFile[]): Violation[] {
  return checkCycles(buildGraph(files, folderOf));
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "sdk" || folder === "server" || folder === "server/git" ? path : folder;
}

function buildGraph(files: readonly SourceFile[], nodeOf: (path: string) => string): Graph {
  const graph = new Map<string, Set<string>>();
  for (const file of files) {
    const from = nodeOf(file.path);
    const targets = graph.get(from) ?? new Set<string>();
    graph.set(from, targets);
    for (const { specifier } of file.imports) {
      const target = resolveRelative(file.path, specifier);
      if (target !== null && nodeOf(target) !== from) targets.add(nodeOf(target));
    }
  }
  return graph;
}

function checkCycles(graph: Graph): Violation[] {
  const reported = new Set<string>();
  const violations: Violation[] = [];
  for (const start of graph.keys()) {
    const ring = findShortestRing(graph, start);
    if (!ring) continue;
    const key = [...ring].sort().join("\n");
    if (reported.has(key)) continue;
    reported.add(key);
    violations.push({ path: start, message: `import cycle: ${[...ring, start].join(" → ")}` });
  }
  return violations;
}

/** Breadth first, so that the message shows the smallest ring through `start`. */
function findShortestRing(graph: Graph, start: string): string[] | null {
  const paths: string[][] = [[start]];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const next of graph.get(path.at(-1) ?? start) ?? []) {
      if (next === start) return path;
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  return null;
}
