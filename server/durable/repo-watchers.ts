import { LIMITS } from "../../sdk/contract/limits.ts";
import type { FeedQuery } from "../ports/watch.ts";
import { selectMoves, startFeed } from "../stores/branch-feed.ts";
import { CLOSE_DELETED, encodeMessage, encodeMoves, PING, PONG } from "../stores/feed-messages.ts";
import type { RefTable } from "../stores/repo-tables.ts";

/** What a socket carries through hibernation: at most this many bytes, as JSON. Source: Durable Objects, WebSockets. */
const ATTACHMENT_BYTES = 2_048;
/** Moves looked at in one go. */
const MOVES_PER_READ = 1_000;

/**
 * The sockets of a repository's watches. They hibernate: between moves the object may be evicted while they stay open,
 * and pings are answered without it, so a watch that sees nothing costs nothing here.
 */
export interface RepoWatchers {
  accept(query: FeedQuery): Response;
  /** Tells what has moved since the last time; to be called after each write. */
  publish(): void;
  /** The repository is gone. */
  end(): void;
}

export function createRepoWatchers(ctx: DurableObjectState, refs: RefTable): RepoWatchers {
  const branchesOf = new WeakMap<WebSocket, readonly string[] | null>();
  // An object that wakes up with sockets has told all that happened before: it told it in the turn in which it did it.
  let published: number | null = ctx.getWebSockets().length > 0 ? refs.lastMove() : null;

  const findBranches = (socket: WebSocket): readonly string[] | null => {
    let branches = branchesOf.get(socket);
    if (branches === undefined) {
      // Written by `accept` below.
      branches = socket.deserializeAttachment() as readonly string[] | null;
      branchesOf.set(socket, branches);
    }
    return branches;
  };

  return {
    accept(query) {
      if (ctx.getWebSockets().length >= LIMITS.watchersPerRepo) {
        return Response.json({ limit: LIMITS.watchersPerRepo }, { status: 429 });
      }
      const { start, branches, moves } = startFeed(refs, query, { replayMoves: LIMITS.watchReplayMoves });
      const { 0: client, 1: server } = new WebSocketPair();
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
      ctx.acceptWebSocket(server);
      // Many long names: all moves are sent, and the watch picks its own.
      server.serializeAttachment(sizeOf(branches) > ATTACHMENT_BYTES ? null : branches);
      published ??= refs.lastMove();
      server.send(encodeMessage({ kind: "start", start }));
      for (const message of encodeMoves(moves)) server.send(message);
      return new Response(null, { status: 101, webSocket: client });
    },

    publish() {
      if (published === null) return;
      const sockets = ctx.getWebSockets();
      if (sockets.length === 0) {
        published = null;
        return;
      }
      for (;;) {
        const moves = refs.listMoves({ after: published, limit: MOVES_PER_READ });
        const last = moves.at(-1);
        if (!last) return;
        published = last.id;
        for (const socket of sockets) {
          for (const message of encodeMoves(selectMoves(moves, findBranches(socket)))) send(socket, message);
        }
      }
    },

    end() {
      for (const socket of ctx.getWebSockets()) socket.close(CLOSE_DELETED, "the repository was deleted");
      published = null;
    },
  };
}

function sizeOf(branches: readonly string[] | null): number {
  // The platform's own encoding takes up to two bytes for a character.
  return 2 * JSON.stringify(branches).length;
}

/** One watch that has just gone must not keep the news from the others. */
function send(socket: WebSocket, message: string): void {
  try {
    socket.send(message);
  } catch (error) {
    console.warn("a watch has gone", error);
  }
}
