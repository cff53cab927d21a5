/** Runs tasks one after the other, in the order they came; a failed task does not hold up the next. */
export interface Mutex {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(task) {
      const result = last.then(task, task);
      last = result;
      return result;
    },
  };
}
