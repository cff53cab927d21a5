/**
 * A client's side of a fetch: requests of v2 and v0, and the replies up to the pack, which is left to be read as it comes.
 * Source: gitprotocol-v2(5) "fetch", gitprotocol-pack(5) "Packfile Negotiation".
 */
import { concatBytes } from "../bytes/bytes.ts";
import { GitError } from "../errors.ts";
import { isOid, type Oid } from "../hash/oid.ts";
import { AGENT, type Capabilities } from "./capabilities.ts";
import { encodePkt, FLUSH_PKT } from "./pkt-line.ts";
import type { PktReader } from "./pkt-reader.ts";
import { encodeCommand, printable, readText } from "./remote-refs.ts";
import { readBands } from "./remote-sideband.ts";

export interface FetchRound {
  readonly wants: readonly Oid[];
  readonly haves: readonly Oid[];
  /** No further round: send the pack. */
  readonly done: boolean;
}

export type FetchReply =
  /** Of the haves, those that the server has too. */
  | { readonly kind: "acknowledged"; readonly common: readonly Oid[] }
  | { readonly kind: "pack"; readonly bytes: AsyncIterable<Uint8Array> };

export function encodeV2Fetch({ wants, haves, done }: FetchRound): Uint8Array {
  return encodeCommand("fetch", [
    "thin-pack\n",
    "ofs-delta\n",
    "no-progress\n",
    ...wants.map((oid) => `want ${oid}\n`),
    ...haves.map((oid) => `have ${oid}\n`),
    ...(done ? ["done\n"] : []),
  ]);
}

/** @throws GitError protocol; reading the pack throws protocol too when the server breaks off */
export async function readV2Fetch(reader: PktReader): Promise<FetchReply> {
  const common: Oid[] = [];
  for (;;) {
    const section = readText(await reader.read());
    if (section === "packfile") return { kind: "pack", bytes: readBands(reader) };
    if (!/^(acknowledgments|shallow-info|wanted-refs)$/.test(section)) {
      throw new GitError("protocol", `the remote sent an unknown section '${printable(section)}'`);
    }
    if (await readSection(reader, section, common)) return { kind: "acknowledged", common };
  }
}

/** Lines up to a delimiter (false) or the end of the reply (true). */
async function readSection(reader: PktReader, section: string, common: Oid[]): Promise<boolean> {
  for (;;) {
    const pkt = await reader.read();
    if (pkt?.kind === "delim") return false;
    if (pkt?.kind === "flush") return true;
    const line = readText(pkt);
    if (section !== "acknowledgments") continue;
    const oid = line.startsWith("ACK ") ? line.slice(4) : null;
    if (oid !== null && isOid(oid)) common.push(oid);
    else if (line !== "NAK" && line !== "ready") {
      throw new GitError("protocol", `expected ACK or NAK, got '${printable(line)}'`);
    }
  }
}

/** One request that asks for everything and ends the negotiation: v0 without multi_ack. */
export function encodeV0Fetch({ wants, haves }: FetchRound, offered: Capabilities): Uint8Array {
  const wished = ["side-band-64k", "thin-pack", "ofs-delta", "no-progress"].filter((name) =>
    offered.has(name),
  );
  const capabilities = [...wished, ...(offered.has("agent") ? [`agent=${AGENT}`] : [])].join(" ");
  return concatBytes([
    ...wants.map((oid, n) => encodePkt(n === 0 ? `want ${oid} ${capabilities}\n` : `want ${oid}\n`)),
    FLUSH_PKT,
    ...haves.map((oid) => encodePkt(`have ${oid}\n`)),
    encodePkt("done\n"),
  ]);
}

/** @throws GitError protocol */
export async function readV0Fetch(
  reader: PktReader,
  offered: Capabilities,
): Promise<AsyncIterable<Uint8Array>> {
  const line = readText(await reader.read());
  if (line !== "NAK" && !line.startsWith("ACK ")) {
    throw new GitError("protocol", `expected ACK or NAK, got '${printable(line)}'`);
  }
  return offered.has("side-band-64k") ? readBands(reader) : reader.rest();
}
