import type { Step } from "./answers.ts";

export const LONG = "n".repeat(256);
export const LONGEST = "n".repeat(255);

/** One of each kind of thing that a path can lead to. */
export const FIXTURE: readonly Step[] = [
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
  ["symlink", "/dir/sub", "/abslink"],
  ["symlink", "nowhere", "/broken"],
  ["symlink", "loop", "/loop"],
];

/** What of it a commit keeps: git has no empty directories. */
export const COMMITTED_FIXTURE = FIXTURE.filter(([, path]) => path !== "/empty");

export const PATHS = [
  "/",
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
  "/abslink",
  "/abslink/deep",
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

/** A step as a line of text, with its long names cut. */
export function describeStep([method, ...args]: Step): string {
  const text = args.map((arg) => {
    const written = arg instanceof Uint8Array ? `bytes ${new TextDecoder().decode(arg)}` : arg;
    return String(JSON.stringify(written)).replaceAll(LONG, "<256>").replaceAll(LONGEST, "<255>");
  });
  return `${method}(${text.join(", ")})`;
}
