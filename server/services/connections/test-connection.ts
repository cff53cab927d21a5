import { createPktReader } from "../../git/protocol/pkt-reader.ts";
import { readDiscovery } from "../../git/protocol/remote-refs.ts";
import type { ConnectionRecord } from "../../ports/connection.ts";
import type { OpenRemote } from "../../ports/git-remote.ts";
import { formatAuthorization, resolveConnected } from "../sync/remote-address.ts";
import { acceptBody, describeFailure } from "../sync/sync-context.ts";

export type ConnectionVerdict =
  | { readonly kind: "valid"; readonly username: string | null }
  | { readonly kind: "invalid"; readonly error: string };

export interface ConnectionTestDeps {
  readonly openRemote: OpenRemote;
  readonly fetch: typeof fetch;
  /** Why an address may not be called; null when it may. */
  readonly findAddressFault: (url: URL) => string | null;
}

const ANSWER_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Whether the other server takes the credential: asked for the refs of `remote`, or else whose token it is, which only
 * GitHub and GitLab can say. @throws GitError invalid-path for a remote that cannot be one of the connection's
 */
export async function testConnection(
  deps: ConnectionTestDeps,
  connection: ConnectionRecord,
  { secret, remote }: { readonly secret: string; readonly remote: string | null },
): Promise<ConnectionVerdict> {
  return remote === null
    ? askWhose(deps, connection, secret)
    : askRemote(deps, connection, { secret, remote });
}

async function askRemote(
  { openRemote }: ConnectionTestDeps,
  connection: ConnectionRecord,
  { secret, remote }: { readonly secret: string; readonly remote: string },
): Promise<ConnectionVerdict> {
  const url = resolveConnected(connection, remote);
  try {
    const opened = openRemote({ url, authorization: formatAuthorization(connection, secret) });
    const body = acceptBody(await opened.discover("git-upload-pack"));
    await readDiscovery(createPktReader(body), "git-upload-pack");
    return { kind: "valid", username: connection.externalUsername };
  } catch (error) {
    const failure = describeFailure(error);
    if (failure === null) throw error;
    return { kind: "invalid", error: failure.message };
  }
}

async function askWhose(
  deps: ConnectionTestDeps,
  connection: ConnectionRecord,
  secret: string,
): Promise<ConnectionVerdict> {
  const url = new URL(formatUserUrl(connection));
  const fault = deps.findAddressFault(url);
  if (fault !== null) return { kind: "invalid", error: `${url.host} ${fault}` };
  try {
    const response = await deps.fetch(url.href, {
      headers: { authorization: `Bearer ${secret}`, accept: "application/json", "user-agent": "coregit" },
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      return { kind: "invalid", error: `${url.host} answered ${response.status}` };
    }
    const user = parseUser(await readText(response));
    return user === null
      ? { kind: "invalid", error: `${url.host} did not say whose token it is` }
      : { kind: "valid", username: user };
  } catch (error) {
    return {
      kind: "invalid",
      error: `could not reach ${url.host}: ${error instanceof Error ? error.message : "unknown"}`,
    };
  }
}

/** Source: GitHub REST "Get the authenticated user"; GitLab REST "Retrieve the current user". */
function formatUserUrl({ provider, baseUrl }: ConnectionRecord): string {
  if (provider === "gitlab") return `${baseUrl}/api/v4/user`;
  return baseUrl === "https://github.com" ? "https://api.github.com/user" : `${baseUrl}/api/v3/user`;
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) break;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parseUser(text: string): string | null {
  try {
    const { login, username }: { login?: unknown; username?: unknown } = JSON.parse(text) ?? {};
    const name = login ?? username;
    return typeof name === "string" ? name.slice(0, 256) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
