/**
 * Reference discovery of protocol v0 and v1: `oid SP name NUL capabilities`, then `oid SP name` lines, annotated
 * tags followed by `oid SP name^{}`. Source: gitprotocol-http(5), gitprotocol-pack(5).
 */
import { concatBytes } from "../bytes/bytes.ts";
import { type Oid, ZERO_OID } from "../hash/oid.ts";
import { encodePkt, FLUSH_PKT } from "./pkt-line.ts";

export type GitService = "git-upload-pack" | "git-receive-pack";

export interface AdvertisedRef {
  readonly name: string;
  readonly oid: Oid;
  /** The object behind an annotated tag. */
  readonly peeled?: Oid;
}

/** The lines of http discovery before the refs: the service, a flush, and `version 1` when the client asked for it. */
export function encodeServicePreamble(service: GitService, version: 0 | 1): Uint8Array {
  const parts = [encodePkt(`# service=${service}\n`), FLUSH_PKT];
  if (version === 1) parts.push(encodePkt("version 1\n"));
  return concatBytes(parts);
}

/** Writes ref lines, the capabilities on the first; the caller feeds refs in the order to advertise. */
export interface RefAdvertisementEncoder {
  encodeRefs(refs: Iterable<AdvertisedRef>): Uint8Array;
  /** The flush; before it the capability line of a repository without refs. */
  finish(): Uint8Array;
}

/** @param peel receive-pack does not advertise peeled tags, upload-pack does */
export function createRefAdvertisementEncoder(
  capabilities: readonly string[],
  peel: boolean,
): RefAdvertisementEncoder {
  let pending: string | null = `\0${capabilities.join(" ")}`;
  const encodeLine = (oid: Oid, name: string): Uint8Array => {
    const line = encodePkt(`${oid} ${name}${pending ?? ""}\n`);
    pending = null;
    return line;
  };
  return {
    encodeRefs(refs) {
      const lines: Uint8Array[] = [];
      for (const ref of refs) {
        lines.push(encodeLine(ref.oid, ref.name));
        if (peel && ref.peeled) lines.push(encodeLine(ref.peeled, `${ref.name}^{}`));
      }
      return concatBytes(lines);
    },
    finish() {
      return pending === null ? FLUSH_PKT : concatBytes([encodeLine(ZERO_OID, "capabilities^{}"), FLUSH_PKT]);
    },
  };
}
