import { describe, expect, test } from "vitest";
import { formatAddress, formatQuery, parseBaseUrl, repoPath } from "./address.ts";

describe("a repository", () => {
  test("is a slug, namespace/slug, or both parts", () => {
    expect(repoPath("app")).toBe("app");
    expect(repoPath("team/app")).toBe("team/app");
    expect(repoPath({ slug: "app" })).toBe("app");
    expect(repoPath({ namespace: null, slug: "app" })).toBe("app");
    expect(repoPath({ namespace: "team", slug: "app" })).toBe("team/app");
  });

  test("cannot smuggle further segments", () => {
    expect(() => repoPath("a/b/c")).toThrow(TypeError);
    expect(() => repoPath("")).toThrow(TypeError);
    expect(repoPath({ namespace: "a/b", slug: "c?d" })).toBe("a%2Fb/c%3Fd");
  });
});

describe("a path", () => {
  test("is filled segment by segment", () => {
    const params = { repo: "app", ref: "main", path: "a b/ü.ts" };
    expect(formatAddress("GET /repos/:repo/tree/:ref/*path", params)).toEqual({
      method: "GET",
      path: "/repos/app/tree/main/a%20b/%C3%BC.ts",
    });
  });

  test("of the root ends at the ref", () => {
    const { path } = formatAddress("GET /repos/:repo/tree/:ref/*path", {
      repo: "app",
      ref: "main",
      path: "",
    });
    expect(path).toBe("/repos/app/tree/main");
  });

  test("refuses dots, which would be taken out of the URL", () => {
    const fill = (path: string) => () =>
      formatAddress("GET /repos/:repo/raw/:ref/*path", { repo: "app", ref: "main", path });
    expect(fill("../../other")).toThrow(TypeError);
    expect(fill("a/./b")).toThrow(TypeError);
    expect(fill("..a/.b")).not.toThrow();
  });
});

describe("a base address", () => {
  test("is taken with and without /v1 and slashes", () => {
    for (const text of ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"]) {
      expect(parseBaseUrl(text)).toBe("http://h:1/v1");
    }
    expect(parseBaseUrl("https://h/git/api/v1")).toBe("https://h/git/api/v1");
  });

  test("is HTTP", () => {
    expect(() => parseBaseUrl("file:///etc")).toThrow(TypeError);
  });
});

test("a query leaves out what is undefined", () => {
  expect(formatQuery({ a: 1, b: undefined, c: "x y", d: false })).toBe("?a=1&c=x+y&d=false");
  expect(formatQuery({ b: undefined })).toBe("");
  expect(formatQuery(undefined)).toBe("");
});
