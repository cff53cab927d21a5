import { LIMITS } from "../../sdk/contract/limits.ts";
import { CLOSE_REVOKED, PING, PONG } from "../stores/feed-messages.ts";

/** Sockets of streams that must end with their credential; they hibernate, so they cost an idle org nothing. */
export interface OrgWatchers {
  accept(keyId: string): Response;
  endOf(keyId: string): void;
}

export function createOrgWatchers(ctx: DurableObjectState, isLive: (keyId: string) => boolean): OrgWatchers {
  return {
    accept(keyId) {
      if (!isLive(keyId)) return new Response(null, { status: 403 });
      if (ctx.getWebSockets().length >= LIMITS.watchersPerOrg) {
        return Response.json({ limit: LIMITS.watchersPerOrg }, { status: 429 });
      }
      const { 0: client, 1: server } = new WebSocketPair();
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
      ctx.acceptWebSocket(server, [keyId]);
      return new Response(null, { status: 101, webSocket: client });
    },
    endOf(keyId) {
      for (const socket of ctx.getWebSockets(keyId))
        socket.close(CLOSE_REVOKED, "the credential was revoked");
    },
  };
}
