import { describe, expect, test } from "vitest";
import { parseGitPath } from "./git-path.ts";

const parse = (path: string, method = "GET") => parseGitPath(new Request(`http://h${path}`, { method }));

describe("addresses of the git protocol", () => {
  for (const [path, org, namespace, slug] of [
    ["/acme/demo.git", "acme", null, "demo"],
    ["/acme/team/demo.git", "acme", "team", "demo"],
    ["/git/acme/demo.git", "acme", null, "demo"],
    ["/git/acme/team/demo.git", "acme", "team", "demo"],
    ["/git/demo.git", "git", null, "demo"],
    ["/git/git/team/demo.git", "git", "team", "demo"],
  ] as const) {
    test(path, () => {
      expect(parse(`${path}/info/refs?service=git-upload-pack`)).toEqual({
        org,
        repo: { namespace, slug },
        service: "git-upload-pack",
        step: "advertise",
      });
      expect(parse(`${path}/git-receive-pack`, "POST")).toMatchObject({
        service: "git-receive-pack",
        step: "call",
      });
    });
  }

  for (const path of [
    "/",
    "/acme/demo/info/refs?service=git-upload-pack",
    "/demo.git/info/refs?service=git-upload-pack",
    "/a/b/c/demo.git/info/refs?service=git-upload-pack",
    "/acme/demo.git/HEAD",
    "/acme/demo.git/objects/info/packs",
    "/acme/.git/info/refs?service=git-upload-pack",
    "/acme/de%6Do.git/info/refs?service=git-upload-pack",
    "/acme/Demo.git/info/refs?service=git-upload-pack",
    "/acme//demo.git/info/refs?service=git-upload-pack",
    `/acme/${"x".repeat(101)}.git/info/refs?service=git-upload-pack`,
  ]) {
    test(`not ours: ${path.slice(0, 60)}`, () => expect(parse(path)).toBeNull());
  }

  test("the old protocol and unknown services are refused", () => {
    expect(parse("/acme/demo.git/info/refs")).toMatchObject({ status: 403 });
    expect(parse("/acme/demo.git/info/refs?service=git-upload-archive")).toMatchObject({ status: 403 });
    expect(parse("/acme/demo.git/info/refs?service=constructor")).toMatchObject({ status: 403 });
  });

  test("methods", () => {
    expect(parse("/acme/demo.git/git-upload-pack")).toMatchObject({ status: 405 });
    expect(parse("/acme/demo.git/info/refs?service=git-upload-pack", "POST")).toMatchObject({ status: 405 });
  });
});
