/** What a repository and a watch of it say to each other over a socket: JSON texts. */
import type { BranchMove, FeedStart } from "../ports/watch.ts";

export type FeedMessage =
  | { readonly kind: "start"; readonly start: FeedStart }
  | { readonly kind: "moves"; readonly moves: readonly BranchMove[] };

/** Answered by the platform without waking the repository. */
export const PING = "ping";
export const PONG = "pong";

/** Close codes; 4000 to 4999 are an application's own (RFC 6455 7.4.2). */
export const CLOSE_DELETED = 4_004;
export const CLOSE_REVOKED = 4_001;

/** A move has a message of ≤ 200 characters and a name of ≤ 1,024 bytes; a socket's message ends at 1 MiB. */
const MOVES_PER_MESSAGE = 200;

/** Moves cut into messages that a socket takes. */
export function* encodeMoves(moves: readonly BranchMove[]): Generator<string> {
  for (let from = 0; from < moves.length; from += MOVES_PER_MESSAGE) {
    yield encodeMessage({ kind: "moves", moves: moves.slice(from, from + MOVES_PER_MESSAGE) });
  }
}

export function encodeMessage(message: FeedMessage): string {
  return JSON.stringify(message);
}

/** The other side is this same code: its messages are taken as they come. */
export function decodeMessage(text: string): FeedMessage {
  return JSON.parse(text) as FeedMessage;
}
