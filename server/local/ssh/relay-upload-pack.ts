import { concatBytes } from "../../git/bytes/bytes.ts";
import { decodePkts, encodePkt, FLUSH_PKT, formatPktText, type Pkt } from "../../git/protocol/pkt-line.ts";
import { createPktReader, type PktReader } from "../../git/protocol/pkt-reader.ts";
import { exchange, type GitUpstream, readAdvertisement } from "./git-upstream.ts";
import { readSection } from "./relay-receive-pack.ts";

const MAX_ADVERTISEMENT_BYTES = 256 * 1024 * 1024;
const MAX_HAVES = 200_000;
const VERSION_2 = "version 2";

/** Joins a fetch over a connection to requests of their own, which know nothing of each other. */
export async function* relayUploadPack(
  upstream: GitUpstream,
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const advertised = await collect(readAdvertisement(upstream, "git-upload-pack"));
  const [first] = decodePkts(advertised);
  const reader = createPktReader(input);
  if (first?.kind === "data" && formatPktText(first.payload) === VERSION_2) {
    yield advertised;
    yield* relayCommands(upstream, reader);
    return;
  }
  yield withoutNoDone(advertised);
  yield* relayNegotiation(upstream, reader);
}

/** Version 2: each command is a request that stands for itself. Source: gitprotocol-v2(5). */
async function* relayCommands(upstream: GitUpstream, reader: PktReader): AsyncGenerator<Uint8Array> {
  for (;;) {
    const command = await readSection(reader);
    if (command === null || command.lines.length === 0) return;
    yield* exchange(upstream, "git-upload-pack", command.bytes);
  }
}

/** What a client wants, and what the server was told so far. */
interface Negotiation {
  readonly upstream: GitUpstream;
  readonly wants: Uint8Array;
  /** A section on shallow commits comes before each answer. */
  readonly deepens: boolean;
  readonly haves: Uint8Array[];
  /** Ids that the client knows to be common. */
  readonly acknowledged: Set<string>;
  readonly multiAck: boolean;
}

/**
 * Versions 0 and 1: over HTTP every request says everything again, so the haves of all rounds are sent each time, and of
 * each answer the client gets what it does not know yet. Source: gitprotocol-pack(5), gitprotocol-http(5).
 */
async function* relayNegotiation(upstream: GitUpstream, reader: PktReader): AsyncGenerator<Uint8Array> {
  const wanted = await readSection(reader);
  if (wanted === null || wanted.lines.length === 0) return;
  const texts = wanted.lines.map((line) => formatPktText(line));
  const negotiation: Negotiation = {
    upstream,
    wants: wanted.bytes,
    deepens: texts.some((text) => text.startsWith("deepen")),
    haves: [],
    acknowledged: new Set(),
    multiAck: / multi_ack(_detailed)?( |$)/.test(texts[0] ?? ""),
  };
  if (negotiation.deepens) {
    yield* toFlush(createPktReader(exchange(upstream, "git-upload-pack", negotiation.wants)));
  }
  for (;;) {
    const pkt = await reader.read();
    if (pkt === null) return;
    if (pkt.kind === "flush") {
      yield* answerRound(negotiation);
    } else if (pkt.kind === "data" && formatPktText(pkt.payload) === "done") {
      yield* answerDone(negotiation);
      return;
    } else if (pkt.kind === "data") {
      if (negotiation.haves.length >= MAX_HAVES) throw new Error(`more than ${MAX_HAVES} haves`);
      negotiation.haves.push(encodePkt(pkt.payload));
    }
  }
}

async function openAnswer(
  { upstream, wants, haves, deepens }: Negotiation,
  end: Uint8Array,
): Promise<PktReader> {
  const body = concatBytes([wants, ...haves, end]);
  const answer = createPktReader(exchange(upstream, "git-upload-pack", body));
  if (deepens) for await (const _ of toFlush(answer));
  return answer;
}

async function* answerRound(negotiation: Negotiation): AsyncGenerator<Uint8Array> {
  const answer = await openAnswer(negotiation, FLUSH_PKT);
  for (let pkt = await answer.read(); pkt; pkt = await answer.read()) {
    if (pkt.kind === "data" && isNews(negotiation, formatPktText(pkt.payload))) yield encodePkt(pkt.payload);
  }
}

async function* answerDone(negotiation: Negotiation): AsyncGenerator<Uint8Array> {
  const knewOne = negotiation.acknowledged.size > 0;
  const answer = await openAnswer(negotiation, encodePkt("done\n"));
  for (let pkt = await answer.read(); pkt; pkt = await answer.read()) {
    if (pkt.kind !== "data") break;
    const text = formatPktText(pkt.payload);
    const isLast = text === "NAK" || text.split(" ").length === 2;
    if (isLast ? negotiation.multiAck || !knewOne : isNews(negotiation, text)) yield encodePkt(pkt.payload);
    if (isLast || text.startsWith("ERR ")) break;
  }
  yield* answer.rest();
}

/** Whether the client has not been told yet; remembers that it is now. */
function isNews({ acknowledged }: Negotiation, text: string): boolean {
  const [kind, oid, status] = text.split(" ");
  if (kind !== "ACK" || oid === undefined || status === "ready") return true;
  if (acknowledged.has(oid)) return false;
  acknowledged.add(oid);
  return true;
}

async function* toFlush(reader: PktReader): AsyncGenerator<Uint8Array> {
  for (let pkt: Pkt | null = await reader.read(); pkt; pkt = await reader.read()) {
    if (pkt.kind === "flush") {
      yield FLUSH_PKT;
      return;
    }
    if (pkt.kind === "data") yield encodePkt(pkt.payload);
  }
}

/** Without it the client always says when it is done, and one answer never has a pack that the next would have again. */
function withoutNoDone(advertised: Uint8Array): Uint8Array {
  const pkts = decodePkts(advertised);
  let changed = false;
  const lines = pkts.map((pkt) => {
    if (pkt.kind !== "data") return FLUSH_PKT;
    const nul = pkt.payload.indexOf(0);
    if (changed || nul < 0) return encodePkt(pkt.payload);
    changed = true;
    const text = Buffer.from(pkt.payload).toString("latin1");
    return encodePkt(
      Buffer.from(text.slice(0, nul) + text.slice(nul).replace(/ no-done(?= |\n|$)/, ""), "latin1"),
    );
  });
  return concatBytes(lines);
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > MAX_ADVERTISEMENT_BYTES) {
      throw new Error(`refs of more than ${MAX_ADVERTISEMENT_BYTES} bytes; use protocol version 2`);
    }
    parts.push(chunk);
  }
  return concatBytes(parts);
}
