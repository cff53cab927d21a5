import { describe, expect, test } from "vitest";
import type { LooseFs } from "./fs-oracle.ts";

/** A filesystem under test beside one that is right, both empty. */
export interface FsPair {
  readonly subject: LooseFs;
  readonly oracle: LooseFs;
  readonly remove: () => Promise<void>;
}

type Step = readonly [method: string, ...args: unknown[]];

const LONG = "n".repeat(256);
const LONGEST = "n".repeat(255);

/** One of each kind of thing that a path can lead to. */
const FIXTURE: readonly Step[] = [
  ["writeFile", "/file", "content"],
  ["writeFile", "/exec", "#!/bin/sh\n", { mode: 0o755 }],
  ["mkdir", "/dir"],
  ["writeFile", "/dir/inner", "inner"],
  ["mkdir", "/dir/sub"],
  ["writeFile", "/dir/sub/deep", "deep"],
  ["mkdir", "/empty"],
  ["symlink", "file", "/link"],
  ["symlink", "dir", "/dirlink"],
  ["symlink", "../file", "/dir/uplink"],
  ["symlink", "nowhere", "/broken"],
  ["symlink", "loop", "/loop"],
];

const PATHS = [
  "/file",
  "/file/",
  "/file/.",
  "/file/x",
  "/file/..",
  "/exec",
  "/dir",
  "/dir/",
  "/dir/.",
  "/dir/inner",
  "/dir//inner",
  "/dir/./inner",
  "/dir/../file",
  "/dir/sub",
  "/dir/sub/..",
  "/dir/new",
  "/dir/sub/new/",
  "/empty",
  "/empty/",
  "/empty/..",
  "/link",
  "/link/",
  "/link/x",
  "/dirlink",
  "/dirlink/",
  "/dirlink/inner",
  "/dirlink/new",
  "/dirlink/../file",
  "/dir/uplink",
  "/broken",
  "/broken/",
  "/broken/x",
  "/loop",
  "/loop/x",
  "/missing",
  "/missing/",
  "/missing/.",
  "/missing/x",
  "/missing/..",
  "/missing/../file",
  `/${LONG}`,
  `/${LONGEST}`,
  `/dir/${LONG}/x`,
  "",
] as const;

/** Every call, with `$` where the path goes. */
const CALLS: readonly Step[] = [
  ["readFile", "$", "utf8"],
  ["readFile", "$"],
  ["writeFile", "$", "written"],
  ["writeFile", "$", "written", { flag: "wx" }],
  ["writeFile", "$", "wr", { flag: "r+" }],
  ["appendFile", "$", "more"],
  ["readdir", "$"],
  ["readdir", "$", { withFileTypes: true }],
  ["stat", "$"],
  ["lstat", "$"],
  ["access", "$"],
  ["access", "$", 1],
  ["realpath", "$"],
  ["readlink", "$"],
  ["mkdir", "$"],
  ["mkdir", "$", { recursive: true }],
  ["rmdir", "$"],
  ["unlink", "$"],
  ["rm", "$"],
  ["rm", "$", { recursive: true }],
  ["rm", "$", { force: true }],
  ["truncate", "$", 3],
  ["truncate", "$", 20],
  ["chmod", "$", 0o755],
  ["chmod", "$", 0o644],
  ["utimes", "$", 1, 1],
  ["symlink", "file", "$"],
  ["copyFile", "$", "/copy"],
  ["copyFile", "/exec", "$"],
  ["copyFile", "/file", "$", 1],
  ["rename", "$", "/moved"],
  ["rename", "$", "/dir"],
  ["rename", "$", "/empty"],
  ["rename", "$", "/file"],
  ["rename", "$", "/link"],
  ["rename", "$", "/dir/sub/below"],
  ["rename", "/file", "$"],
  ["rename", "/dir", "$"],
  ["rename", "/empty", "$"],
  ["rename", "/link", "$"],
];

interface StatsLike {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  readonly size: number;
  readonly mode: number;
  readonly name?: string;
}

function isStatsLike(value: unknown): value is StatsLike {
  return typeof value === "object" && value !== null && "isSymbolicLink" in value;
}

function describeStats(stats: StatsLike): string {
  const kind = stats.isFile()
    ? "file"
    : stats.isDirectory()
      ? "directory"
      : stats.isSymbolicLink()
        ? "link"
        : "other";
  if (stats.name !== undefined) return `${kind} ${stats.name}`;
  // Directory sizes and permission bits beyond the owner's execute bit are the disk's own.
  return kind === "file" ? `file ${stats.size} ${stats.mode & 0o100 ? "x" : "-"}` : kind;
}

/** A result as text that both sides can be compared by. */
function describeValue(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${new TextDecoder().decode(value)}`;
  if (Array.isArray(value)) return value.map(describeValue).sort().join(", ");
  return isStatsLike(value) ? describeStats(value) : String(value);
}

async function run(fs: LooseFs, [method, ...args]: Step): Promise<string> {
  try {
    return describeValue(await fs[method]?.(...(args as never[])));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return `throws ${code}`;
  }
}

/** Everything that a filesystem holds, one line per entry. */
async function snapshot(fs: LooseFs): Promise<string> {
  const lines: string[] = [];
  const pending = ["/"];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const names = (await run(fs, ["readdir", path])).split(", ").filter((name) => name !== "");
    for (const name of names) {
      const child = path === "/" ? `/${name}` : `${path}/${name}`;
      const kind = await run(fs, ["lstat", child]);
      if (kind === "directory") pending.push(child);
      const content =
        kind === "directory" ? "" : await run(fs, [kind === "link" ? "readlink" : "readFile", child, "utf8"]);
      lines.push(`${child} ${kind} ${content}`);
    }
  }
  return lines.sort().join("\n");
}

function fill(call: Step, path: string): Step {
  return call.map((part) => (part === "$" ? path : part)) as unknown as Step;
}

function describeStep([method, ...args]: Step): string {
  const text = args.map((arg) => JSON.stringify(arg)?.replaceAll(LONG, "<256>").replaceAll(LONGEST, "<255>"));
  return `${method}(${text.join(", ")})`;
}

async function compareStep(makePair: () => Promise<FsPair>, steps: readonly Step[]): Promise<string[]> {
  const pair = await makePair();
  try {
    const differences: string[] = [];
    for (const step of steps) {
      const [expected, actual] = [await run(pair.oracle, step), await run(pair.subject, step)];
      if (expected !== actual) differences.push(`${describeStep(step)}: ${actual}, node: ${expected}`);
    }
    const [expected, actual] = [await snapshot(pair.oracle), await snapshot(pair.subject)];
    if (expected !== actual)
      differences.push(`after ${describeStep(steps.at(-1) ?? [""])}:\n${actual}\nnode:\n${expected}`);
    return differences;
  } finally {
    await pair.remove();
  }
}

/**
 * Holds a filesystem to node:fs/promises on Linux: every call on every kind of path, by its result, its error code and
 * what it leaves behind.
 *
 * @param allowed differences that are meant, by call: `name` as `describeStep` writes it → why.
 */
export function fsContract(
  name: string,
  makePair: () => Promise<FsPair>,
  allowed: ReadonlyMap<string, string> = new Map(),
): void {
  describe(`${name} does what node:fs/promises does`, () => {
    test.each(CALLS.map((call) => ({ title: describeStep(call), call })))("$title", async ({ call }) => {
      const differences: string[] = [];
      for (const path of PATHS) {
        const step = fill(call, path);
        if (allowed.has(describeStep(step))) continue;
        differences.push(...(await compareStep(makePair, [...FIXTURE, step])));
      }
      expect(differences.join("\n")).toBe("");
    });
  });
}
