import type { adminEndpoints } from "../../sdk/contract/admin.ts";
import { conflict, invalidField, notFound } from "../middleware/request-error.ts";
import type { OrgStore } from "../ports/org.ts";
import { createKeySecret, findKeyIdOrg, hashSecret, orgIdOf } from "../services/org-keys.ts";
import { isReservedOrg } from "./reserved-names.ts";
import type { HandlersFor } from "./router.ts";

/** The operator's routes. A secret is in the reply that makes it and nowhere else afterwards. */
export function createAdminHandlers(
  openOrg: (orgId: string) => OrgStore,
): HandlersFor<typeof adminEndpoints> {
  return {
    async "POST /admin/orgs"({ body }) {
      if (isReservedOrg(body.slug)) throw invalidField("slug", `"${body.slug}" is reserved`);
      const orgId = orgIdOf(body.slug);
      const secret = createKeySecret(orgId);
      const org = { slug: body.slug, name: body.name ?? null, keyHash: hashSecret(secret) };
      const created = await openOrg(orgId).createOrg(org);
      if (!created) throw conflict(`Organization ${body.slug} exists already`);
      return { id: created.id, slug: body.slug, api_key: secret };
    },
    async "POST /admin/orgs/:org/keys"({ params }) {
      const orgId = orgIdOf(params.org);
      const secret = createKeySecret(orgId);
      const created = await openOrg(orgId).createKey(hashSecret(secret));
      if (!created) throw notFound("Organization");
      return { id: created.keyId, api_key: secret };
    },
    async "DELETE /admin/keys/:id"({ params }) {
      const orgId = findKeyIdOrg(params.id);
      if (orgId === null || !(await openOrg(orgId).revokeKey(params.id))) throw notFound("Key");
      return { deleted: true };
    },
  };
}
