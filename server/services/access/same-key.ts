import type { NewPublicKey } from "../../ports/access.ts";

/** Whether registering a key says nothing new: a call that is repeated after a lost answer gets the first result. */
export function isSameKey(known: NewPublicKey, key: NewPublicKey): boolean {
  return fingerprint(known) === fingerprint(key);
}

function fingerprint({ kid, name, alg, jwk, ceiling, maxSeconds }: NewPublicKey): string {
  return JSON.stringify([kid, name, alg, jwk.x, jwk.y ?? null, ceiling, maxSeconds]);
}
