import { describe, expect, it } from "vitest";
import { formatAuthorization, resolveConnected, resolvePublic } from "./remote-address.ts";

const decode = (header: string) => Buffer.from(header.replace("Basic ", ""), "base64").toString();

describe("the URL of a remote", () => {
  it.each([
    ["github", "https://github.com", "o/r", "https://github.com/o/r.git"],
    ["github", "https://github.com", "https://github.com/o/r", "https://github.com/o/r.git"],
    ["github", "https://ghe.example.org", "o/r.git", "https://ghe.example.org/o/r.git"],
    ["gitlab", "https://gitlab.com", "group/sub/project", "https://gitlab.com/group/sub/project.git"],
    ["git", "https://git.example.org/scm", "x.git", "https://git.example.org/scm/x.git"],
    ["git", "https://git.example.org", "~user/x/", "https://git.example.org/~user/x"],
  ] as const)("of %s at %s for %s is %s", (provider, baseUrl, remote, url) => {
    expect(resolveConnected({ provider, baseUrl }, remote)).toBe(url);
  });

  it.each([
    ["github", "r"],
    ["github", "a/b/c"],
    ["github", "https://evil.example.org/o/r"],
    ["github", "https://github.com.evil.example.org/o/r"],
    ["gitlab", "project"],
    ["git", "../x"],
    ["git", "a/./b"],
    ["git", "a//b"],
    ["git", ""],
    ["git", "a/b?c"],
    ["git", "a/b#c"],
    ["git", "a@b/c\n"],
    ["git", "%2e%2e/x"],
  ] as const)("of %s is never %j", (provider, remote) => {
    expect(() => resolveConnected({ provider, baseUrl: "https://github.com" }, remote)).toThrow();
  });

  it("without a connection is the whole URL, and tells whose it is", () => {
    expect(resolvePublic("https://github.com/o/r/")).toEqual({
      url: "https://github.com/o/r",
      provider: "github",
    });
    expect(resolvePublic("https://gitlab.com/g/p.git")).toEqual({
      url: "https://gitlab.com/g/p.git",
      provider: "gitlab",
    });
    expect(resolvePublic("https://example.org/a%20b")).toEqual({
      url: "https://example.org/a%20b",
      provider: "git",
    });
    for (const bad of ["o/r", "https://example.org", "https://example.org/x?y", "https://example.org/x#y"]) {
      expect(() => resolvePublic(bad)).toThrow();
    }
  });
});

describe("a credential", () => {
  it("is sent with the user name that each provider wants, or the one that was given", () => {
    const header = (provider: "github" | "gitlab" | "git", username: string | null) =>
      decode(formatAuthorization({ provider, username }, "secret:é"));
    expect(header("github", null)).toBe("x-access-token:secret:é");
    expect(header("gitlab", null)).toBe("oauth2:secret:é");
    expect(header("git", null)).toBe("git:secret:é");
    expect(header("git", "ada")).toBe("ada:secret:é");
  });
});
