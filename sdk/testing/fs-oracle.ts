import * as node from "node:fs/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The calls that both sides have, loosely typed: the suite passes bad arguments on purpose. */
export type LooseFs = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** Calls whose arguments at these positions are paths. */
const PATH_ARGUMENTS: Readonly<Record<string, readonly number[]>> = {
  rename: [0, 1],
  copyFile: [0, 1],
  symlink: [1],
};

/** node:fs/promises in a temporary folder, with `/` meaning that folder: what Linux does is what is right. */
export interface Oracle {
  readonly fs: LooseFs;
  readonly remove: () => Promise<void>;
}

/** Adds the root to a path argument without normalising anything in it. */
function rooted(root: string, value: unknown): unknown {
  return typeof value === "string" && value.startsWith("/") ? root + value : value;
}

function unrooted(root: string, value: unknown): unknown {
  return typeof value === "string" && value.startsWith(root) ? value.slice(root.length) || "/" : value;
}

export async function createOracle(): Promise<Oracle> {
  const root = await mkdtemp(join(tmpdir(), "coregit-fs-"));
  const real = node as unknown as LooseFs; // Called by name, as the suite's table has it.
  const fs = new Proxy(real, {
    get:
      (target, name: string) =>
      async (...args: unknown[]) => {
        const positions = PATH_ARGUMENTS[name] ?? [0];
        const mapped = args.map((value, index) => (positions.includes(index) ? rooted(root, value) : value));
        return unrooted(root, await target[name]?.(...(mapped as never[])));
      },
  });
  return { fs, remove: () => rm(root, { recursive: true, force: true }) };
}
