/**
 * Upload-pack requests of protocol v0 and v1 over stateless HTTP: wants with capabilities, shallow and deepen lines,
 * a flush, then `have` lines with flushes between them, or `done`. Source: gitprotocol-pack(5), gitprotocol-http(5).
 */
import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { type Capabilities, parseCapabilities } from "./capabilities.ts";
import { type ObjectFilter, parseObjectFilter } from "./object-filter.ts";
import { formatPktText, type Pkt } from "./pkt-line.ts";
import { SIDEBAND_64K_BYTES, SIDEBAND_SMALL_BYTES } from "./sideband.ts";
import {
  type DeepenArguments,
  parseWireCount,
  parseWireOid,
  resolveDeepen,
  type UploadRequest,
} from "./upload-request.ts";
import { findArgument, parseWireRefName } from "./v2-request.ts";

export type NegotiationEvent =
  | { readonly kind: "have"; readonly oid: Oid }
  | { readonly kind: "flush" }
  | { readonly kind: "done" };

export type MultiAck = "none" | "plain" | "detailed";

export interface V0UploadRequest extends UploadRequest {
  readonly multiAck: MultiAck;
  /** A pack may follow `ready` without waiting for `done`. */
  readonly noDone: boolean;
  /** Longest side-band line, or null: the pack is sent bare. */
  readonly sidebandBytes: number | null;
  /** What came after the wants, up to the first flush or `done`. Empty: the client only wants the shallow lines yet. */
  readonly events: readonly NegotiationEvent[];
}

/** Capabilities of upload-pack that the v0 decoder and the service honour; `symref=` and `agent=` are added. */
export const V0_UPLOAD_CAPABILITIES: readonly string[] = [
  "multi_ack",
  "multi_ack_detailed",
  "no-done",
  "thin-pack",
  "side-band",
  "side-band-64k",
  "ofs-delta",
  "shallow",
  "deepen-since",
  "deepen-not",
  "deepen-relative",
  "no-progress",
  "include-tag",
  "allow-tip-sha1-in-want",
  "allow-reachable-sha1-in-want",
  "filter",
  "object-format=sha1",
];

interface Needs {
  readonly wants: Set<Oid>;
  readonly shallow: Set<Oid>;
  readonly deepen: DeepenArguments;
  filter: ObjectFilter | null;
  capabilities: Capabilities;
}

/** Decodes the lines of one request; null when it wants nothing (a probe). @throws GitError protocol */
export function decodeV0UploadRequest(pkts: readonly Pkt[]): V0UploadRequest | null {
  const end = pkts.findIndex((pkt) => pkt.kind !== "data");
  if (end < 0) {
    if (pkts.length === 0) return null;
    throw new GitError("protocol", "request is cut off");
  }
  const needs = parseNeeds(pkts.slice(0, end));
  if (needs.wants.size === 0) return null;
  const events = parseEvents(pkts.slice(end));
  const { capabilities } = needs;
  return {
    wants: [...needs.wants],
    haves: [...new Set(events.flatMap((event) => (event.kind === "have" ? [event.oid] : [])))],
    done: events.at(-1)?.kind === "done",
    shallow: [...needs.shallow],
    deepen: resolveDeepen({ ...needs.deepen, relative: capabilities.has("deepen-relative") }),
    filter: needs.filter,
    thinPack: capabilities.has("thin-pack"),
    ofsDelta: capabilities.has("ofs-delta"),
    includeTag: capabilities.has("include-tag"),
    noProgress: capabilities.has("no-progress"),
    multiAck: findMultiAck(capabilities),
    noDone: capabilities.has("no-done"),
    sidebandBytes: findSidebandBytes(capabilities),
    events,
  };
}

function parseNeeds(pkts: readonly Pkt[]): Needs {
  const needs: Needs = {
    wants: new Set(),
    shallow: new Set(),
    deepen: { depth: null, relative: false, sinceSeconds: null, notRefs: [] },
    filter: null,
    capabilities: new Map(),
  };
  for (const pkt of pkts) if (pkt.kind === "data") parseNeed(needs, formatPktText(pkt.payload));
  return needs;
}

function parseNeed(needs: Needs, line: ByteString): void {
  const want = findArgument(line, "want ");
  if (want !== null) {
    // Only the first want carries capabilities; git ignores them on later ones.
    if (needs.wants.size === 0) needs.capabilities = parseCapabilities(want.slice(40) as ByteString);
    else if (want.length > 40) throw new GitError("protocol", `bad object id in '${line.slice(0, 80)}'`);
    needs.wants.add(parseWireOid(want.slice(0, 40), line));
    return;
  }
  const [name = "", value = ""] = splitOnce(line);
  if (name === "shallow") needs.shallow.add(parseWireOid(value, line));
  else if (name === "deepen") needs.deepen.depth = value === "0" ? null : parseWireCount(value, line);
  else if (name === "deepen-since") needs.deepen.sinceSeconds = parseWireCount(value, line);
  else if (name === "deepen-not") needs.deepen.notRefs.push(parseWireRefName(value as ByteString));
  else if (name === "filter") needs.filter = parseObjectFilter(value);
  else throw new GitError("protocol", `expected a want, got '${line.slice(0, 80)}'`);
}

/**
 * `pkts` starts with the flush that ends the wants. A stateless request is answered at its first flush or `done`, so
 * nothing behind that is read, as in git.
 */
function parseEvents(pkts: readonly Pkt[]): NegotiationEvent[] {
  if (pkts[0]?.kind !== "flush") throw new GitError("protocol", "wants must end with a flush");
  const events: NegotiationEvent[] = [];
  for (const pkt of pkts.slice(1)) {
    if (pkt.kind === "flush") return [...events, { kind: "flush" }];
    if (pkt.kind !== "data") throw new GitError("protocol", `unexpected ${pkt.kind} packet`);
    const line = formatPktText(pkt.payload);
    if (line === "done") return [...events, { kind: "done" }];
    const have = findArgument(line, "have ");
    if (have === null) throw new GitError("protocol", `expected a have, got '${line.slice(0, 80)}'`);
    events.push({ kind: "have", oid: parseWireOid(have, line) });
  }
  if (events.length > 0) throw new GitError("protocol", "request is cut off");
  return events;
}

function splitOnce(line: string): [string, string] {
  const space = line.indexOf(" ");
  return space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
}

function findMultiAck(capabilities: Capabilities): MultiAck {
  if (capabilities.has("multi_ack_detailed")) return "detailed";
  return capabilities.has("multi_ack") ? "plain" : "none";
}

function findSidebandBytes(capabilities: Capabilities): number | null {
  if (capabilities.has("side-band-64k")) return SIDEBAND_64K_BYTES;
  return capabilities.has("side-band") ? SIDEBAND_SMALL_BYTES : null;
}
