/** A generator whose code is loaded with its first step; `return` reaches it also while a step waits. */
export function deferStream<T>(
  load: () => Promise<AsyncGenerator<T, void, undefined>>,
): AsyncGenerator<T, void, undefined> {
  let loaded: Promise<AsyncGenerator<T, void, undefined>> | null = null;
  const open = () => {
    loaded ??= load();
    return loaded;
  };
  return {
    next: async () => await (await open()).next(),
    return: async (value) =>
      loaded === null ? { done: true, value: await value } : await (await loaded).return(value),
    throw: async (error) => await (await open()).throw(error),
    [Symbol.asyncIterator]() {
      return this;
    },
    // The type asks for it where the platform has it; `for await` does not.
  } as AsyncGenerator<T, void, undefined>;
}
