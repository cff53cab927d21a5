import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalOptions, type LocalServer, startLocal } from "../../local/start-local.ts";

/** A running server on its own data folder, with short calls for tests. */
export interface TestServer {
  readonly local: LocalServer;
  call(method: string, path: string, options?: CallOptions): Promise<Reply>;
  createOrg(slug: string): Promise<string>;
  stop(): Promise<void>;
}

export interface CallOptions {
  readonly body?: unknown;
  /** null = no key at all. */
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
  readonly headers: Headers;
}

/** Starts real workerd with rate limits off. */
export async function startTestServer(
  options: Pick<LocalOptions, "outboundHosts" | "onLog"> = {},
): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "coregit-e2e-"));
  const local = await startLocal({ dataDir, limits: "off", ...options });
  const call = async (method: string, path: string, options: CallOptions = {}): Promise<Reply> => {
    const headers: Record<string, string> = { ...options.headers };
    const key = options.key === undefined ? local.apiKey : options.key;
    if (key !== null) headers["x-api-key"] = key;
    if (options.body !== undefined) headers["content-type"] = "application/json";
    const response = await fetch(`${local.url}/v1${path}`, {
      method,
      headers,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    return {
      status: response.status,
      body: isJson && text ? JSON.parse(text) : text,
      headers: response.headers,
    };
  };
  return {
    local,
    call,
    async createOrg(slug) {
      const reply = await call("POST", "/admin/orgs", {
        key: null,
        headers: { "x-admin-key": local.adminKey },
        body: { slug },
      });
      if (reply.status !== 201)
        throw new Error(`could not create org ${slug}: ${JSON.stringify(reply.body)}`);
      return reply.body.api_key;
    },
    async stop() {
      await local.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
