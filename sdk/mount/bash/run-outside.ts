/** Runs a call outside the async context in which it is made. */
export type RunOutside = <T>(call: () => Promise<T>) => Promise<T>;

interface AsyncHooks {
  readonly AsyncLocalStorage: { snapshot(): <T>(call: () => T) => T };
}

const HOOKS = "node:async_hooks";

/**
 * A way out of the context of a running script. just-bash guards that context on Node: timers, and with them `fetch`,
 * throw in it, also for the code of a filesystem. A snapshot taken now, before any script runs, leads out. Where there
 * are no such contexts (browsers) there is no such guard either, and calls are made as they are.
 */
export function findRunOutside(): RunOutside {
  const hooks = findHooks();
  if (hooks === null) return (call) => call();
  if (!(hooks instanceof Promise)) {
    const run = hooks.AsyncLocalStorage.snapshot();
    return (call) => run(call);
  }
  // The continuation keeps the context that this function was called in.
  const snapshot = hooks.then(({ AsyncLocalStorage }) => AsyncLocalStorage.snapshot());
  return async (call) => await (await snapshot)(call);
}

function findHooks(): AsyncHooks | Promise<AsyncHooks> | null {
  const host: unknown = Reflect.get(globalThis, "process");
  if (typeof host !== "object" || host === null) return null;
  const find: unknown = Reflect.get(host, "getBuiltinModule");
  // Node's own module under its own name has this shape wherever it is found.
  if (typeof find === "function") return (find.call(host, HOOKS) as AsyncHooks | undefined) ?? null;
  const versions: unknown = Reflect.get(host, "versions");
  const isNode = typeof versions === "object" && versions !== null && Reflect.has(versions, "node");
  return isNode ? (import(/* @vite-ignore */ HOOKS) as Promise<AsyncHooks>) : null;
}
