import { beforeAll, describe, expect, it } from "vitest";
import { createMemoryApp, type MemoryApp } from "../testing/memory-app.ts";

let memory: MemoryApp;
let key: string;

beforeAll(async () => {
  memory = createMemoryApp();
  key = (await memory.createOrg("acme")).apiKey;
});

const page = { origin: "https://agent.example" };

describe("calls from a page of another origin", () => {
  it("answers a preflight without a key, with every header that the SDK sends", async () => {
    const response = await memory.request("/v1/repos/any/commits", {
      method: "OPTIONS",
      headers: { ...page, "access-control-request-method": "POST" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-methods")).toContain("PATCH");
    const allowed = (response.headers.get("access-control-allow-headers") ?? "").split(", ");
    expect(allowed).toEqual(
      expect.arrayContaining(["x-api-key", "content-type", "idempotency-key", "range"]),
    );
    expect(response.headers.get("x-request-id")).toBeTruthy();
  });

  it("lets the page read replies and errors, but never with credentials of the browser", async () => {
    for (const headers of [{ ...page, "x-api-key": key }, page]) {
      const response = await memory.request("/v1/repos", { headers });
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("access-control-expose-headers")).toContain("x-request-id");
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  it("says nothing of origins to other programs, and OPTIONS alone is no endpoint", async () => {
    const response = await memory.request("/v1/repos", { headers: { "x-api-key": key } });
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect((await memory.request("/v1/repos", { method: "OPTIONS" })).status).toBe(404);
  });
});
