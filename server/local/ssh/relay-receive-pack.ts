import { concatBytes } from "../../git/bytes/bytes.ts";
import { encodePkt, FLUSH_PKT, formatPktText } from "../../git/protocol/pkt-line.ts";
import { createPktReader, type PktReader } from "../../git/protocol/pkt-reader.ts";
import { exchange, type GitUpstream, readAdvertisement } from "./git-upstream.ts";

const MAX_COMMANDS_BYTES = 32 * 1024 * 1024;
const DELETION = /^[0-9a-f]{40} 0{40} /;

/** Joins a push over a connection to one request and its answer. */
export async function* relayReceivePack(
  upstream: GitUpstream,
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* readAdvertisement(upstream, "git-receive-pack");
  const reader = createPktReader(input);
  const commands = await readSection(reader);
  if (commands === null || commands.lines.length === 0) return;
  const texts = commands.lines.map((line) => formatPktText(line));
  const [first = ""] = texts;
  const capabilities = first.slice(first.indexOf("\0") + 1).split(" ");
  const head = [commands.bytes];
  if (capabilities.includes("push-options")) {
    const options = await readSection(reader);
    if (options) head.push(options.bytes);
  }
  // Who only deletes sends no pack, and keeps the line open for the report: there is no end to wait for.
  const sendsPack = texts.some((text) => !DELETION.test(text) && !text.startsWith("shallow "));
  const body = concatBytes(head);
  yield* exchange(upstream, "git-receive-pack", sendsPack ? joinPack(body, reader) : body);
}

async function* joinPack(head: Uint8Array, reader: PktReader): AsyncGenerator<Uint8Array> {
  yield head;
  yield* reader.rest();
}

/** Lines to the next flush, as they came; null at the end of the input. @throws Error over 32 MiB */
export async function readSection(
  reader: PktReader,
): Promise<{ readonly bytes: Uint8Array; readonly lines: readonly Uint8Array[] } | null> {
  const parts: Uint8Array[] = [];
  const lines: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const pkt = await reader.read();
    if (pkt === null) return null;
    if (pkt.kind === "flush") return { bytes: concatBytes([...parts, FLUSH_PKT]), lines };
    if (pkt.kind !== "data") {
      parts.push(Buffer.from(pkt.kind === "delim" ? "0001" : "0002"));
      continue;
    }
    length += pkt.payload.length;
    if (length > MAX_COMMANDS_BYTES) throw new Error(`a request of more than ${MAX_COMMANDS_BYTES} bytes`);
    // The reader's next line takes the place of this one.
    const payload = pkt.payload.slice();
    lines.push(payload);
    parts.push(encodePkt(payload));
  }
}
