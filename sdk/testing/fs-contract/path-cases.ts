import { call, type Step } from "./answers.ts";
import type { CaseGroup } from "./cases.ts";
import { describeStep, PATHS } from "./fixture.ts";

/** Every call of one or two paths, with `$` where the path goes. */
const CALLS: readonly Step[] = [
  ["readFile", "$", "utf8"],
  ["readFile", "$"],
  ["readFile", "$", { encoding: "hex" }],
  ["readFile", "$", { flag: "a+" }],
  ["writeFile", "$", "written"],
  ["writeFile", "$", "written", { flag: "wx" }],
  ["writeFile", "$", "wr", { flag: "r+" }],
  ["writeFile", "$", "run", { mode: 0o755 }],
  ["appendFile", "$", "more"],
  ["open", "$"],
  ["open", "$", "r+"],
  ["open", "$", "w"],
  ["open", "$", "wx+"],
  ["open", "$", "a+"],
  ["open", "$", 0o200000],
  ["open", "$", 0o400000],
  ["opendir", "$"],
  ["readdir", "$"],
  ["readdir", "$", { withFileTypes: true }],
  ["stat", "$"],
  ["lstat", "$"],
  ["stat", "$", { bigint: true }],
  ["access", "$"],
  ["access", "$", 1],
  ["access", "$", 2],
  ["realpath", "$"],
  ["readlink", "$"],
  ["readlink", "$", "buffer"],
  ["statfs", "$"],
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
  ["chmod", "$", "644"],
  ["chown", "$", -1, -1],
  ["lchown", "$", -1, -1],
  ["utimes", "$", 1, 1],
  ["lutimes", "$", new Date(1_000), "2"],
  ["link", "$", "/hard"],
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
  ["cp", "$", "/copy"],
  ["cp", "$", "/copy", { recursive: true }],
  ["cp", "/file", "$"],
  ["cp", "/dir", "$", { recursive: true }],
];

function fill(step: Step, path: string): Step {
  return step.map((part) => (part === "$" ? path : part)) as unknown as Step; // The name stays first.
}

/** Calls that leave the root as it is. The real one has a name and a parent, so that others could not be compared. */
const OF_ROOT: ReadonlySet<string> = new Set([
  "open",
  "opendir",
  "readFile",
  "readdir",
  "stat",
  "lstat",
  "access",
  "realpath",
  "readlink",
  "statfs",
]);

/** What differs from run to run, such as a random name, is left out. */
function simplify(method: string, value: unknown): unknown {
  if (method === "statfs" && typeof value === "object" && value !== null) return Object.keys(value).join();
  if (method === "opendir" && typeof value === "object" && value !== null && "close" in value) {
    const dir = value as unknown as { readonly path: string; close(): Promise<void> };
    return dir.close().then(() => `Dir ${dir.path}`);
  }
  return value;
}

/** Every call on every kind of path. */
export const pathCases: readonly CaseGroup[] = CALLS.map((step) => ({
  title: describeStep(step),
  cases: PATHS.filter(
    (path) => path !== "/" || (OF_ROOT.has(step[0]) && !(step[0] === "open" && step.length > 2)),
  ).map((path) => {
    const filled = fill(step, path);
    return {
      title: describeStep(filled),
      run: async (fs, note) =>
        await note(async () => {
          return simplify(filled[0], await call(fs, filled));
        }),
    };
  }),
}));
