import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { GitError, type GitErrorCode } from "../git/errors.ts";
import { buildPack } from "../git/pack/write-pack.ts";
import { createMemoryRepo } from "../testing/memory-repo.ts";
import { makeObject } from "../testing/plan-root-files.ts";
import { makeCommit } from "../testing/repo-store-contract.ts";
import { receivePack } from "./receive-pack.ts";

/** A push of one new branch, too large for the hot tier. */
async function* makePush(): AsyncGenerator<Uint8Array> {
  const commit = await makeCommit("large");
  const line = `${"0".repeat(40)} ${commit.oid} refs/heads/large\0report-status side-band-64k`;
  yield Buffer.from(`${(line.length + 4).toString(16).padStart(4, "0")}${line}0000`);
  yield buildPack([...commit.objects, makeObject("blob", randomBytes(2 * 1024 * 1024))]).pack;
}

/** Files that are left after the store threw `code` at the transaction of a push. */
async function listLeft(code: GitErrorCode): Promise<readonly string[]> {
  const { files, open } = createMemoryRepo();
  const repo = open();
  const transact = async () => {
    throw new GitError(code, "injected");
  };
  const deps = { repo: { ...repo, store: { ...repo.store, transact } }, actor: "tester", now: Date.now };
  const failures: unknown[] = [];
  for await (const _ of receivePack({ ...deps, onFailure: (error) => failures.push(error) }, makePush()));
  return [...files.keys()].map((key) => key.slice(key.lastIndexOf(".")));
}

describe("a push whose refs the store does not move", () => {
  it("takes its pack away when the store refused: of a deleted repository nobody else would", async () => {
    expect(await listLeft("missing-object")).toEqual([]);
  });

  it("leaves its pack to the sweeper when the answer was lost: it may be in the catalog", async () => {
    expect(await listLeft("interrupted")).toEqual([".idx", ".pack", ".refs"]);
  });
});
