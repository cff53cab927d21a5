import { describe, expect, it } from "vitest";
import { GitError } from "../git/errors.ts";
import { errorReply } from "./error-reply.ts";

const reply = (error: unknown) => errorReply(error, "request-1", () => undefined);

describe("an error reply", () => {
  it("to a write that finds no room says when to come back", async () => {
    const full = reply(new GitError("overloaded", "full", { retryAfterSec: 7 }));
    expect([full.status, full.headers.get("retry-after")]).toEqual([507, "7"]);
    expect(await full.json()).toEqual({ error: "full", code: "BACKPRESSURE", retry_after: 7 });
    expect(reply(new GitError("overloaded", "busy")).headers.get("retry-after")).toBe("1");
  });

  it("to a call whose answer was lost is a TIMEOUT", async () => {
    const lost = reply(new GitError("interrupted", "the connection was lost"));
    expect(lost.status).toBe(504);
    expect(await lost.json()).toMatchObject({ code: "TIMEOUT" });
  });
});
