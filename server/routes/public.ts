import type { publicEndpoints } from "../../sdk/contract/public.ts";
import type { HandlersFor } from "./router.ts";

/** The handlers that serve repositories with a key: the router hands them public repositories only. */
export type PrivateReads = HandlersFor<{
  readonly "GET /repos": unknown;
  readonly "GET /repos/:repo": unknown;
  readonly "GET /repos/:repo/refs": unknown;
  readonly "GET /repos/:repo/tree/:ref/*path": unknown;
  readonly "GET /repos/:repo/blob/:ref/*path": unknown;
  readonly "GET /repos/:repo/raw/:ref/*path": unknown;
  readonly "GET /repos/:repo/diff": unknown;
  readonly "GET /repos/:repo/commits": unknown;
  readonly "GET /repos/:repo/commits/:sha": unknown;
}>;

/** Reads of public repositories, without a key: the same handlers under another address. */
export function createPublicHandlers(reads: PrivateReads): HandlersFor<typeof publicEndpoints> {
  return {
    "GET /orgs/:org/repos": reads["GET /repos"],
    "GET /orgs/:org/repos/:repo": reads["GET /repos/:repo"],
    "GET /orgs/:org/repos/:repo/refs": reads["GET /repos/:repo/refs"],
    "GET /orgs/:org/repos/:repo/tree/:ref/*path": reads["GET /repos/:repo/tree/:ref/*path"],
    "GET /orgs/:org/repos/:repo/blob/:ref/*path": reads["GET /repos/:repo/blob/:ref/*path"],
    "GET /orgs/:org/repos/:repo/raw/:ref/*path": reads["GET /repos/:repo/raw/:ref/*path"],
    "GET /orgs/:org/repos/:repo/diff": reads["GET /repos/:repo/diff"],
    "GET /orgs/:org/repos/:repo/commits": reads["GET /repos/:repo/commits"],
    "GET /orgs/:org/repos/:repo/commits/:sha": reads["GET /repos/:repo/commits/:sha"],
  };
}
