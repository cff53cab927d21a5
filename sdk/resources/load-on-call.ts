/** Methods that all give promises: what can be called before its code is there. */
type Asynchronous<T> = { readonly [K in keyof T]: (...args: never[]) => Promise<unknown> };

/**
 * A resource whose code is loaded by its first call. For those that run an org rather than read and write files: an
 * agent in a Worker or on a page need not carry them. A load that fails is tried again by the next call.
 */
export function loadOnCall<T extends Asynchronous<T>>(load: () => Promise<T>): T {
  let loading: Promise<T> | null = null;
  const open = () => {
    loading ??= load().catch((error: unknown) => {
      loading = null;
      throw error;
    });
    return loading;
  };
  return new Proxy({} as T, {
    get(_, name) {
      // Whoever awaits the resource itself must not take it for a promise.
      if (typeof name === "symbol" || name === "then") return undefined;
      return async (...args: never[]) => {
        const resource = await open();
        return await resource[name as keyof T](...args);
      };
    },
  });
}
