import { hashSecret, randomText } from "../org-keys.ts";

const SESSION = /^ses_([0-9A-Za-z]{12})[0-9A-Za-z]{28}$/;
const SECRET_CHARS = 28;
const SHORT_DIGITS = 16;

/** A new session id: `ses_` + org id + 166 random bits. Whoever has it acts with the rights of who opened it. */
export function createSessionId(orgId: string): string {
  return `ses_${orgId}${randomText(SECRET_CHARS)}`;
}

/** The org and the hash that a session is found by; null when `id` has not the shape of one. */
export function parseSessionId(id: string): { readonly orgId: string; readonly hash: string } | null {
  const orgId = SESSION.exec(id)?.[1];
  return orgId === undefined ? null : { orgId, hash: hashSecret(id) };
}

/** What may be shown of a session to everybody: it opens nothing. */
export function shortSessionName(hash: string): string {
  return hash.slice(0, SHORT_DIGITS);
}

/** Id under which caches know a repository as one session sees it. */
export function formatViewId(repoId: string, sessionHash: string): string {
  return `${repoId}~${shortSessionName(sessionHash)}`;
}

/** The repository behind such an id; an id that is none is the repository's own. */
export function findViewedRepo(viewId: string): string {
  return viewId.split("~", 1)[0] ?? viewId;
}
