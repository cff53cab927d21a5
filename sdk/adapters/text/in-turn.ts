const queues = new WeakMap<object, Promise<unknown>>();

/**
 * Runs a change that reads before it writes after all earlier ones of the same mount. Models call tools in parallel, and
 * of two edits of one file that read the same text the first would be lost.
 */
export async function inTurn<T>(mount: object, work: () => Promise<T>): Promise<T> {
  const earlier = queues.get(mount) ?? Promise.resolve();
  const result = earlier.then(work);
  // What follows waits for the end, however it was; the fault itself goes to the caller.
  queues.set(
    mount,
    result.then(
      () => undefined,
      () => undefined,
    ),
  );
  return await result;
}
