import { expect, it } from "vitest";
import { contract } from "../../sdk/contract/index.ts";
import type { objectEndpoints } from "../../sdk/contract/objects.ts";
import { isRepoNoun } from "./reserved-names.ts";
import { createRouteTable } from "./route-table.ts";
import type { Handler, HandlersFor } from "./router.ts";

const revParse: Handler<"GET /repos/:repo/rev-parse"> = async ({ query, repo }) => {
  const ref: string = query.ref;
  return { ref, sha: repo.record.id, type: "commit" };
};
const object: Handler<"GET /repos/:repo/objects/:sha"> = async ({ params }) => {
  const size: number = params.sha.length;
  return { sha: params.sha, type: "blob", size, encoding: "utf-8", content: "" };
};

// `tsc` is the test: each expected error below is an error itself when the line compiles.

/** Complete. */
export const complete: HandlersFor<typeof objectEndpoints> = {
  "GET /repos/:repo/rev-parse": revParse,
  "GET /repos/:repo/objects/:sha": object,
};

// @ts-expect-error an endpoint without a handler
export const missing: HandlersFor<typeof objectEndpoints> = { "GET /repos/:repo/rev-parse": revParse };

export const invented: HandlersFor<typeof objectEndpoints> = {
  ...complete,
  // @ts-expect-error a handler without an endpoint
  "GET /repos/:repo/objects": object,
};

type RevParse = Handler<"GET /repos/:repo/rev-parse">;

// @ts-expect-error a reply that lacks what the contract promises
export const wrongReply: RevParse = async () => ({ ref: "main" });

// @ts-expect-error a parameter that the path does not have
export const wrongParam: Handler<"GET /repos/:repo/objects/:sha"> = async ({ params }) => params.path;

it("keeps every noun of the contract free of repositories", () => {
  const routes = Object.entries(contract).map(([key, spec]) => ({
    key,
    method: key.split(" ", 1)[0] ?? "",
    spec,
  }));
  const { repoNouns } = createRouteTable(routes);
  expect(repoNouns.size).toBeGreaterThan(8);
  expect([...repoNouns].filter((noun) => !isRepoNoun(noun))).toEqual([]);
});
