/** A bad argument in node's shape: a TypeError with the code ERR_INVALID_ARG_TYPE. */
export function argumentError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_TYPE" });
}
