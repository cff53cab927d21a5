/**
 * Lets examples find packages that only the adapters' tests install (sdk/adapters/node_modules). In your own project
 * they are where npm puts them, and nothing like this is needed.
 *
 *   node --import tsx --import ./examples/consumers.mjs examples/agent-loop.ts
 */
import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

if (isMainThread) register(import.meta.url);

const parentURL = new URL("../sdk/adapters/package.json", import.meta.url).href;

/** Node's resolve hook: what is found nowhere else is looked for there. */
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || /^[./]|^\w+:/.test(specifier)) throw error;
    return await next(specifier, { ...context, parentURL });
  }
}
