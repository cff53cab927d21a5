import { GitError } from "../git/errors.ts";
import type { FeedEnd, FeedOpening, FeedQuery, FeedSink, WatchSources } from "../ports/watch.ts";
import { CLOSE_DELETED, CLOSE_REVOKED, decodeMessage, PING } from "./feed-messages.ts";

/** The part of a Durable Object's stub that takes requests. */
export interface SocketStub {
  fetch(url: string, init: { readonly headers: Readonly<Record<string, string>> }): Promise<Response>;
}

export interface DurableWatchDeps {
  readonly connectRepo: (repoId: string) => SocketStub;
  readonly connectOrg: (orgId: string) => SocketStub;
}

/**
 * Watches over sockets to RepoDO and OrgDO. The objects hibernate while nothing happens; this side lives as long as
 * the response that it feeds.
 */
export function createDurableWatch(deps: DurableWatchDeps): WatchSources {
  return {
    openFeed: (repo, query, sink) => openFeed(deps.connectRepo(repo.id), query, sink),
    async watchCredential(orgId, principal, { onRevoked, onLost }) {
      const socket = await openSocket(deps.connectOrg(orgId), { key: principal.keyId });
      if ("limit" in socket) return { kind: "full", limit: socket.limit };
      if ("status" in socket) return { kind: "revoked" };
      let open = true;
      socket.addEventListener("close", ({ code }) => {
        if (!open) return;
        open = false;
        close(socket);
        if (code === CLOSE_REVOKED) onRevoked();
        else onLost();
      });
      return {
        kind: "watched",
        close() {
          open = false;
          close(socket);
        },
      };
    },
  };
}

async function openFeed(stub: SocketStub, query: FeedQuery, sink: FeedSink): Promise<FeedOpening> {
  const socket = await openSocket(stub, { query: JSON.stringify(query) });
  if ("limit" in socket) return { kind: "full", limit: socket.limit };
  if ("status" in socket) throw new GitError("missing-object", "the repository does not exist");
  return new Promise((resolve, reject) => {
    let open = true;
    let answered = true;
    const end = (reason: FeedEnd) => {
      if (!open) return;
      open = false;
      close(socket);
      sink.onEnd(reason);
      reject(new GitError("interrupted", "the connection to the repository was lost"));
    };
    const feed = {
      ping() {
        if (!answered) return false;
        answered = false;
        socket.send(PING);
        return true;
      },
      close() {
        open = false;
        close(socket);
      },
    };
    socket.addEventListener("message", ({ data }) => {
      answered = true;
      if (!open || typeof data !== "string" || !data.startsWith("{")) return;
      const message = decodeMessage(data);
      if (message.kind === "moves") sink.onMoves(message.moves);
      else resolve({ kind: "open", feed: { start: message.start, ...feed } });
    });
    socket.addEventListener("close", ({ code }) =>
      end(code === CLOSE_DELETED ? "repository-deleted" : "lost"),
    );
    socket.addEventListener("error", () => end("lost"));
  });
}

/** An accepted socket, or why there is none. */
async function openSocket(
  stub: SocketStub,
  query: Readonly<Record<string, string>>,
): Promise<WebSocket | { readonly limit: number } | { readonly status: number }> {
  const url = `https://durable-object/watch?${new URLSearchParams(query)}`;
  const response = await stub.fetch(url, { headers: { upgrade: "websocket" } });
  const socket = response.webSocket;
  if (socket) {
    socket.accept();
    return socket;
  }
  // Written by the object's own code.
  if (response.status === 429) return (await response.json()) as { limit: number };
  await response.body?.cancel();
  return { status: response.status };
}

function close(socket: WebSocket): void {
  try {
    socket.close(1_000);
  } catch (error) {
    // Closed from both sides at once; the wish is fulfilled.
    if (!(error instanceof TypeError)) throw error;
  }
}
