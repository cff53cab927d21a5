import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LooseFs } from "./fs-oracle.ts";

/** A filesystem under test beside one that is right, both empty. */
export interface FsPair {
  readonly subject: LooseFs;
  readonly oracle: LooseFs;
  /** Something that changes nothing that can be seen, such as a commit; random sequences do it now and then. */
  readonly settle?: () => Promise<unknown>;
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

/** Few names, so that steps meet: one on the way of another, a file where there was a directory. */
const NAMES = ["/a", "/b", "/a/a", "/a/b", "/b/a", "/a/a/c", "/l", "/l/a", "/a/../b", "/b/"] as const;
const path = fc.constantFrom(...NAMES);
const text = fc.constantFrom("", "x", "content", "other content\n");

const randomStep: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("writeFile"), path, text),
  fc.tuple(
    fc.constant("writeFile"),
    path,
    text,
    fc.constantFrom({ flag: "wx" }, { mode: 0o755 }, { flag: "r+" }),
  ),
  fc.tuple(fc.constant("appendFile"), path, text),
  fc.tuple(fc.constant("mkdir"), path),
  fc.tuple(fc.constant("mkdir"), path, fc.constant({ recursive: true })),
  fc.tuple(fc.constant("rename"), path, path),
  fc.tuple(fc.constant("rename"), path, path),
  fc.tuple(fc.constant("copyFile"), path, path),
  fc.tuple(fc.constant("symlink"), fc.constantFrom("a", "./b", "b/a", "l", "a/../b"), path),
  fc.tuple(fc.constant("rmdir"), path),
  fc.tuple(fc.constant("unlink"), path),
  fc.tuple(fc.constant("rm"), path, fc.constant({ force: true })),
  fc.tuple(
    fc.constant("rm"),
    fc.constantFrom("/a", "/b", "/a/a"),
    fc.constant({ recursive: true, force: true }),
  ),
  fc.tuple(fc.constant("chmod"), path, fc.constantFrom(0o755, 0o644)),
  fc.tuple(fc.constant("truncate"), path, fc.nat(12)),
  fc.tuple(fc.constant("readdir"), path),
  fc.tuple(fc.constant("readFile"), path, fc.constant("utf8")),
  fc.tuple(fc.constant("settle")),
);

/** node's copyFile of a directory fails and then deletes the destination file; the mount leaves that alone. */
async function isHarmful(oracle: LooseFs, [method, source]: Step): Promise<boolean> {
  return method === "copyFile" && (await run(oracle, ["stat", source])) === "directory";
}

/** Runs random sequences of calls on both sides; a failing one is cut down to its shortest form. */
export function fsSequences(name: string, makePair: () => Promise<FsPair>, numRuns = 300): void {
  test(`${name} and node:fs/promises agree through random sequences`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomStep, { minLength: 4, maxLength: 40 }), async (steps) => {
        const pair = await makePair();
        try {
          for (const step of steps) {
            if (await isHarmful(pair.oracle, step)) continue;
            if (step[0] === "settle") await pair.settle?.();
            else
              expect([describeStep(step), await run(pair.subject, step)]).toEqual([
                describeStep(step),
                await run(pair.oracle, step),
              ]);
          }
          expect(await snapshot(pair.subject)).toBe(await snapshot(pair.oracle));
        } finally {
          await pair.remove();
        }
      }),
      { numRuns, seed: 20260101 },
    );
  });
}
