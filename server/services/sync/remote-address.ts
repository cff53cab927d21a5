import { GitError } from "../../git/errors.ts";
import type { ConnectionRecord, Provider } from "../../ports/connection.ts";

/** Where the hosts of the two providers are, unless a connection says otherwise. */
export const PROVIDER_URLS: Readonly<Record<Exclude<Provider, "git">, string>> = {
  github: "https://github.com",
  gitlab: "https://gitlab.com",
};

/** With a token alone, this is what the providers want as user name; others do not look at it. */
const USERNAMES: Readonly<Record<Provider, string>> = {
  github: "x-access-token",
  gitlab: "oauth2",
  git: "git",
};

const SEGMENT = /^[A-Za-z0-9_.~+-]+$/;
const MAX_URL_CHARS = 2_048;

/**
 * URL of a repository: `remote` is a path below the connection's base (`owner/repo`, `group/sub/project`) or a URL there.
 * @throws GitError invalid-path
 */
export function resolveConnected(
  connection: Pick<ConnectionRecord, "provider" | "baseUrl">,
  remote: string,
): string {
  const { provider, baseUrl } = connection;
  const path = remote.startsWith(`${baseUrl}/`) ? remote.slice(baseUrl.length + 1) : remote;
  const segments = path.replace(/\/$/, "").split("/");
  const isSane = segments.every((segment) => SEGMENT.test(segment) && !/^\.+$/.test(segment));
  if (!isSane || path.length > MAX_URL_CHARS)
    throw badRemote(`must be a path such as owner/repo, or a URL below ${baseUrl}`);
  if (provider === "github" && segments.length !== 2) throw badRemote("must be owner/repo");
  if (provider === "gitlab" && segments.length < 2) throw badRemote("must be group/project");
  const url = `${baseUrl}/${segments.join("/")}`;
  return provider === "git" || url.endsWith(".git") ? url : `${url}.git`;
}

/**
 * URL of a repository that is read without a credential, and whose it seems to be.
 * @throws GitError invalid-path
 */
export function resolvePublic(remote: string): { readonly url: string; readonly provider: Provider } {
  if (!URL.canParse(remote) || remote.length > MAX_URL_CHARS)
    throw badRemote("must be a URL when no connection is named");
  const url = new URL(remote);
  if (url.search !== "" || url.hash !== "") throw badRemote("must be a URL without query and fragment");
  const text = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  if (url.pathname.replace(/\/+$/, "") === "") throw badRemote("must name a repository");
  const provider =
    url.hostname === "github.com" ? "github" : url.hostname === "gitlab.com" ? "gitlab" : "git";
  return { url: text, provider };
}

/** The `Authorization` header for a connection's secret. Source: gitprotocol-http(5), RFC 7617. */
export function formatAuthorization(
  { provider, username }: Pick<ConnectionRecord, "provider" | "username">,
  secret: string,
): string {
  return `Basic ${Buffer.from(`${username ?? USERNAMES[provider]}:${secret}`, "utf8").toString("base64")}`;
}

/** What the secret of a connection is sealed for. */
export function connectionContext(orgId: string, connectionId: string): string {
  return `connection:${orgId}:${connectionId}`;
}

function badRemote(message: string): GitError {
  return new GitError("invalid-path", message, { field: "remote" });
}
