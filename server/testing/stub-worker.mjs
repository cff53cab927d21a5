/** The smallest Worker that a local server can start: an org directory that answers the operator's routes. */
import { DurableObject } from "cloudflare:workers";

export class RepoDO extends DurableObject {}

export class OrgDO extends DurableObject {
  createOrg(slug) {
    if (this.ctx.storage.kv.get("org")) return null;
    this.ctx.storage.kv.put("org", slug);
    return this.createKey();
  }
  createKey() {
    const key = `cgk_live_${crypto.randomUUID().replaceAll("-", "")}`;
    this.ctx.storage.kv.put(`key:${key}`, true);
    return key;
  }
  hasKey(key) {
    return this.ctx.storage.kv.get(`key:${key}`) === true;
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const org = env.ORG.get(env.ORG.idFromName("local"));
    if (url.pathname.startsWith("/v1/admin/") && request.headers.get("x-admin-key") !== env.ADMIN_KEY) {
      return Response.json({ error: "not found", code: "NOT_FOUND" }, { status: 404 });
    }
    if (url.pathname === "/v1/admin/orgs") {
      const { slug } = await request.json();
      const key = await org.createOrg(slug);
      if (key === null) return Response.json({ error: "taken", code: "CONFLICT" }, { status: 409 });
      return Response.json({ id: "local", slug, api_key: key }, { status: 201 });
    }
    if (url.pathname === "/v1/admin/orgs/local/keys") {
      return Response.json({ id: "key", api_key: await org.createKey() }, { status: 201 });
    }
    const known = await org.hasKey(request.headers.get("x-api-key") ?? "");
    return Response.json(
      { path: url.pathname, search: url.search, method: request.method, known, limits: env.RATE_LIMITS },
      { status: known ? 200 : 401 },
    );
  },
};
