/**
 * Receive-pack requests: `old SP new SP name` commands, capabilities on the first after NUL, `shallow` lines, a flush;
 * push options and a flush when negotiated; then the pack. Source: gitprotocol-pack(5), "Pushing Data To a Server".
 */
import { type ByteString, findUtf8 } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { type Oid, ZERO_OID } from "../hash/oid.ts";
import { AGENT, type Capabilities, parseCapabilities } from "./capabilities.ts";
import { formatPktText } from "./pkt-line.ts";
import type { PktReader } from "./pkt-reader.ts";
import { parseWireOid } from "./upload-request.ts";

export interface PushCommand {
  /** As sent: what a report must repeat. */
  readonly rawName: Uint8Array;
  /** null when the name is not UTF-8. */
  readonly name: string | null;
  /** null = the ref must not exist. */
  readonly previous: Oid | null;
  /** null = delete. */
  readonly next: Oid | null;
}

export interface ReceiveRequest {
  readonly commands: readonly PushCommand[];
  readonly options: readonly string[];
  readonly atomic: boolean;
  readonly quiet: boolean;
  readonly report: boolean;
  readonly sideband: boolean;
  /** The client is a shallow clone with these boundaries. */
  readonly shallow: readonly Oid[];
}

/** Capabilities of receive-pack that this decoder and the service honour. */
export const RECEIVE_CAPABILITIES: readonly string[] = [
  "report-status",
  "report-status-v2",
  "delete-refs",
  "side-band-64k",
  "quiet",
  "atomic",
  "ofs-delta",
  "push-options",
  "object-format=sha1",
  `agent=${AGENT}`,
];

/** Refs of one push. A mirror push of a big repository sends one command per ref. */
const MAX_COMMANDS = 100_000;
const MAX_OPTIONS = 100;
const MAX_OPTION_BYTES = 1_024;

/**
 * Reads up to the pack, which is left in `reader`; null for an empty body or a lone flush (a client that probes
 * whether it may push).
 * @throws GitError protocol, limit-exceeded
 */
export async function readReceiveRequest(reader: PktReader): Promise<ReceiveRequest | null> {
  const commands: PushCommand[] = [];
  const shallow: Oid[] = [];
  let capabilities: Capabilities = new Map();
  for (;;) {
    const pkt = await reader.read();
    if (pkt === null && commands.length === 0 && shallow.length === 0) return null;
    if (pkt?.kind === "flush") break;
    if (pkt?.kind !== "data") throw new GitError("protocol", "command list is cut off");
    const line = formatPktText(pkt.payload);
    if (line.startsWith("shallow ")) {
      shallow.push(parseWireOid(line.slice("shallow ".length), line));
      continue;
    }
    if (commands.length === 0) capabilities = parseCommandCapabilities(line);
    commands.push(parseCommand(line));
    if (commands.length > MAX_COMMANDS)
      throw new GitError("limit-exceeded", `more than ${MAX_COMMANDS} refs`);
  }
  if (commands.length === 0) return null;
  checkObjectFormat(capabilities);
  const options = capabilities.has("push-options") ? await readPushOptions(reader) : [];
  return {
    commands,
    options,
    atomic: capabilities.has("atomic"),
    quiet: capabilities.has("quiet"),
    report: capabilities.has("report-status") || capabilities.has("report-status-v2"),
    sideband: capabilities.has("side-band-64k"),
    shallow,
  };
}

function parseCommandCapabilities(line: ByteString): Capabilities {
  const nul = line.indexOf("\0");
  return parseCapabilities((nul < 0 ? "" : line.slice(nul + 1)) as ByteString);
}

function parseCommand(line: ByteString): PushCommand {
  const nul = line.indexOf("\0");
  const text = nul < 0 ? line : line.slice(0, nul);
  if (text.length < 83 || text[40] !== " " || text[81] !== " ") {
    throw new GitError("protocol", `expected old/new/ref, got '${text.slice(0, 80)}'`);
  }
  const rawName = Buffer.from(text.slice(82), "latin1");
  return {
    rawName,
    name: findUtf8(rawName),
    previous: parseOptionalOid(text.slice(0, 40), text),
    next: parseOptionalOid(text.slice(41, 81), text),
  };
}

function parseOptionalOid(text: string, line: string): Oid | null {
  const oid = parseWireOid(text, line);
  return oid === ZERO_OID ? null : oid;
}

function checkObjectFormat(capabilities: Capabilities): void {
  const format = capabilities.get("object-format")?.[0] ?? "sha1";
  if (format !== "sha1") throw new GitError("protocol", `unsupported object format '${format.slice(0, 40)}'`);
}

async function readPushOptions(reader: PktReader): Promise<string[]> {
  const options: string[] = [];
  for (;;) {
    const pkt = await reader.read();
    if (pkt?.kind === "flush") return options;
    if (pkt?.kind !== "data") throw new GitError("protocol", "push options are cut off");
    const text = findUtf8(Buffer.from(formatPktText(pkt.payload), "latin1"));
    if (text === null) throw new GitError("protocol", "push option is not UTF-8");
    if (pkt.payload.length > MAX_OPTION_BYTES || options.length >= MAX_OPTIONS) {
      throw new GitError("limit-exceeded", "too many or too long push options");
    }
    options.push(text);
  }
}
