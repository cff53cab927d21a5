/**
 * A client's side of a push: the commands before the pack, and the report. Source: gitprotocol-pack(5), "Pushing Data To
 * a Server" and "Report Status".
 */
import { concatBytes } from "../bytes/bytes.ts";
import { GitError } from "../errors.ts";
import { type Oid, ZERO_OID } from "../hash/oid.ts";
import { AGENT, type Capabilities } from "./capabilities.ts";
import { decodePkts, encodePkt, FLUSH_PKT, formatPktText, type Pkt } from "./pkt-line.ts";
import type { PktReader } from "./pkt-reader.ts";
import { printable, readText } from "./remote-refs.ts";
import { readBands } from "./remote-sideband.ts";

export interface RemoteMove {
  readonly name: string;
  /** What the ref must be now; null: it must not exist. */
  readonly previous: Oid | null;
  /** null: delete. */
  readonly next: Oid | null;
}

export interface RemoteReport {
  /** null: the pack was taken in. */
  readonly unpackError: string | null;
  /** Why a ref was not moved; null: it was. Refs that the server says nothing of are not in it. */
  readonly results: ReadonlyMap<string, string | null>;
}

/** What the two sides use of what the server offers. */
export interface PushTerms {
  readonly sideband: boolean;
  readonly atomic: boolean;
}

/** A report of as many refs as a push may have. */
const MAX_REPORT_BYTES = 32 * 1024 * 1024;

/** @throws GitError protocol when the server gives no report: nobody would know what became of the push */
export function choosePushTerms(offered: Capabilities, atomic: boolean): PushTerms {
  if (!offered.has("report-status")) throw new GitError("protocol", "the remote does not report on pushes");
  if (atomic && !offered.has("atomic")) throw new GitError("protocol", "the remote cannot push atomically");
  return { sideband: offered.has("side-band-64k"), atomic };
}

/** Everything before the pack. @throws GitError limit-exceeded for a name that fits into no line */
export function encodePushCommands(moves: readonly RemoteMove[], terms: PushTerms): Uint8Array {
  const words = [
    "report-status",
    ...(terms.sideband ? ["side-band-64k"] : []),
    ...(terms.atomic ? ["atomic"] : []),
  ];
  const capabilities = [...words, "ofs-delta", "object-format=sha1", `agent=${AGENT}`].join(" ");
  const lines = moves.map(({ name, previous, next }, n) =>
    encodePkt(`${previous ?? ZERO_OID} ${next ?? ZERO_OID} ${name}${n === 0 ? `\0 ${capabilities}` : ""}\n`),
  );
  return concatBytes([...lines, FLUSH_PKT]);
}

/** @throws GitError protocol when the report is malformed or missing, limit-exceeded */
export async function readPushReport(reader: PktReader, terms: PushTerms): Promise<RemoteReport> {
  const pkts = terms.sideband ? await readBandedReport(reader) : await readBareReport(reader);
  const [first, ...rest] = pkts.filter((pkt) => pkt.kind === "data").map((pkt) => formatPktText(pkt.payload));
  const unpack = /^unpack (.*)$/s.exec(first ?? "")?.[1];
  if (unpack === undefined) throw new GitError("protocol", "the remote sent no report of the push");
  const results = new Map<string, string | null>();
  for (const line of rest) {
    const [, verdict, name = "", reason] = /^(ok|ng) (\S+)(?: (.*))?$/s.exec(line) ?? [];
    if (verdict === undefined) continue; // `option` lines of a version that was not asked for
    const text = Buffer.from(name, "latin1").toString("utf8");
    results.set(text, verdict === "ok" ? null : printable(reason ?? "refused"));
  }
  return { unpackError: unpack === "ok" ? null : printable(unpack), results };
}

async function readBandedReport(reader: PktReader): Promise<Pkt[]> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of readBands(reader)) {
    bytes = addBytes(bytes, part.length);
    parts.push(part.slice());
  }
  return decodePkts(concatBytes([new Uint8Array(0), ...parts]));
}

async function readBareReport(reader: PktReader): Promise<Pkt[]> {
  const pkts: Pkt[] = [];
  let bytes = 0;
  for (let pkt = await reader.read(); pkt !== null && pkt.kind !== "flush"; pkt = await reader.read()) {
    bytes = addBytes(bytes, readText(pkt).length);
    if (pkt.kind === "data") pkts.push({ kind: "data", payload: pkt.payload.slice() });
  }
  return pkts;
}

function addBytes(total: number, more: number): number {
  if (total + more <= MAX_REPORT_BYTES) return total + more;
  throw new GitError("limit-exceeded", `the remote's report has more than ${MAX_REPORT_BYTES} bytes`);
}
