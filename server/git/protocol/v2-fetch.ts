/** The `fetch` command. Source: gitprotocol-v2(5), "fetch". */
import { concatBytes } from "../bytes/bytes.ts";
import type { ByteString } from "../bytes/text.ts";
import { GitError } from "../errors.ts";
import type { Oid } from "../hash/oid.ts";
import { type ObjectFilter, parseObjectFilter } from "./object-filter.ts";
import { encodePkt } from "./pkt-line.ts";
import {
  type DeepenArguments,
  parseWireCount,
  parseWireOid,
  resolveDeepen,
  type UploadRequest,
} from "./upload-request.ts";
import { parseWireRefName } from "./v2-request.ts";

export interface V2FetchRequest extends UploadRequest {
  /** The client wants no pack before it says `done`. */
  readonly waitForDone: boolean;
}

interface Draft {
  readonly wants: Set<Oid>;
  readonly haves: Set<Oid>;
  readonly shallow: Set<Oid>;
  readonly deepen: DeepenArguments;
  readonly flags: Set<string>;
  filter: ObjectFilter | null;
}

const FLAGS: readonly string[] = [
  "done",
  "thin-pack",
  "no-progress",
  "include-tag",
  "ofs-delta",
  "wait-for-done",
];

const VALUES: Readonly<Record<string, (draft: Draft, value: ByteString, line: string) => void>> = {
  want: (draft, value, line) => draft.wants.add(parseWireOid(value, line)),
  have: (draft, value, line) => draft.haves.add(parseWireOid(value, line)),
  shallow: (draft, value, line) => draft.shallow.add(parseWireOid(value, line)),
  deepen: (draft, value, line) => {
    draft.deepen.depth = parseWireCount(value, line);
  },
  "deepen-since": (draft, value, line) => {
    draft.deepen.sinceSeconds = parseWireCount(value, line);
  },
  "deepen-not": (draft, value) => {
    draft.deepen.notRefs.push(parseWireRefName(value));
  },
  filter: (draft, value) => {
    draft.filter = parseObjectFilter(value);
  },
};

/** @throws GitError protocol */
export function parseV2FetchRequest(args: readonly ByteString[]): V2FetchRequest {
  const draft: Draft = {
    wants: new Set(),
    haves: new Set(),
    shallow: new Set(),
    deepen: { depth: null, relative: false, sinceSeconds: null, notRefs: [] },
    flags: new Set(),
    filter: null,
  };
  for (const line of args) parseLine(draft, line);
  return {
    wants: [...draft.wants],
    haves: [...draft.haves],
    done: draft.flags.has("done"),
    shallow: [...draft.shallow],
    deepen: resolveDeepen(draft.deepen),
    filter: draft.filter,
    thinPack: draft.flags.has("thin-pack"),
    ofsDelta: draft.flags.has("ofs-delta"),
    includeTag: draft.flags.has("include-tag"),
    noProgress: draft.flags.has("no-progress"),
    waitForDone: draft.flags.has("wait-for-done"),
  };
}

function parseLine(draft: Draft, line: ByteString): void {
  const space = line.indexOf(" ");
  if (space < 0) {
    if (FLAGS.includes(line)) draft.flags.add(line);
    else if (line === "deepen-relative") draft.deepen.relative = true;
    else throw new GitError("protocol", `unexpected line: '${line.slice(0, 80)}'`);
    return;
  }
  const name = line.slice(0, space);
  const parse = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
  if (!parse) throw new GitError("protocol", `unexpected line: '${line.slice(0, 80)}'`);
  parse(draft, line.slice(space + 1) as ByteString, line);
}

/**
 * The `acknowledgments` section, without what ends it: a delimiter after `ready` (a pack follows), else a flush.
 */
export function encodeAcknowledgments(common: readonly Oid[], ready: boolean): Uint8Array {
  const lines = [encodePkt("acknowledgments\n")];
  if (common.length === 0) lines.push(encodePkt("NAK\n"));
  for (const oid of common) lines.push(encodePkt(`ACK ${oid}\n`));
  if (ready) lines.push(encodePkt("ready\n"));
  return concatBytes(lines);
}

/** `shallow` and `unshallow` lines; v0 ends them with a flush, v2 puts them between `shallow-info` and a delimiter. */
export function encodeShallowLines(shallow: readonly Oid[], unshallow: readonly Oid[]): Uint8Array {
  return concatBytes([
    ...shallow.map((oid) => encodePkt(`shallow ${oid}`)),
    ...unshallow.map((oid) => encodePkt(`unshallow ${oid}`)),
  ]);
}
