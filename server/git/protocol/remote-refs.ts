/**
 * What a client reads of a server's refs: the reply to `GET …/info/refs?service=…` in protocol v0, v1 and v2, and that to
 * v2's `ls-refs`. Source: gitprotocol-http(5), gitprotocol-pack(5) "Reference Discovery", gitprotocol-v2(5).
 */
import { type ByteString, findUtf8 } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import { isOid, type Oid, ZERO_OID } from "../hash/oid.ts";
import { AGENT, type Capabilities, parseCapabilities } from "./capabilities.ts";
import { DELIM_PKT, encodePkt, FLUSH_PKT, formatPktText, type Pkt } from "./pkt-line.ts";
import type { PktReader } from "./pkt-reader.ts";
import type { GitService } from "./ref-advertisement.ts";

export interface RemoteRef {
  readonly name: string;
  readonly oid: Oid;
  /** The object behind an annotated tag, where the server says so. */
  readonly peeled?: Oid;
}

/** Refs of a server. Names are UTF-8 but not checked otherwise; those that are not UTF-8 are left out. */
export interface RemoteRefs {
  readonly refs: readonly RemoteRef[];
  /** Where HEAD points, also when that branch does not exist yet; null when the server does not say. */
  readonly head: string | null;
  /** Objects that the server has besides: `.have` lines of a push. */
  readonly alsoHas: readonly Oid[];
}

export type Discovery =
  | ({ readonly kind: "refs"; readonly capabilities: Capabilities } & RemoteRefs)
  /** v2: ask with a command. */
  | { readonly kind: "commands"; readonly capabilities: Capabilities };

/** Refs that are taken from one server; a mirror of more does not fit into an isolate beside the rest. */
export const MAX_REMOTE_REFS = 100_000;

/**
 * Reads what a server advertises.
 * @throws GitError protocol when it is no git server, speaks of an error, or has another hash than SHA-1; limit-exceeded
 */
export async function readDiscovery(reader: PktReader, service: GitService): Promise<Discovery> {
  let line = await readLine(reader);
  if (line === `# service=${service}`) {
    await expectFlush(reader);
    line = await readLine(reader);
  }
  if (line === "version 2") return readCommands(reader);
  if (line === "version 1") line = await readLine(reader);
  return readAdvertisedRefs(reader, line);
}

async function readCommands(reader: PktReader): Promise<Discovery> {
  const words: string[] = [];
  for (let line = await readLine(reader); line !== null; line = await readLine(reader)) words.push(line);
  const capabilities = parseV2Capabilities(words);
  checkFormat(capabilities.get("object-format")?.[0]);
  return { kind: "commands", capabilities };
}

/** One capability a line; a value may hold spaces: `fetch=shallow filter`. */
function parseV2Capabilities(lines: readonly string[]): Capabilities {
  const capabilities = new Map<string, string[]>();
  for (const line of lines) {
    const equals = line.indexOf("=");
    const name = equals < 0 ? line : line.slice(0, equals);
    capabilities.set(name, equals < 0 ? [""] : line.slice(equals + 1).split(" "));
  }
  return capabilities;
}

async function readAdvertisedRefs(reader: PktReader, first: ByteString | null): Promise<Discovery> {
  const draft = createDraft();
  let capabilities: Capabilities = new Map();
  for (let line = first, n = 0; line !== null; line = await readLine(reader), n++) {
    const nul = line.indexOf("\0");
    if (n === 0 && nul >= 0) capabilities = parseCapabilities(line.slice(nul + 1) as ByteString);
    if (line.startsWith("shallow ")) continue;
    const { oid, rest } = parseRefLine(nul < 0 ? line : (line.slice(0, nul) as ByteString));
    if (rest === ".have") draft.alsoHas.push(oid);
    else if (rest.endsWith("^{}") && rest !== "capabilities^{}") addPeeled(draft, rest.slice(0, -3), oid);
    else if (oid !== ZERO_OID) addRef(draft, rest, oid);
  }
  checkFormat(capabilities.get("object-format")?.[0]);
  return { kind: "refs", capabilities, ...finish(draft, findHeadTarget(capabilities)) };
}

/** The request for all refs below `prefixes`, with HEAD. */
export function encodeLsRefs(prefixes: readonly string[]): Uint8Array {
  const lines = ["peel\n", "symrefs\n", ...["HEAD", ...prefixes].map((prefix) => `ref-prefix ${prefix}\n`)];
  return encodeCommand("ls-refs", lines);
}

/** The reply to {@link encodeLsRefs}. @throws GitError protocol, limit-exceeded */
export async function readLsRefs(reader: PktReader): Promise<RemoteRefs> {
  const draft = createDraft();
  let head: string | null = null;
  for (let line = await readLine(reader); line !== null; line = await readLine(reader)) {
    const target = / symref-target:(\S+)/.exec(line)?.[1] ?? null;
    if (line.startsWith("unborn ")) {
      if (line.startsWith("unborn HEAD")) head = decodeName(target);
      continue;
    }
    const { oid, rest } = parseRefLine(line);
    const [name = ""] = rest.split(" ");
    if (name === "HEAD") head = decodeName(target);
    else addRef(draft, name, oid);
    const peeled = / peeled:([0-9a-f]{40})/.exec(rest)?.[1];
    if (peeled !== undefined && isOid(peeled)) addPeeled(draft, name, peeled);
  }
  return finish(draft, head);
}

/** A v2 command with its arguments. */
export function encodeCommand(command: string, args: readonly string[]): Uint8Array {
  return Buffer.concat([
    encodePkt(`command=${command}\n`),
    encodePkt(`agent=${AGENT}\n`),
    encodePkt("object-format=sha1\n"),
    DELIM_PKT,
    ...args.map(encodePkt),
    FLUSH_PKT,
  ]);
}

/**
 * The text of the next line; null for a flush. @throws GitError protocol for an `ERR` line, a cut, another control line
 */
export async function readLine(reader: PktReader): Promise<ByteString | null> {
  const pkt = await reader.read();
  if (pkt?.kind === "flush") return null;
  return readText(pkt);
}

/** @throws GitError protocol as {@link readLine}, and for a flush */
export function readText(pkt: Pkt | null): ByteString {
  if (pkt === null) throw new GitError("protocol", "the remote's reply is cut off");
  if (pkt.kind !== "data") throw new GitError("protocol", `the remote sent an unexpected ${pkt.kind} packet`);
  const text = formatPktText(pkt.payload);
  if (text.startsWith("ERR ")) throw new GitError("protocol", `the remote says: ${printable(text.slice(4))}`);
  return text;
}

/** Text of a server as it may stand in a message or a log line. */
export function printable(text: string): string {
  const readable = findUtf8(Buffer.from(text, "latin1")) ?? text;
  return readable
    .replace(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, 300);
}

async function expectFlush(reader: PktReader): Promise<void> {
  if ((await reader.read())?.kind !== "flush")
    throw new GitError("protocol", "this is not a git server's reply");
}

interface Draft {
  readonly refs: Map<string, RemoteRef>;
  readonly alsoHas: Oid[];
}

function createDraft(): Draft {
  return { refs: new Map(), alsoHas: [] };
}

function addRef({ refs, alsoHas }: Draft, rawName: string, oid: Oid): void {
  if (refs.size + alsoHas.length >= MAX_REMOTE_REFS) {
    throw new GitError("limit-exceeded", `the remote has more than ${MAX_REMOTE_REFS} refs`, {
      limit: MAX_REMOTE_REFS,
    });
  }
  const name = decodeName(rawName);
  if (name !== null) refs.set(name, { name, oid });
}

function addPeeled({ refs }: Draft, rawName: string, peeled: Oid): void {
  const name = decodeName(rawName);
  const ref = name === null ? undefined : refs.get(name);
  if (ref) refs.set(ref.name, { ...ref, peeled });
}

function finish({ refs, alsoHas }: Draft, head: string | null): RemoteRefs {
  refs.delete("HEAD");
  return { refs: [...refs.values()], head, alsoHas };
}

function parseRefLine(line: ByteString): { readonly oid: Oid; readonly rest: string } {
  const oid = line.slice(0, 40);
  if (!isOid(oid) || line[40] !== " ") {
    throw new GitError("protocol", `this is not a git server's reply: '${printable(line.slice(0, 80))}'`);
  }
  return { oid, rest: line.slice(41) };
}

function decodeName(raw: string | null): string | null {
  return raw === null ? null : findUtf8(Buffer.from(raw, "latin1"));
}

function findHeadTarget(capabilities: Capabilities): string | null {
  const symref = capabilities.get("symref")?.find((value) => value.startsWith("HEAD:"));
  return symref === undefined ? null : decodeName(symref.slice("HEAD:".length));
}

function checkFormat(format: string | undefined): void {
  if (format === undefined || format === "sha1") return;
  throw new GitError("protocol", `the remote has ${printable(format)} objects; only sha1 is supported`);
}
