import { abortAllDurableObjects } from "cloudflare:test";

/** What a write sets off, such as telling its org, is over by then. */
const SETTLED_MS = 1_500;

/**
 * Ends all Durable Objects; the next call of each starts it anew from what it has stored. Not in the midst of what they do
 * by themselves: calls between objects that have both ended come to no end, and the test runner waits for them.
 */
export async function restartObjects(): Promise<void> {
  await scheduler.wait(SETTLED_MS);
  await abortAllDurableObjects();
}
