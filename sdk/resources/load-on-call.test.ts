import { expect, test } from "vitest";
import { loadOnCall } from "./load-on-call.ts";

class Greetings {
  readonly #word: string;
  constructor(word: string) {
    this.#word = word;
  }
  async greet(name: string): Promise<string> {
    return `${this.#word} ${name}`;
  }
}

test("code is loaded by the first call, once", async () => {
  let loads = 0;
  const greetings = loadOnCall<Greetings>(async () => {
    loads++;
    return new Greetings("hello");
  });
  expect(loads).toBe(0);
  expect(await Promise.all([greetings.greet("a"), greetings.greet("b")])).toEqual(["hello a", "hello b"]);
  expect(loads).toBe(1);
});

test("a load that failed is tried again", async () => {
  let loads = 0;
  const greetings = loadOnCall<Greetings>(async () => {
    if (++loads === 1) throw new Error("offline");
    return new Greetings("hello");
  });
  await expect(greetings.greet("a")).rejects.toThrow("offline");
  expect(await greetings.greet("a")).toBe("hello a");
});

test("the resource is no promise", async () => {
  const greetings = loadOnCall<Greetings>(async () => new Greetings("hello"));
  expect(await greetings).toBe(greetings);
});
