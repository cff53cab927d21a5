/** The `ls-refs` command. Source: gitprotocol-v2(5), "ls-refs". */
import { concatBytes } from "../bytes/bytes.ts";
import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { encodePkt } from "./pkt-line.ts";
import type { AdvertisedRef } from "./ref-advertisement.ts";
import { findArgument, parseWireRefName } from "./v2-request.ts";

export interface LsRefsRequest {
  readonly peel: boolean;
  readonly symrefs: boolean;
  readonly unborn: boolean;
  /** Only refs whose name starts with one of these; empty = all. */
  readonly prefixes: readonly string[];
}

/** A ref line, or HEAD that points at a branch which does not exist yet. */
export type LsRefsEntry =
  | (AdvertisedRef & { readonly kind: "ref"; readonly symrefTarget?: string })
  | { readonly kind: "unborn"; readonly name: string; readonly symrefTarget: string };

/** Like git (TOO_MANY_PREFIXES): with more of them the client gets every ref and picks by itself. */
const MAX_PREFIXES = 65_536;

/** @throws GitError protocol */
export function parseLsRefsRequest(args: readonly ByteString[]): LsRefsRequest {
  const prefixes: string[] = [];
  let peel = false;
  let symrefs = false;
  let unborn = false;
  for (const line of args) {
    const prefix = findArgument(line, "ref-prefix ");
    if (prefix !== null) prefixes.push(parseWireRefName(prefix));
    else if (line === "peel") peel = true;
    else if (line === "symrefs") symrefs = true;
    else if (line === "unborn") unborn = true;
    else throw new GitError("protocol", `unexpected line: '${line.slice(0, 80)}'`);
  }
  return { peel, symrefs, unborn, prefixes: prefixes.length > MAX_PREFIXES ? [] : prefixes };
}

/** Lines of the reply, without the flush at its end. */
export function encodeLsRefsEntries(request: LsRefsRequest, entries: Iterable<LsRefsEntry>): Uint8Array {
  const lines: Uint8Array[] = [];
  for (const entry of entries) {
    const target =
      request.symrefs && entry.symrefTarget !== undefined ? ` symref-target:${entry.symrefTarget}` : "";
    if (entry.kind === "unborn") {
      if (request.unborn) lines.push(encodePkt(`unborn ${entry.name}${target}\n`));
      continue;
    }
    const peeled = request.peel && entry.peeled ? ` peeled:${entry.peeled}` : "";
    lines.push(encodePkt(`${entry.oid} ${entry.name}${target}${peeled}\n`));
  }
  return concatBytes(lines);
}
