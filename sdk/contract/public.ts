import { commitEndpoints } from "./commits.ts";
import { defineEndpoints } from "./endpoint.ts";
import { fileEndpoints } from "./files.ts";
import { mergeEndpoints } from "./merges.ts";
import { refEndpoints } from "./refs.ts";
import { repoEndpoints } from "./repos.ts";

/** The reads of a public repository, without a key. */
export const publicEndpoints = defineEndpoints({
  "GET /orgs/:org/repos": {
    ...repoEndpoints["GET /repos"],
    access: "public",
    summary: "Public repositories of an org",
  },
  "GET /orgs/:org/repos/:repo": { ...repoEndpoints["GET /repos/:repo"], access: "public" },
  "GET /orgs/:org/repos/:repo/refs": { ...refEndpoints["GET /repos/:repo/refs"], access: "public" },
  "GET /orgs/:org/repos/:repo/tree/:ref/*path": {
    ...fileEndpoints["GET /repos/:repo/tree/:ref/*path"],
    access: "public",
  },
  "GET /orgs/:org/repos/:repo/blob/:ref/*path": {
    ...fileEndpoints["GET /repos/:repo/blob/:ref/*path"],
    access: "public",
  },
  "GET /orgs/:org/repos/:repo/raw/:ref/*path": {
    ...fileEndpoints["GET /repos/:repo/raw/:ref/*path"],
    access: "public",
  },
  "GET /orgs/:org/repos/:repo/diff": { ...mergeEndpoints["GET /repos/:repo/diff"], access: "public" },
  "GET /orgs/:org/repos/:repo/commits": { ...commitEndpoints["GET /repos/:repo/commits"], access: "public" },
  "GET /orgs/:org/repos/:repo/commits/:sha": {
    ...commitEndpoints["GET /repos/:repo/commits/:sha"],
    access: "public",
  },
});
