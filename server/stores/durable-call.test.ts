import { describe, expect, it } from "vitest";
import { createDurableCalls } from "./durable-call.ts";

/** Stubs of which each fails with its error, or answers with its number. */
function connectTo(...errors: (Error | null)[]) {
  let made = 0;
  return createDurableCalls(() => {
    const number = made++;
    const error = errors[number] ?? null;
    return {
      ask: async () => {
        if (error) throw error;
        return number;
      },
    };
  });
}

const lost = () => Object.assign(new Error("Network connection lost."), { retryable: true });
const busy = () =>
  Object.assign(new Error("Durable Object is overloaded."), { overloaded: true, retryable: true });

describe("calls of a Durable Object", () => {
  it("repeat what may run twice, over a new stub, and give up after the third", async () => {
    expect(await connectTo(lost(), lost()).repeat((stub) => stub.ask())).toBe(2);
    await expect(connectTo(lost(), lost(), lost()).repeat((stub) => stub.ask())).rejects.toMatchObject({
      code: "interrupted",
    });
  });

  it("do not repeat what may have been written", async () => {
    const calls = connectTo(lost());
    await expect(calls.once((stub) => stub.ask())).rejects.toMatchObject({ code: "interrupted" });
    expect(await calls.once((stub) => stub.ask())).toBe(1);
  });

  it("leave a busy object alone", async () => {
    for (const way of ["repeat", "once"] as const) {
      await expect(connectTo(busy())[way]((stub) => stub.ask())).rejects.toMatchObject({
        code: "overloaded",
      });
    }
  });

  it("pass on what the object itself threw", async () => {
    await expect(connectTo(new Error("a bug")).repeat((stub) => stub.ask())).rejects.toThrow("a bug");
  });
});
