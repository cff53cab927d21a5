/**
 * The acknowledgements of protocol v0 as a pure function of one stateless request.
 * Source: gitprotocol-pack(5) "Packfile Negotiation"; seen in `GIT_TRACE_PACKET=1 git fetch` against git http-backend.
 */
import type { Oid } from "../hash/oid.ts";
import type { MultiAck, NegotiationEvent } from "./v0-upload.ts";

export interface NegotiationInput {
  readonly events: readonly NegotiationEvent[];
  readonly multiAck: MultiAck;
  readonly noDone: boolean;
  /** Haves of this request that the repository has too. */
  readonly known: ReadonlySet<Oid>;
  /** Every want reaches one of `known`: the client need not look further. */
  readonly ready: boolean;
}

export interface NegotiationReply {
  /** Lines to send, each with its line feed. */
  readonly lines: readonly string[];
  /** The pack follows at once; otherwise the client asks again. */
  readonly sendPack: boolean;
}

interface State {
  readonly lines: string[];
  lastCommon: Oid | null;
  commonSinceFlush: boolean;
  otherSinceFlush: boolean;
  sentReady: boolean;
}

/** Answers one request: its haves and the flush or `done` at its end. */
export function negotiateV0(input: NegotiationInput): NegotiationReply {
  const state: State = {
    lines: [],
    lastCommon: null,
    commonSinceFlush: false,
    otherSinceFlush: false,
    sentReady: false,
  };
  for (const event of input.events) {
    if (event.kind === "have") answerHave(state, input, event.oid);
    else if (event.kind === "flush") return { lines: state.lines, sendPack: answerFlush(state, input) };
    else return answerDone(state, input);
  }
  return { lines: state.lines, sendPack: false };
}

function answerHave(state: State, input: NegotiationInput, oid: Oid): void {
  if (!input.known.has(oid)) {
    state.otherSinceFlush = true;
    if (!input.ready || input.multiAck === "none") return;
    // The whole request is known here, so an early "enough" is as good as git's, which reads have by have.
    state.lines.push(`ACK ${oid} ${input.multiAck === "detailed" ? "ready" : "continue"}\n`);
    state.sentReady ||= input.multiAck === "detailed";
    return;
  }
  const first = state.lastCommon === null;
  state.lastCommon = oid;
  state.commonSinceFlush = true;
  if (input.multiAck === "detailed") state.lines.push(`ACK ${oid} common\n`);
  else if (input.multiAck === "plain") state.lines.push(`ACK ${oid} continue\n`);
  else if (first) state.lines.push(`ACK ${oid}\n`);
}

function answerFlush(state: State, input: NegotiationInput): boolean {
  const detailed = input.multiAck === "detailed";
  if (detailed && state.commonSinceFlush && !state.otherSinceFlush && input.ready) {
    state.sentReady = true;
    state.lines.push(`ACK ${state.lastCommon} ready\n`);
  }
  if (state.lastCommon === null || input.multiAck !== "none") state.lines.push("NAK\n");
  if (!input.noDone || !state.sentReady || state.lastCommon === null) return false;
  state.lines.push(`ACK ${state.lastCommon}\n`);
  return true;
}

function answerDone(state: State, input: NegotiationInput): NegotiationReply {
  if (state.lastCommon === null) state.lines.push("NAK\n");
  else if (input.multiAck !== "none") state.lines.push(`ACK ${state.lastCommon}\n`);
  return { lines: state.lines, sendPack: true };
}
