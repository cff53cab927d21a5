import type { ObjectType } from "../git/hash/object-type.ts";
import type { Oid } from "../git/hash/oid.ts";
import type { GitObject } from "../git/ports.ts";
import type { RealRepo } from "./real-git.ts";

/** A small generator with a seed (mulberry32): the same numbers on every machine. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

export interface HistoryShape {
  readonly seed: number;
  readonly commits: number;
  /** Of 100 commits, how many have several parents. Default 25. */
  readonly merges?: number;
  /** How dates go: up by one, often equal, or sometimes backwards. */
  readonly dates: "rising" | "equal" | "skewed";
}

const NAMES = ["a", "b", "c.txt", "lib/x", "lib/y", "lib/in/z", "src/in/z", "src/w", "é", "lib"];

/**
 * Writes a random history into a repository: several roots, merges of two and three parents, criss-cross, octopus,
 * reverted changes, files that become directories. Commit `i` is `refs/heads/c<i>`; gives their ids.
 */
export async function makeRandomHistory(repo: RealRepo, shape: HistoryShape): Promise<Oid[]> {
  const random = createRandom(shape.seed);
  const stream: string[] = [];
  let seconds = 1_700_000_000;
  for (let i = 0; i < shape.commits; i++) {
    seconds +=
      shape.dates === "rising" ? 1 : shape.dates === "equal" ? Number(random(4) === 0) : random(20) - 7;
    const recent = () => Math.max(0, i - 1 - random(Math.min(i, 6)));
    const parents = new Set<number>();
    if (i > 0 && random(25) > 0) parents.add(recent());
    if (parents.size > 0 && random(100) < (shape.merges ?? 25)) parents.add(recent());
    if (parents.size > 1 && random(4) === 0) parents.add(recent());
    const [first, ...others] = parents;
    stream.push(
      `commit refs/heads/c${i}\nmark :${i + 1}\ncommitter C <c@example.com> ${seconds} +0000\ndata 0\n`,
    );
    if (first !== undefined) stream.push(`from :${first + 1}\n`);
    for (const other of others) stream.push(`merge :${other + 1}\n`);
    for (let change = random(4); change > 0; change--) {
      const name = NAMES[random(NAMES.length)];
      if (random(5) === 0) stream.push(`D ${name}\n`);
      // Few contents, so that changes are often undone and merges often agree with a parent.
      else stream.push(`M ${random(6) === 0 ? "100755" : "100644"} inline ${name}\ndata 1\n${random(3)}\n`);
    }
  }
  await repo.git(["fast-import", "--quiet", "--force"], { input: stream.join("") });
  const names = Array.from({ length: shape.commits }, (_, i) => `refs/heads/c${i}`);
  return (await repo.git(["rev-parse", ...names])).text.split("\n") as Oid[];
}

/** Every object of a repository. */
export async function readAllObjects(repo: RealRepo): Promise<GitObject[]> {
  const { stdout } = await repo.git(["cat-file", "--batch", "--batch-all-objects", "--buffer"]);
  const objects: GitObject[] = [];
  for (let offset = 0; offset < stdout.length; ) {
    const newline = stdout.indexOf("\n", offset);
    const [oid, type, size] = stdout.toString("latin1", offset, newline).split(" ");
    const end = newline + 1 + Number(size);
    objects.push({
      oid: oid as Oid,
      type: type as ObjectType,
      data: new Uint8Array(stdout.subarray(newline + 1, end)),
    });
    offset = end + 1;
  }
  return objects;
}
