/**
 * Protocol v2 framing: the capability advertisement, and requests `command=…`, capabilities, `0001`, arguments,
 * `0000`. Source: gitprotocol-v2(5).
 */
import { type ByteString, findUtf8 } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { AGENT, type Capabilities, parseCapabilities } from "./capabilities.ts";
import { encodePktMessage, formatPktText, type Pkt } from "./pkt-line.ts";

export type V2Command = "ls-refs" | "fetch" | "object-info";

export interface V2Request {
  readonly command: V2Command;
  readonly capabilities: Capabilities;
  /** Argument lines without their line feed, as bytes. */
  readonly args: readonly ByteString[];
}

const COMMANDS: readonly string[] = ["ls-refs", "fetch", "object-info"];

/** Exactly what the server does; a client sends nothing that is not named here. */
export function encodeV2Advertisement(): Uint8Array {
  return encodePktMessage([
    "version 2\n",
    `agent=${AGENT}\n`,
    "ls-refs=unborn\n",
    "fetch=shallow wait-for-done filter\n",
    "server-option\n",
    "object-format=sha1\n",
    "object-info\n",
  ]);
}

/**
 * Decodes one request; null for a lone flush, with which a client only probes the connection.
 * @throws GitError protocol
 */
export function decodeV2Request(pkts: readonly Pkt[]): V2Request | null {
  const head: ByteString[] = [];
  const args: ByteString[] = [];
  let target = head;
  let ended = false;
  for (const pkt of pkts) {
    if (ended) throw new GitError("protocol", "bytes after the end of the request");
    if (pkt.kind === "data") target.push(formatPktText(pkt.payload));
    else if (pkt.kind === "flush") ended = true;
    else if (pkt.kind === "delim" && target === head) target = args;
    else throw new GitError("protocol", `unexpected ${pkt.kind} packet`);
  }
  if (!ended) throw new GitError("protocol", "request is cut off");
  if (head.length === 0 && args.length === 0) return null;
  const capabilities = parseCapabilities(head.join(" ") as ByteString);
  return { command: parseCommand(capabilities), capabilities, args };
}

function parseCommand(capabilities: Capabilities): V2Command {
  const commands = capabilities.get("command") ?? [];
  if (commands.length !== 1) throw new GitError("protocol", "request needs exactly one command");
  const format = capabilities.get("object-format")?.[0] ?? "sha1";
  if (format !== "sha1")
    throw new GitError("protocol", `mismatched object format: server sha1; client ${format}`);
  const command = commands[0] as string;
  if (!COMMANDS.includes(command))
    throw new GitError("protocol", `unknown command '${command.slice(0, 80)}'`);
  return command as V2Command; // it is one of COMMANDS
}

/** The text after `prefix` when `line` starts with it; null otherwise. */
export function findArgument(line: ByteString, prefix: string): ByteString | null {
  return line.startsWith(prefix) ? (line.slice(prefix.length) as ByteString) : null;
}

/** Name of a ref in a request: UTF-8. @throws GitError protocol */
export function parseWireRefName(name: ByteString): string {
  const text = findUtf8(Buffer.from(name, "latin1"));
  if (text === null) throw new GitError("protocol", "ref name is not UTF-8");
  return text;
}
