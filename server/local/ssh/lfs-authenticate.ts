import { type GitUpstream, UpstreamError } from "./git-upstream.ts";

const TOKEN_SECONDS = 3_600;

/**
 * The answer to `git-lfs-authenticate`: where the large files are, and what to say there. A master key never leaves the
 * proxy: a token for this repository and an hour is made of it.
 * Source: the API documentation of git-lfs, docs/api/server-discovery.md.
 */
export async function authenticateLfs(
  upstream: GitUpstream,
  asked: { readonly apiKey: string; readonly operation: "upload" | "download" },
): Promise<string> {
  const secret = asked.apiKey.startsWith("cgk_") ? await makeToken(upstream, asked) : asked.apiKey;
  const basic = Buffer.from(`git:${secret}`).toString("base64");
  return JSON.stringify({
    href: `${upstream.url}/info/lfs`,
    header: { Authorization: `Basic ${basic}` },
    expires_in: TOKEN_SECONDS,
  });
}

async function makeToken(
  { url }: GitUpstream,
  { apiKey, operation }: { readonly apiKey: string; readonly operation: "upload" | "download" },
): Promise<string> {
  const { origin, pathname } = new URL(url);
  const repo = pathname
    .split("/")
    .slice(2)
    .join("/")
    .replace(/\.git$/, "");
  const ops = operation === "upload" ? ["read", "write"] : ["read"];
  const response = await fetch(`${origin}/v1/tokens`, {
    method: "POST",
    headers: { "x-api-key": apiKey, "content-type": "application/json" },
    body: JSON.stringify({
      name: "git-lfs over ssh",
      scopes: { [`repos:${repo}`]: ops },
      expires_in: TOKEN_SECONDS,
    }),
  });
  const reply: unknown = await response.json();
  const token = typeof reply === "object" && reply !== null ? Reflect.get(reply, "token") : null;
  if (typeof token !== "string")
    throw new UpstreamError(`no token for large files: the server answered ${response.status}`);
  return token;
}
