import { describe, expect, test } from "vitest";
import { parseArguments } from "./mcp/cli-arguments.ts";

describe("the arguments of coregit-mcp", () => {
  test("name repositories and how to serve them", () => {
    expect(
      parseArguments(["app", "team/lib", "--read-only", "--branch", "dev", "--allow", "/app/src"]),
    ).toEqual({
      repos: [
        { slug: "app", namespace: null },
        { slug: "lib", namespace: "team" },
      ],
      branch: "dev",
      readOnly: true,
      allowedDirectories: ["/app/src"],
      commitMode: "auto",
    });
    expect(parseArguments(["app", "--commit-mode", "manual"])).toMatchObject({
      readOnly: false,
      allowedDirectories: ["/"],
      commitMode: "manual",
    });
    expect(parseArguments(["--help"])).toBeNull();
  });

  test.each([
    [[], "at least one repository"],
    [["--branch"], "--branch needs a value"],
    [["a/b/c"], "not a repository: a/b/c"],
    [["/a"], "not a repository: /a"],
    [["app", "--commit-mode", "never"], "not a commit mode: never"],
    [["app", "--read-write"], "unknown option --read-write"],
  ])("%j is refused: %s", (args, message) => {
    expect(() => parseArguments(args)).toThrow(message);
  });
});
