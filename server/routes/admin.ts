import type { adminEndpoints, Org } from "../../sdk/contract/admin.ts";
import type { BodyOf } from "../../sdk/contract/index.ts";
import { conflict, invalidField, notFound } from "../middleware/request-error.ts";
import type { Account, PolicyPatch } from "../ports/account.ts";
import type { OrgStore } from "../ports/org.ts";
import { createKeySecret, findKeyIdOrg, hashSecret, orgIdOf } from "../services/org-keys.ts";
import { isReservedOrg } from "./reserved-names.ts";
import type { HandlersFor } from "./router.ts";
import { formatPolicy } from "./usage.ts";

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
    async "GET /admin/orgs/:org"({ params }) {
      return formatOrg(params.org, await openOrg(orgIdOf(params.org)).readAccount());
    },
    async "PATCH /admin/orgs/:org"({ params, body }) {
      return formatOrg(params.org, await openOrg(orgIdOf(params.org)).changePolicy(readPatch(body)));
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

function readPatch({ quotas, rate_limits: rates }: BodyOf<"PATCH /admin/orgs/:org">): PolicyPatch {
  return {
    quotas: {
      repos: quotas?.repos,
      storageBytes: quotas?.storage_bytes,
      repoBytes: quotas?.repo_bytes,
    },
    rates: {
      key: { perMinute: rates?.key?.per_minute, perHour: rates?.key?.per_hour },
      org: { perMinute: rates?.org?.per_minute, perHour: rates?.org?.per_hour },
    },
  };
}

function formatOrg(slug: string, account: Account | null): Org {
  if (!account) throw notFound("Organization");
  return {
    id: orgIdOf(slug),
    slug,
    storage: { repos: account.repos, bytes: account.storageBytes },
    ...formatPolicy(account.policy),
  };
}
