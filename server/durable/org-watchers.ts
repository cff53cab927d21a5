import { LIMITS } from "../../sdk/contract/limits.ts";
import { formatKidPrefix, parseSignedId } from "../services/access/signed-id.ts";
import { CLOSE_REVOKED, PING, PONG } from "../stores/feed-messages.ts";

/** Sockets of streams that must end with their credential; they hibernate, so they cost an idle org nothing. */
export interface OrgWatchers {
  accept(keyId: string): Response;
  /** Of a key or token by its id; of all signed tokens of a key, or of one, by a tag of {@link tagsOf}. */
  endOf(tag: string): void;
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
      ctx.acceptWebSocket(server, tagsOf(keyId));
      return new Response(null, { status: 101, webSocket: client });
    },
    endOf(tag) {
      for (const socket of ctx.getWebSockets(tag)) socket.close(CLOSE_REVOKED, "the credential was revoked");
    },
  };
}

/** What the sockets of a credential are found by: a signed token ends by itself, or with its key. */
function tagsOf(keyId: string): string[] {
  const signed = parseSignedId(keyId);
  return signed ? [keyId, formatKidPrefix(signed.kid), signed.tokenHash] : [keyId];
}
