import { call, type Step } from "./answers.ts";
import type { CaseGroup, FsCase } from "./cases.ts";
import { describeStep } from "./fixture.ts";

/** Trees with something in each other's way. */
const PREPARE: readonly Step[] = [
  ["mkdir", "/target"],
  ["writeFile", "/target/inner", "older"],
  ["mkdir", "/clash"],
  ["mkdir", "/clash/deep"],
  ["symlink", "../dir", "/target/dirlink"],
  ["symlink", "dir/sub", "/sublink"],
  ["writeFile", "/locked", "l", { mode: 0o755 }],
];

const COPIES: readonly Step[] = [
  ["cp", "/dir", "/target", { recursive: true }],
  ["cp", "/dir", "/target", { recursive: true, force: false }],
  ["cp", "/dir/sub", "/target", { recursive: true, force: false, errorOnExist: true }],
  ["cp", "/dir/sub", "/clash", { recursive: true }],
  ["cp", "/dir", "/new/deep", { recursive: true }],
  ["cp", "/dir", "/dir", { recursive: true }],
  ["cp", "/dir", "/dir/sub", { recursive: true }],
  ["cp", "/dir", "/dir/new", { recursive: true }],
  ["cp", "/dir/sub", "/dir", { recursive: true }],
  ["cp", "/dir", "/dirlink", { recursive: true }],
  ["cp", "/dir", "/dirlink/new", { recursive: true }],
  ["cp", "/dirlink", "/copy", { recursive: true }],
  ["cp", "/dirlink", "/copy", { recursive: true, dereference: true }],
  ["cp", "/dirlink/", "/copy", { recursive: true }],
  ["cp", "/link", "/copy"],
  ["cp", "/link", "/copy", { verbatimSymlinks: true }],
  ["cp", "/link", "/copy", { dereference: true }],
  ["cp", "/link", "/file"],
  ["cp", "/file", "/link"],
  ["cp", "/link", "/broken"],
  ["cp", "/dirlink", "/sublink"],
  ["cp", "/sublink", "/dirlink"],
  ["cp", "/link", "/dirlink"],
  ["cp", "/broken", "/copy"],
  ["cp", "/broken", "/copy", { dereference: true }],
  ["cp", "/loop", "/copy"],
  ["cp", "/file", "/file"],
  ["cp", "/file", "/exec"],
  ["cp", "/file", "/exec", { force: false }],
  ["cp", "/file", "/exec", { force: false, errorOnExist: true }],
  ["cp", "/file", "/copy", { mode: 1 }],
  ["cp", "/file", "/copy", { preserveTimestamps: true }],
  ["cp", "/locked", "/copy"],
  ["cp", "/file", "/dir"],
  ["cp", "/file", "/missing/deep/copy"],
  ["cp", "/dir", "/file", { recursive: true }],
  ["cp", "/missing", "/copy"],
  ["cp", "/file/x", "/copy"],
  ["cp", "/empty", "/copy", { recursive: true }],
  ["cp", "/dir", "/copy"],
  ["cp", new URL("file:///file"), new URL("file:///copy")],
  ["copyFile", "/file", "/copy", 0],
  ["copyFile", "/file", "/copy", 2],
  ["copyFile", "/file", "/file"],
  ["copyFile", "/link", "/copy"],
  ["copyFile", "/file", "/link"],
  ["copyFile", "/file", "/target/inner", 1],
];

function prepared(title: string, run: FsCase["run"]): FsCase {
  return {
    title,
    run: async (fs, note) => {
      for (const step of PREPARE) await call(fs, step);
      await run(fs, note);
    },
  };
}

export const copyCases: readonly CaseGroup[] = [
  {
    title: "copies",
    cases: COPIES.map((step, index) =>
      prepared(`${index} ${describeStep(step)}`, async (fs, note) => await note(() => call(fs, step))),
    ),
  },
  {
    title: "copies: filters",
    cases: [
      prepared("leaves out what the filter says", async (fs, note) => {
        const seen: string[] = [];
        const filter = (from: string, to: string) => {
          seen.push(`${from.slice(-4)} ${to.slice(-4)}`);
          return !from.endsWith("sub");
        };
        await note(() => call(fs, ["cp", "/dir", "/copy", { recursive: true, filter }]));
        await note(() => seen);
      }),
      prepared("waits for the filter", async (fs, note) => {
        const filter = async () => false;
        await note(() => call(fs, ["cp", "/dir", "/copy", { recursive: true, filter }]));
        await note(() => call(fs, ["readdir", "/copy"]));
      }),
      prepared("a filter that fails", async (fs, note) => {
        const filter = () => {
          throw new RangeError("no");
        };
        await note(() => call(fs, ["cp", "/dir", "/copy", { recursive: true, filter }]));
      }),
    ],
  },
];
