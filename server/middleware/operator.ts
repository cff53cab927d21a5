import { HEADERS } from "../../sdk/contract/limits.ts";
import { equalHashes, hashSecret } from "../services/org-keys.ts";
import { notFound, RequestError } from "./request-error.ts";

/**
 * Lets the operator through. Without a configured key the routes do not exist.
 * @throws RequestError NOT_FOUND, UNAUTHORIZED
 */
export function checkOperator(headers: Headers, adminKeyHash: string | null): void {
  if (adminKeyHash === null) throw notFound("Route");
  const key = headers.get(HEADERS.adminKey);
  // Hashes have one length, so the comparison tells nothing about the key's.
  if (key === null || !equalHashes(hashSecret(key), adminKeyHash)) {
    throw new RequestError("UNAUTHORIZED", `A valid ${HEADERS.adminKey} header is required`);
  }
}
