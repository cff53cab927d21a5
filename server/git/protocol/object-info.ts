/** The `object-info` command: sizes of objects without their contents. Source: gitprotocol-v2(5), "object-info". */
import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { encodePktMessage } from "./pkt-line.ts";
import { parseWireOid } from "./upload-request.ts";
import { findArgument } from "./v2-request.ts";

export interface ObjectInfoRequest {
  readonly size: boolean;
  readonly oids: readonly Oid[];
}

/** @throws GitError protocol */
export function parseObjectInfoRequest(args: readonly ByteString[]): ObjectInfoRequest {
  const oids: Oid[] = [];
  let size = false;
  for (const line of args) {
    const oid = findArgument(line, "oid ");
    if (oid !== null) oids.push(parseWireOid(oid, line));
    else if (line === "size") size = true;
    else throw new GitError("protocol", `object-info: unexpected line: '${line.slice(0, 80)}'`);
  }
  return { size, oids };
}

/** `sizes` has null for objects that are not there; git answers those with an empty size. */
export function encodeObjectInfo(
  request: ObjectInfoRequest,
  sizes: ReadonlyMap<Oid, number | null>,
): Uint8Array {
  const lines = request.size ? ["size"] : [];
  for (const oid of request.oids) lines.push(request.size ? `${oid} ${sizes.get(oid) ?? ""}` : oid);
  return encodePktMessage(lines);
}
